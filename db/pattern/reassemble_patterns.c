#include "db/pattern/reassemble_patterns.h"

#include "db/assemble/store_traces.h"
#include "db/assemble/trace_merge.h"
#include "db/write/stage.h"

#define BATCH 1000
#define BACKLOG_MAX 2000
_Static_assert(BATCH == DB_SPREAD_TRACES_MAX && BACKLOG_MAX == DB_REASSEMBLE_BACKLOG_MAX, "the headers' bounds");
/* Attributes of described traces make most of it. */
enum { ARENA_MAX_BYTES = 256 << 20 };

static const struct db_statement count_overdue = {
    "reassemble_backlog",
    "SELECT count(*) FROM (SELECT arrived_at FROM trace_arrivals ORDER BY arrival_id LIMIT " TEXT_OF(BACKLOG_MAX) ") AS oldest"
    " WHERE arrived_at <= clock_timestamp() - $1 * interval '1 ms'"};

static const struct db_statement next_pattern = {
    "reassemble_pattern",
    "SELECT min(pattern_id) FROM patterns WHERE " DB_PATTERN_MODELS_OF("$1", "$2") " AND ($3 OR pattern_id > $4)"};

/* A pattern whose fingerprint is what it was has its new vector from the first trace that is assembled again; the rest of its
 * traces get that by spreading. */
#define STILL_OUTDATED " AND EXISTS (SELECT FROM patterns WHERE pattern_id = $1 AND " DB_PATTERN_MODELS_OF("$4", "$5") ")"

/* Arrivals bound the starts of spans; those of a trace lie between its start and its end. */
static const struct db_statement put_back = {
    "reassemble_put_back",
    "WITH walked AS MATERIALIZED (SELECT trace_id, service, name, start_ns, end_ns, status, span_count, attributes,"
    " CASE WHEN embedding_model = '" DB_EMBEDDING_MODEL_GIVEN "' THEN embedding END AS given" DB_PATTERN_WALK(STILL_OUTDATED, TEXT_OF(BATCH)) "),"
    " put AS (INSERT INTO trace_arrivals (trace_id, min_ns, max_ns) SELECT trace_id, start_ns, end_ns FROM walked w"
    " WHERE span_count > 0 AND NOT EXISTS (SELECT FROM trace_arrivals a WHERE a.trace_id = w.trace_id) RETURNING 1)"
    " SELECT trace_id, start_ns, span_count = 0, service, name, end_ns, status, CASE WHEN span_count = 0 THEN attributes END, given,"
    " (SELECT count(*) FROM put) FROM walked ORDER BY start_ns DESC, trace_id"};
enum walked_column { TRACE_ID, START_NS, IS_DESCRIBED, SERVICE, NAME, END_NS, STATUS, ATTRIBUTES, GIVEN, N_PUT };

static const struct db_statement last_arrival = {
    "reassemble_last_arrival", "SELECT coalesce(max(arrival_id), 0) FROM trace_arrivals"};
static const struct db_statement has_arrival = {
    "reassemble_has_arrival", "SELECT EXISTS (SELECT FROM trace_arrivals WHERE arrival_id <= $1)"};

static const struct db_statement drop_empty = {
    "reassemble_drop_empty",
    "DELETE FROM patterns p WHERE " DB_PATTERN_MODELS_OF("$1", "$2")
    " AND NOT EXISTS (SELECT FROM traces t WHERE t.pattern_id = p.pattern_id)"};

/* With $3 NULL they wait for a model outside of the process, which needs no spans. Else one whose newest traces have spans has
 * come meanwhile, from a process of an older version: another pass is for it. */
static const struct db_statement settle = {
    "reassemble_settle",
    "UPDATE patterns p SET embedding = NULL, embedding_model = $3, is_spread = $3::text IS NULL"
    " WHERE " DB_PATTERN_MODELS_OF("$1", "$2") " AND ($3::text IS NULL OR NOT EXISTS (SELECT FROM"
    " (SELECT trace_id, start_time, end_time FROM traces WHERE pattern_id = p.pattern_id ORDER BY start_ns DESC LIMIT 100) t"
    " CROSS JOIN LATERAL (SELECT FROM spans s WHERE s.trace_id = t.trace_id AND s.start_time >= t.start_time - interval '1 s'"
    " AND s.start_time <= t.end_time + interval '1 s' LIMIT 1) s))"};

/* A step under way. */
struct work {
    struct db_conn *conn;
    const struct db_wait *wait;
    const struct db_reassemble_how *how;
    struct db_reassembly *at;
    struct db_reassembled *out;
    struct arena *arena;
};

static enum err run(const struct work *w, const struct db_statement *s, const struct db_params *p, struct db_result **out,
                    struct err_info *e)
{
    return db_run(w->conn, w->wait, s, p, out, e);
}

static enum err has_room(const struct work *w, bool *out, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, w->arena);
    db_put_i64(&p, w->how->overdue_ms);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(run(w, &count_overdue, &p, &r, e));
    *out = db_get_i64(r, 0, 0) < BACKLOG_MAX;
    return OK;
}

/* --- walking */

static enum err begin_awaiting(const struct work *w, struct err_info *e)
{
    struct db_params none;
    db_params_init(&none, NULL);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(run(w, &last_arrival, &none, &r, e));
    w->at->stage = DB_REASSEMBLY_AWAITING;
    w->at->last_arrival_id = db_get_i64(r, 0, 0);
    w->out->is_waiting = true;
    return OK;
}

/* Moves to the next outdated pattern, if there is one. */
static enum err find_pattern(const struct work *w, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, w->arena);
    db_pattern_models_put(&p, w->how->models);
    db_put_bool(&p, w->at->stage == DB_REASSEMBLY_NEW);
    db_put_i64(&p, w->at->walk.pattern_id);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(run(w, &next_pattern, &p, &r, e));
    w->at->stage = DB_REASSEMBLY_WALKING;
    w->at->is_in_pattern = !db_is_null(r, 0, 0);
    if (w->at->is_in_pattern)
        db_pattern_walk_begin(&w->at->walk, db_get_i64(r, 0, 0));
    return OK;
}

static enum err read_described(const struct work *w, const struct db_result *r, int row, struct db_given_trace *out,
                               struct err_info *e)
{
    float vector[EMBEDDING_DIMENSIONS];
    *out = (struct db_given_trace){
        .service = db_get_str(r, row, SERVICE),
        .name = db_get_str(r, row, NAME),
        .start_ns = db_get_i64(r, row, START_NS),
        .end_ns = db_get_i64(r, row, END_NS),
        .status = db_get_str(r, row, STATUS),
        .attributes = db_get_json(r, row, ATTRIBUTES),
        .embeds_later = w->how->embeds_later,
    };
    memcpy(out->trace_id, db_get_str(r, row, TRACE_ID).ptr, sizeof out->trace_id);
    if (!db_get_vector(r, row, GIVEN, vector, EMBEDDING_DIMENSIONS))
        return OK;
    const struct str copy = arena_copy(w->arena, (struct str){(const char *)vector, sizeof vector});
    out->embedding = (const float *)(const void *)copy.ptr;
    return copy.ptr == NULL ? ERR_SET_NOMEM(e) : OK;
}

/* Under the lock of merges since before they were read, so that no description in between is undone. */
static enum err derive_described(const struct work *w, const struct db_result *r, struct err_info *e)
{
    const int n_rows = db_n_rows(r);
    struct db_given_trace *const described = arena_calloc(w->arena, (size_t)n_rows, sizeof *described);
    size_t n = 0;
    if (described == NULL)
        return ERR_SET_NOMEM(e);
    for (int i = 0; i < n_rows; i++)
        if (db_get_bool(r, i, IS_DESCRIBED))
            TRY(read_described(w, r, i, &described[n++], e));
    w->out->n_derived = (int64_t)n;
    return n == 0 ? OK : db_store_traces_within(w->conn, w->wait, described, n, w->arena, e);
}

static enum err put_batch(const struct work *w, struct db_result **out, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, w->arena);
    db_pattern_walk_put(&p, &w->at->walk);
    db_pattern_models_put(&p, w->how->models);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_stage_begin(w->conn, w->wait, e));
    TRY(db_trace_merge_lock(w->conn, w->wait, e));
    TRY(run(w, &put_back, &p, &r, e));
    TRY(derive_described(w, r, e));
    TRY(db_exec(w->conn, w->wait, "COMMIT", NULL, e));
    *out = TAKE(r);
    return OK;
}

static enum err walk(const struct work *w, struct err_info *e)
{
    AUTO(db_result) struct db_result *r = NULL;
    if (!w->at->is_in_pattern)
        TRY(find_pattern(w, e));
    if (!w->at->is_in_pattern)
        return begin_awaiting(w, e);
    TRY(put_batch(w, &r, e));
    const int n = db_n_rows(r);
    w->out->n_put = db_get_i64(r, 0, N_PUT);
    w->at->is_in_pattern = n == BATCH;
    if (n > 0)
        db_pattern_walk_pass(&w->at->walk, db_get_i64(r, n - 1, START_NS), db_get_str(r, n - 1, TRACE_ID));
    return OK;
}

/* --- the end of a pass */

static enum err settle_rest(const struct work *w, struct err_info *e)
{
    struct db_params p;
    AUTO(db_result) struct db_result *settled = NULL;
    db_params_init(&p, w->arena);
    db_pattern_models_put(&p, w->how->models);
    TRY(db_exec(w->conn, w->wait, "BEGIN", NULL, e));
    TRY(db_trace_merge_lock(w->conn, w->wait, e));
    TRY(run(w, &drop_empty, &p, NULL, e));
    db_put_text(&p, w->how->embeds_later ? (struct str){NULL, 0} : STR(EMBEDDING_MODEL));
    TRY(run(w, &settle, &p, &settled, e));
    w->out->n_settled = db_n_affected(settled);
    return db_exec(w->conn, w->wait, "COMMIT", NULL, e);
}

static enum err await(const struct work *w, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, w->arena);
    db_put_i64(&p, w->at->last_arrival_id);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(run(w, &has_arrival, &p, &r, e));
    w->out->is_waiting = db_get_bool(r, 0, 0);
    if (w->out->is_waiting)
        return OK;
    TRY(settle_rest(w, e));
    *w->at = (struct db_reassembly){.stage = DB_REASSEMBLY_NEW};
    w->out->is_over = true;
    return OK;
}

static enum err step(const struct work *w, struct err_info *e)
{
    bool is_free = false;
    if (w->at->stage == DB_REASSEMBLY_AWAITING)
        return await(w, e);
    TRY(has_room(w, &is_free, e));
    w->out->is_waiting = !is_free;
    return is_free ? walk(w, e) : OK;
}

enum err db_reassemble_patterns(struct db_conn *c, const struct db_wait *wait, const struct db_reassemble_how *how,
                                struct db_reassembly *at, struct db_reassembled *out, struct err_info *e)
{
    AUTO(arena) struct arena arena;
    struct db_reassembled done = {.is_waiting = false};
    const struct work w = {c, wait, how, at, &done, &arena};
    arena_init(&arena, ARENA_MAX_BYTES);
    const enum err code = step(&w, e);
    if (code != OK)
        db_rollback(c, wait);
    else
        *out = done;
    return code;
}
