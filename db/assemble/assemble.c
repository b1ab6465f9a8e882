#include "db/assemble/assemble.h"

#include "core/clock.h"
#include "core/hex.h"
#include "core/log.h"
#include "db/assemble/assemble_operations.h"
#include "db/assemble/assemble_read.h"
#include "db/assemble/trace_merge.h"
#include "db/session/advisory.h"
#include "db/write/copyrow.h"
#include "db/write/stage.h"
#include "db/write/writer_tx.h"

/* The arena of a round holds what comes of DB_ASSEMBLE_SPANS_MAX spans and of their texts and logs; a stream, their rows. */
enum { ARENA_MAX_BYTES = 1 << 30, STREAM_MAX_BYTES = 1 << 29, FEWER_TRACES = 8, PARAMS_MAX_BYTES = 4096, SET_ASIDE_MS = 5000 };
enum { ERROR_COLUMNS = 11, OPERATION_COLUMNS = 7 };

static const char prepare_sql[] =
    DB_STAGE_CREATE("errors", "") ";" DB_STAGE_CREATE("operations", "");
static const char copy_errors[] = "COPY pg_temp.stage_errors FROM STDIN (FORMAT binary)";
static const char copy_operations[] = "COPY pg_temp.stage_operations FROM STDIN (FORMAT binary)";

/* Errors of a trace without spans have lasting ids, so they need no deletion. */
static const struct db_statement delete_errors = {
    "assemble_delete_errors", "DELETE FROM errors e USING pg_temp.stage_traces s WHERE e.trace_id = s.trace_id"};
static const struct db_statement insert_errors = {
    "assemble_insert_errors", "WITH staged AS (DELETE FROM pg_temp.stage_errors RETURNING *)"
    " INSERT INTO errors SELECT * FROM staged ON CONFLICT DO NOTHING"};
static const struct db_statement merge_operations = {
    "assemble_operations",
    "WITH staged AS (DELETE FROM pg_temp.stage_operations RETURNING *)"
    " INSERT INTO operations AS o SELECT * FROM staged ORDER BY operation_id, day"
    " ON CONFLICT (operation_id, day) DO UPDATE SET first_seen_ns = least(o.first_seen_ns, EXCLUDED.first_seen_ns),"
    " last_seen_ns = greatest(o.last_seen_ns, EXCLUDED.last_seen_ns)"
    " WHERE o.first_seen_ns > EXCLUDED.first_seen_ns OR o.last_seen_ns < EXCLUDED.last_seen_ns"};
/* An arrival from the time to come is not due before it; what comes of the trace meanwhile makes it due again. */
static const struct db_statement put_off = {
    "assemble_put_off", "UPDATE trace_arrivals SET arrived_at = clock_timestamp() + interval '1 hour' WHERE trace_id = $1"};
static const struct db_statement count_backlog = {
    "assemble_backlog", "SELECT count(DISTINCT trace_id), min(arrived_at) FROM trace_arrivals"};

static const char *const sources[] = {
    [DB_ERROR_SPAN_STATUS] = "span_status", [DB_ERROR_SPAN_EVENT] = "span_event", [DB_ERROR_LOG] = "log"};

enum err db_assemble_lead(struct db_conn *c, const struct db_wait *wait, bool *is_leader, struct err_info *e)
{
    bool is_held = false;
    TRY(db_conn_open(c, wait, e));
    db_conn_keep(c);
    TRY(db_assemble_read_prepare(c, wait, e));
    TRY(db_trace_merge_prepare(c, wait, e));
    TRY(db_exec(c, wait, prepare_sql, NULL, e));
    TRY(db_advisory_try(c, wait, DB_ADVISORY_ASSEMBLE, &is_held, e));
    *is_leader = is_held;
    return OK;
}

static void put_error(struct buf *out, const struct db_trace_error *error)
{
    db_copyrow_start(out, ERROR_COLUMNS);
    db_copyrow_bytes(out, error->error_id, sizeof error->error_id);
    db_copyrow_str(out, error->trace_id);
    db_copyrow_str(out, error->span_id);
    db_copyrow_text(out, error->service);
    db_copyrow_text(out, error->name);
    db_copyrow_text(out, error->type);
    db_copyrow_text(out, error->message);
    db_copyrow_text(out, str_of(sources[error->source]));
    db_copyrow_time(out, error->start_ns);
    db_copyrow_i64(out, error->start_ns);
    if (error->has_duration)
        db_copyrow_f64(out, error->duration_ms);
    else
        db_copyrow_null(out);
}

/* An operation of a day, once a round. */
struct operation {
    uint64_t id; /* 0: a free slot */
    int64_t day, first_ns, last_ns;
    const struct db_assemble_span *span;
};

static void note_operation(struct operation *slots, size_t mask, const struct db_assemble_span *s)
{
    const uint64_t id = db_operation_id(s->service, s->name, s->kind);
    const int64_t day = clock_day(s->start_ns);
    size_t at = (size_t)(id >> 1) & mask;
    while (slots[at].id != 0 && (slots[at].id != id || slots[at].day != day))
        at = (at + 1) & mask;
    struct operation *const o = &slots[at];
    if (o->id == 0)
        *o = (struct operation){id, day, s->start_ns, s->start_ns, s};
    if (s->start_ns < o->first_ns)
        o->first_ns = s->start_ns;
    if (s->start_ns > o->last_ns)
        o->last_ns = s->start_ns;
}

static void put_operation(struct buf *out, const struct operation *o)
{
    db_copyrow_start(out, OPERATION_COLUMNS);
    db_copyrow_i64(out, (int64_t)o->id);
    db_copyrow_date(out, o->day);
    db_copyrow_text(out, o->span->service);
    db_copyrow_text(out, o->span->name);
    db_copyrow_i16(out, o->span->kind);
    db_copyrow_i64(out, o->first_ns);
    db_copyrow_i64(out, o->last_ns);
}

static enum err put_operations(struct buf *out, const struct db_assemble_reading *reading, struct arena *arena,
                               struct err_info *e)
{
    size_t n_slots = 16;
    while (n_slots < 2 * reading->n_spans)
        n_slots *= 2;
    struct operation *const slots = arena_calloc(arena, n_slots, sizeof *slots);
    if (slots == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < reading->n_inputs; i++)
        for (size_t s = 0; s < reading->inputs[i].n_spans; s++)
            note_operation(slots, n_slots - 1, &reading->inputs[i].spans[s]);
    db_copyrow_begin(out);
    for (size_t i = 0; i < n_slots; i++)
        if (slots[i].id != 0)
            put_operation(out, &slots[i]);
    db_copyrow_end(out);
    return buf_is_ok(out) ? OK : ERR_SET_NOMEM(e);
}

/* The patterns that a round has met. */
struct met_patterns {
    int64_t ids[DB_ASSEMBLE_TRACES_MAX];
    size_t n;
};

static bool is_met(struct met_patterns *met, int64_t pattern_id)
{
    for (size_t i = 0; i < met->n; i++)
        if (met->ids[i] == pattern_id)
            return true;
    met->ids[met->n++] = pattern_id;
    return false;
}

/* Operations are long and the same for all traces of a pattern: one of a round brings them. */
static enum err assemble_one(const struct db_assemble_input *in, bool embeds_later, struct arena *arena, struct met_patterns *met,
                             struct db_assemble_output *out, struct err_info *e)
{
    TRY(db_assemble_trace(in, embeds_later, arena, out, e));
    if (!out->has_row || is_met(met, out->row.pattern_id))
        return OK;
    return db_assemble_operations(in, arena, &out->row, e);
}

static enum err assemble_all(const struct db_assemble_reading *reading, bool embeds_later, struct arena *arena,
                             struct buf *traces, struct buf *errors, struct err_info *e)
{
    struct met_patterns met = {.n = 0};
    db_copyrow_begin(traces);
    db_copyrow_begin(errors);
    for (size_t i = 0; i < reading->n_inputs; i++) {
        struct db_assemble_output out;
        TRY(assemble_one(&reading->inputs[i], embeds_later, arena, &met, &out, e));
        if (out.has_row)
            db_trace_merge_put(traces, &out.row);
        for (size_t n = 0; n < out.n_errors; n++)
            put_error(errors, &out.errors[n]);
    }
    db_copyrow_end(traces);
    db_copyrow_end(errors);
    return buf_is_ok(traces) && buf_is_ok(errors) ? OK : ERR_SET_NOMEM(e);
}

static enum err run(struct db_conn *c, const struct db_wait *wait, const struct db_statement *s, struct err_info *e)
{
    struct db_params none;
    db_params_init(&none, NULL);
    AUTO(db_result) struct db_result *r = NULL;
    return db_run(c, wait, s, &none, &r, e);
}

static enum err write_all(struct db_conn *c, const struct db_wait *wait, const struct db_assemble_reading *reading,
                          bool embeds_later, struct arena *arena, struct err_info *e)
{
    AUTO(buf) struct buf traces;
    AUTO(buf) struct buf errors;
    AUTO(buf) struct buf operations;
    buf_init(&traces, STREAM_MAX_BYTES);
    buf_init(&errors, STREAM_MAX_BYTES);
    buf_init(&operations, STREAM_MAX_BYTES);
    TRY(assemble_all(reading, embeds_later, arena, &traces, &errors, e));
    TRY(put_operations(&operations, reading, arena, e));
    TRY(db_trace_merge(c, wait, buf_str(&traces), e));
    TRY(run(c, wait, &delete_errors, e));
    TRY(db_trace_merge_end(c, wait, e));
    TRY(db_copy(c, wait, copy_errors, buf_str(&errors), e));
    TRY(run(c, wait, &insert_errors, e));
    TRY(db_copy(c, wait, copy_operations, buf_str(&operations), e));
    return run(c, wait, &merge_operations, e);
}

/* One try at a round. */
struct attempt {
    size_t n_traces_max;
    bool is_cut; /* undone, as its traces are too much for one round */
    size_t n_picked;
    uint8_t first_trace_id[DB_TRACE_ID_BYTES];
    struct err_info why; /* it failed */
};

static void note_picked(struct attempt *a, const struct db_assemble_reading *reading)
{
    a->n_picked = reading->n_inputs;
    if (a->n_picked > 0)
        memcpy(a->first_trace_id, reading->inputs[0].trace_id.ptr, sizeof a->first_trace_id);
}

/* One transaction over at most n_traces_max traces. */
static enum err attempt_round(struct db_conn *c, const struct db_wait *wait, const struct db_assemble_when *when,
                              struct attempt *a, struct db_assembled *out)
{
    struct err_info *const e = &a->why;
    AUTO(arena) struct arena arena;
    AUTO(db_assemble_reading) struct db_assemble_reading reading = {0};
    arena_init(&arena, ARENA_MAX_BYTES);
    TRY(db_stage_begin(c, wait, e));
    const enum err code = db_assemble_read(c, wait, when, a->n_traces_max, &arena, &reading, e);
    note_picked(a, &reading);
    TRY(code);
    a->is_cut = reading.is_cut && reading.n_inputs > 1;
    if (a->is_cut)
        return db_exec(c, wait, "ROLLBACK", NULL, e);
    if (reading.n_inputs > 0)
        TRY(write_all(c, wait, &reading, when->embeds_later, &arena, e));
    TRY(db_exec(c, wait, "COMMIT", NULL, e));
    *out = (struct db_assembled){.n_traces = reading.n_inputs, .n_spans = reading.n_spans,
                                 .is_full = reading.n_inputs == a->n_traces_max};
    return OK;
}

/* Whether it failed for what its traces are, so that the same again is useless and fewer of them may do. */
static bool is_of_traces(const struct err_info *why)
{
    return why->code == ERR_NOMEM || why->code == ERR_TIMEOUT || db_writer_is_refused(why);
}

/* Whether it is to be set aside. A lock, too, can take a round's time, and others the memory, so that a trace is blamed for these only
 * once several have run out of them. */
static bool is_of_one_trace(const struct attempt *a)
{
    const bool may_be_of_others = a->why.code == ERR_TIMEOUT || a->why.code == ERR_NOMEM;
    return is_of_traces(&a->why) && a->n_picked == 1 && (!may_be_of_others || a->n_traces_max == 1);
}

static size_t fewer(size_t n_traces)
{
    return n_traces > FEWER_TRACES ? n_traces / FEWER_TRACES : 1;
}

/* As many as the same time would do for, if it takes more traces that much longer. */
static size_t more(size_t n_traces, const struct db_wait *wait, int64_t start_ns)
{
    const bool has_time = clock_mono_ns() - start_ns < (wait->deadline_ns - start_ns) / FEWER_TRACES;
    const size_t n_more = has_time ? n_traces * FEWER_TRACES : n_traces;
    return n_more < DB_ASSEMBLE_TRACES_MAX ? n_more : DB_ASSEMBLE_TRACES_MAX;
}

/* In a time of its own, as that of the round may be over. */
static enum err set_aside(struct db_conn *c, const struct db_wait *wait, const struct attempt *a, struct db_assembled *out,
                          struct err_info *e)
{
    AUTO(arena) struct arena scratch;
    AUTO(buf) struct buf trace_id;
    struct db_params p;
    const struct db_wait own = {.deadline_ns = clock_mono_ns() + SET_ASIDE_MS * NS_PER_MS, .cancelled = wait->cancelled,
                                .wake_fd = wait->wake_fd};
    arena_init(&scratch, PARAMS_MAX_BYTES);
    db_params_init(&p, &scratch);
    db_put_bytes(&p, (struct str){(const char *)a->first_trace_id, sizeof a->first_trace_id});
    TRY(db_run(c, &own, &put_off, &p, NULL, e));
    buf_init(&trace_id, 2 * sizeof a->first_trace_id);
    hex_put(&trace_id, a->first_trace_id, sizeof a->first_trace_id);
    LOG(LOG_ERROR, "trace_set_aside", LOG_TEXT("trace_id", buf_str(&trace_id)), LOG_CSTR("error", err_name(a->why.code)),
        LOG_CSTR("sqlstate", a->why.sqlstate), LOG_CSTR("detail", a->why.detail));
    *out = (struct db_assembled){.n_set_aside = 1, .is_full = true};
    return OK;
}

enum err db_assemble_round(struct db_conn *c, const struct db_wait *wait, const struct db_assemble_when *when,
                           size_t *n_traces_max, struct db_assembled *out, struct err_info *e)
{
    for (;; *n_traces_max = fewer(*n_traces_max)) {
        struct attempt a = {.n_traces_max = *n_traces_max};
        const int64_t start_ns = clock_mono_ns();
        const enum err code = attempt_round(c, wait, when, &a, out);
        if (code == OK && a.is_cut)
            continue;
        if (code == OK) {
            *n_traces_max = more(*n_traces_max, wait, start_ns);
            return OK;
        }
        db_rollback(c, wait);
        if (is_of_one_trace(&a))
            return set_aside(c, wait, &a, out, e);
        if (!is_of_traces(&a.why) || a.n_picked == 0) {
            if (e != NULL && e->code == OK)
                *e = a.why;
            return code;
        }
    }
}

enum err db_assemble_backlog(struct db_conn *c, const struct db_wait *wait, int64_t *n_traces, int64_t *oldest_ns,
                             struct err_info *e)
{
    struct db_params none;
    db_params_init(&none, NULL);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &count_backlog, &none, &r, e));
    *n_traces = db_get_i64(r, 0, 0);
    *oldest_ns = db_is_null(r, 0, 1) ? 0 : db_get_time(r, 0, 1);
    return OK;
}
