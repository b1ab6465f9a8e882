#include "db/assemble/assemble_read.h"

#include <stdlib.h>

#include "db/write/store.h"

enum { LOG_ID_BYTES = 16 };

#define ARRIVALS_MAX 50000
#define SPANS_MAX 100000
#define LOGS_MAX 100000
#define BYTES_MAX 67108864
#define TRACE_SPANS_MAX 20000
#define TRACE_LOGS_MAX 10000
_Static_assert(ARRIVALS_MAX == DB_ASSEMBLE_ARRIVALS_MAX && SPANS_MAX == DB_ASSEMBLE_SPANS_MAX, "the header's bounds");
_Static_assert(TRACE_SPANS_MAX == DB_ASSEMBLE_TRACE_SPANS_MAX && TRACE_LOGS_MAX == DB_ASSEMBLE_TRACE_LOGS_MAX, "and these");
_Static_assert(LOGS_MAX == DB_ASSEMBLE_LOGS_MAX && BYTES_MAX == DB_ASSEMBLE_BYTES_MAX, "and these");

/* The rows up to the first that is beyond the bytes of a round, each with the bytes so far. */
#define WITHIN_BYTES(columns, rows, row_bytes)                                                                      \
    "SELECT " columns ", bytes FROM (SELECT q.*, sum(q.row_bytes) OVER (ROWS UNBOUNDED PRECEDING) AS bytes"         \
    " FROM (SELECT q.*, " row_bytes " AS row_bytes FROM (" rows ") AS q OFFSET 0) AS q) AS q"                       \
    " WHERE bytes - row_bytes <= " TEXT_OF(BYTES_MAX)
/* Of jsonb as it is stored; the text of what is compressed may be many times as long. */
#define JSON_BYTES(json) \
    "CASE WHEN pg_column_compression(" json ") IS NULL THEN pg_column_size(" json ") ELSE octet_length(" json "::text) END"

/* Exception events become flat triples of time, type and message. */
#define EXCEPTIONS                                                                                                      \
    "CASE WHEN s.events IS NOT NULL THEN (SELECT array_agg(v ORDER BY e.n, v.n)"                                        \
    " FROM jsonb_array_elements(s.events) WITH ORDINALITY AS e(event, n), LATERAL (VALUES"                              \
    " (1, coalesce(event->>'time_unix_nano', '')),"                                                                     \
    " (2, " DB_ERROR_TEXT("coalesce(event->'attributes'->>'exception.type', '')") "),"                                  \
    " (3, " DB_ERROR_TEXT("coalesce(event->'attributes'->>'exception.message', '')") ")) AS v(n, v)"                    \
    " WHERE event->>'name' = 'exception') END"

/* Plans are made when the tables may still be small, and staging tables have no statistics: without this a plan would read
 * all of a grown table where a look-up by index of each staged row is meant. */
static const char prepare_sql[] =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off;"
    "CREATE TEMP TABLE IF NOT EXISTS stage_picked (n integer NOT NULL, trace_id bytea NOT NULL,"
    " from_time timestamptz NOT NULL, to_time timestamptz NOT NULL)";

/* A window of spans is that of the arrivals and of the trace as it was; the second around it covers rounding. */
static const struct db_statement pick = {
    "assemble_pick",
    "WITH oldest AS MATERIALIZED (SELECT trace_id FROM trace_arrivals ORDER BY arrival_id LIMIT " TEXT_OF(ARRIVALS_MAX) "),"
    " due AS MATERIALIZED (SELECT a.trace_id FROM trace_arrivals a WHERE a.trace_id IN (SELECT trace_id FROM oldest)"
    " GROUP BY a.trace_id HAVING max(a.arrived_at) <= clock_timestamp() - $1 * interval '1 ms'"
    " OR min(a.arrived_at) <= clock_timestamp() - $2 * interval '1 ms' ORDER BY min(a.arrival_id) LIMIT $3),"
    " gone AS (DELETE FROM trace_arrivals a USING due WHERE a.trace_id = due.trace_id"
    " RETURNING a.trace_id, a.min_ns, a.max_ns),"
    " picked AS (INSERT INTO pg_temp.stage_picked SELECT row_number() OVER (ORDER BY g.trace_id) - 1, g.trace_id,"
    " to_timestamp(least(min(g.min_ns), min(t.start_ns)) / 1e9) - interval '1 s',"
    " to_timestamp(greatest(max(g.max_ns), max(t.end_ns)) / 1e9) + interval '1 s'"
    " FROM gone g LEFT JOIN traces t USING (trace_id) GROUP BY g.trace_id RETURNING n, trace_id)"
    " SELECT trace_id FROM picked ORDER BY n",
};

/* Of a trace with more spans than are read, those that tell most: roots and errors, then the first. */
#define STATUS_ERROR "2"
#define SPAN_COLUMNS \
    "n, span_id, parent_span_id, start_ns, end_ns, resource_id, kind, status, service, name, status_message, attributes, exceptions"
static const struct db_statement read_spans = {
    "assemble_spans",
    WITHIN_BYTES(SPAN_COLUMNS,
    "SELECT p.n, s.span_id, s.parent_span_id, s.start_ns, s.end_ns, s.resource_id, s.kind, s.status, s.service, s.name,"
    " " DB_ERROR_TEXT("s.status_message") " AS status_message, s.attributes, " EXCEPTIONS " AS exceptions"
    " FROM pg_temp.stage_picked p CROSS JOIN LATERAL"
    " (SELECT * FROM spans s WHERE s.trace_id = p.trace_id"
    " AND s.start_time >= p.from_time AND s.start_time <= p.to_time"
    " ORDER BY (s.parent_span_id IS NULL OR s.status = " STATUS_ERROR ") DESC, s.start_ns LIMIT " TEXT_OF(TRACE_SPANS_MAX) ") s"
    " LIMIT " TEXT_OF(SPANS_MAX),
    "octet_length(service) + octet_length(name) + octet_length(status_message) + " JSON_BYTES("attributes")
    " + coalesce(pg_column_size(exceptions), 0)"),
};
enum span_column { S_TRACE, S_ID, S_PARENT, S_START, S_END, S_RESOURCE, S_KIND, S_STATUS, S_SERVICE, S_NAME, S_MESSAGE,
                   S_ATTRIBUTES, S_EXCEPTIONS, S_BYTES };

static const struct db_statement read_totals = {
    "assemble_totals",
    "SELECT p.n, t.* FROM pg_temp.stage_picked p CROSS JOIN LATERAL"
    " (SELECT min(s.start_ns), max(s.end_ns), count(*), count(*) FILTER (WHERE s.status = " STATUS_ERROR ") FROM spans s"
    " WHERE s.trace_id = p.trace_id AND s.start_time >= p.from_time AND s.start_time <= p.to_time) t",
};
enum totals_column { T_TRACE, T_START, T_END, T_SPANS, T_FAILED };

/* Logs of a trace are looked for a day around its spans. */
static const struct db_statement read_logs = {
    "assemble_logs",
    WITHIN_BYTES("n, log_id, span_id, time_ns, service, event_name, type, message",
    "SELECT p.n, l.log_id, l.span_id, l.time_ns, l.service, l.event_name,"
    " " DB_LOG_ERROR_TYPE("l") " AS type, " DB_LOG_ERROR_MESSAGE("l") " AS message"
    " FROM pg_temp.stage_picked p CROSS JOIN LATERAL"
    " (SELECT * FROM logs l WHERE l.trace_id = p.trace_id AND l.time >= p.from_time - interval '1 day'"
    " AND l.time <= p.to_time + interval '1 day' AND l.severity >= " DB_SEVERITY_ERROR
    " LIMIT " TEXT_OF(TRACE_LOGS_MAX) ") l LIMIT " TEXT_OF(LOGS_MAX),
    "octet_length(service) + octet_length(event_name) + octet_length(type) + octet_length(message)"),
};
enum log_column { L_TRACE, L_ID, L_SPAN, L_TIME, L_SERVICE, L_NAME, L_TYPE, L_MESSAGE, L_BYTES };

static const struct db_statement read_resources = {
    "assemble_resources",
    "SELECT resource_id, attributes FROM resources WHERE resource_id = ANY($1::text::bigint[]) ORDER BY resource_id",
};

enum err db_assemble_read_prepare(struct db_conn *c, const struct db_wait *wait, struct err_info *e)
{
    return db_exec(c, wait, prepare_sql, NULL, e);
}

void db_assemble_reading_close(struct db_assemble_reading *r)
{
    db_result_free(r->traces);
    db_result_free(r->spans);
    db_result_free(r->logs);
    db_result_free(r->resources);
    *r = (struct db_assemble_reading){0};
}

static enum err pick_traces(struct db_conn *c, const struct db_wait *wait, const struct db_assemble_when *when,
                            size_t n_traces_max, struct arena *arena, struct db_assemble_reading *out, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    db_put_i64(&p, when->quiet_ms);
    db_put_i64(&p, when->max_age_ms);
    db_put_i64(&p, (int64_t)n_traces_max);
    TRY(db_run(c, wait, &pick, &p, &out->traces, e));
    out->n_inputs = (size_t)db_n_rows(out->traces);
    out->inputs = arena_calloc(arena, out->n_inputs, sizeof *out->inputs);
    if (out->inputs == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < out->n_inputs; i++)
        out->inputs[i].trace_id = db_get_str(out->traces, (int)i, 0);
    return OK;
}

static enum err read_events(const struct db_result *r, int row, struct arena *arena, struct db_assemble_span *span,
                            struct err_info *e)
{
    struct str *texts = NULL;
    size_t n = 0;
    if (db_is_null(r, row, S_EXCEPTIONS))
        return OK;
    TRY(db_get_array(r, row, S_EXCEPTIONS, arena, &texts, &n, e));
    span->n_events = n / 3;
    span->events = arena_calloc(arena, span->n_events, sizeof *span->events);
    if (span->events == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < span->n_events; i++) {
        struct db_assemble_event *const event = &span->events[i];
        if (!str_to_i64(texts[3 * i], &event->time_ns))
            event->time_ns = span->end_ns;
        event->type = texts[3 * i + 1];
        event->message = texts[3 * i + 2];
    }
    return OK;
}

static struct db_assemble_span span_of_row(const struct db_result *r, int row)
{
    return (struct db_assemble_span){
        .trace = (uint32_t)db_get_i64(r, row, S_TRACE),
        .span_id = db_get_str(r, row, S_ID),
        .parent_span_id = db_get_str(r, row, S_PARENT),
        .start_ns = db_get_i64(r, row, S_START),
        .end_ns = db_get_i64(r, row, S_END),
        .resource_id = db_get_i64(r, row, S_RESOURCE),
        .kind = (uint8_t)db_get_i64(r, row, S_KIND),
        .status = (uint8_t)db_get_i64(r, row, S_STATUS),
        .service = db_get_str(r, row, S_SERVICE),
        .name = db_get_str(r, row, S_NAME),
        .status_message = db_get_str(r, row, S_MESSAGE),
        .attributes = db_get_json(r, row, S_ATTRIBUTES),
    };
}

static int compare_spans(const void *a, const void *b)
{
    const struct db_assemble_span *const x = a;
    const struct db_assemble_span *const y = b;
    if (x->trace != y->trace)
        return x->trace < y->trace ? -1 : 1;
    if (x->start_ns != y->start_ns)
        return x->start_ns < y->start_ns ? -1 : 1;
    return memcmp(x->span_id.ptr, y->span_id.ptr, DB_SPAN_ID_BYTES);
}

static int compare_logs(const void *a, const void *b)
{
    const struct db_assemble_log *const x = a;
    const struct db_assemble_log *const y = b;
    if (x->trace != y->trace)
        return x->trace < y->trace ? -1 : 1;
    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    return memcmp(x->log_id.ptr, y->log_id.ptr, LOG_ID_BYTES);
}

/* Whether the rows are not all: as many as a round takes, or the last of them is beyond its bytes. */
static bool rows_are_cut(const struct db_result *r, int n_max, int bytes_column)
{
    const int n = db_n_rows(r);
    return n == n_max || (n > 0 && db_get_i64(r, n - 1, bytes_column) > DB_ASSEMBLE_BYTES_MAX);
}

static enum err take_spans(struct db_assemble_reading *out, struct arena *arena, struct err_info *e)
{
    const size_t n = (size_t)db_n_rows(out->spans);
    struct db_assemble_span *const spans = arena_calloc(arena, n, sizeof *spans);
    if (spans == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < n; i++) {
        spans[i] = span_of_row(out->spans, (int)i);
        TRY(read_events(out->spans, (int)i, arena, &spans[i], e));
    }
    qsort(spans, n, sizeof *spans, compare_spans);
    for (size_t i = n; i > 0; i--) {
        struct db_assemble_input *const input = &out->inputs[spans[i - 1].trace];
        input->spans = &spans[i - 1];
        input->n_spans++;
    }
    out->n_spans = n;
    out->is_cut = rows_are_cut(out->spans, DB_ASSEMBLE_SPANS_MAX, S_BYTES);
    return OK;
}

static bool is_sample(const struct db_assemble_reading *reading, const struct db_assemble_input *input)
{
    return input->n_spans == DB_ASSEMBLE_TRACE_SPANS_MAX || (reading->is_cut && input->n_spans > 0);
}

static bool has_samples(const struct db_assemble_reading *reading)
{
    for (size_t i = 0; i < reading->n_inputs; i++)
        if (is_sample(reading, &reading->inputs[i]))
            return true;
    return false;
}

/* Only a trace of which not all spans were read needs them. */
static enum err take_totals(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                            struct db_assemble_reading *out, struct err_info *e)
{
    AUTO(db_result) struct db_result *r = NULL;
    if (!has_samples(out))
        return OK;
    TRY(db_run(c, wait, &read_totals, NULL, &r, e));
    struct db_assemble_totals *const totals = arena_calloc(arena, out->n_inputs, sizeof *totals);
    if (totals == NULL)
        return ERR_SET_NOMEM(e);
    for (int row = 0; row < db_n_rows(r); row++) {
        const size_t i = (size_t)db_get_i64(r, row, T_TRACE);
        totals[i] = (struct db_assemble_totals){db_get_i64(r, row, T_START), db_get_i64(r, row, T_END),
                                                (size_t)db_get_i64(r, row, T_SPANS), (size_t)db_get_i64(r, row, T_FAILED)};
        if (is_sample(out, &out->inputs[i]))
            out->inputs[i].totals = &totals[i];
    }
    return OK;
}

static enum err take_logs(struct db_assemble_reading *out, struct arena *arena, struct err_info *e)
{
    const struct db_result *const r = out->logs;
    const size_t n = (size_t)db_n_rows(r);
    struct db_assemble_log *const logs = arena_calloc(arena, n, sizeof *logs);
    if (logs == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < n; i++)
        logs[i] = (struct db_assemble_log){
            .trace = (uint32_t)db_get_i64(r, (int)i, L_TRACE),
            .log_id = db_get_str(r, (int)i, L_ID),
            .span_id = db_get_str(r, (int)i, L_SPAN),
            .time_ns = db_get_i64(r, (int)i, L_TIME),
            .service = db_get_str(r, (int)i, L_SERVICE),
            .name = db_get_str(r, (int)i, L_NAME),
            .type = db_get_str(r, (int)i, L_TYPE),
            .message = db_get_str(r, (int)i, L_MESSAGE),
        };
    qsort(logs, n, sizeof *logs, compare_logs);
    for (size_t i = n; i > 0; i--) {
        struct db_assemble_input *const input = &out->inputs[logs[i - 1].trace];
        input->logs = &logs[i - 1];
        input->n_logs++;
    }
    out->is_cut = out->is_cut || rows_are_cut(r, DB_ASSEMBLE_LOGS_MAX, L_BYTES);
    return OK;
}

/* "{1,2}" of the distinct resources of the spans. Neighbours mostly share theirs, PostgreSQL bears with the rest. */
static void put_resource_ids(struct buf *out, const struct db_result *spans)
{
    buf_putc(out, '{');
    int64_t last = 0;
    for (int i = 0; i < db_n_rows(spans); i++) {
        const int64_t id = db_get_i64(spans, i, S_RESOURCE);
        if (i > 0 && id == last)
            continue;
        if (i > 0)
            buf_putc(out, ',');
        buf_put_i64(out, id);
        last = id;
    }
    buf_putc(out, '}');
}

static enum err take_resources(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                               struct db_assemble_reading *out, struct err_info *e)
{
    AUTO(buf) struct buf ids;
    buf_init(&ids, (size_t)DB_ASSEMBLE_SPANS_MAX * 24);
    put_resource_ids(&ids, out->spans);
    if (!buf_is_ok(&ids))
        return ERR_SET_NOMEM(e);
    struct db_params p;
    db_params_init(&p, arena);
    db_put_text(&p, buf_str(&ids));
    TRY(db_run(c, wait, &read_resources, &p, &out->resources, e));
    const size_t n = (size_t)db_n_rows(out->resources);
    struct db_assemble_resource *const resources = arena_calloc(arena, n, sizeof *resources);
    if (resources == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < n; i++)
        resources[i] = (struct db_assemble_resource){db_get_i64(out->resources, (int)i, 0),
                                                     db_get_json(out->resources, (int)i, 1)};
    for (size_t i = 0; i < out->n_inputs; i++) {
        out->inputs[i].resources = resources;
        out->inputs[i].n_resources = n;
    }
    return OK;
}

enum err db_assemble_read(struct db_conn *c, const struct db_wait *wait, const struct db_assemble_when *when,
                          size_t n_traces_max, struct arena *arena, struct db_assemble_reading *out, struct err_info *e)
{
    struct db_params none;
    db_params_init(&none, NULL);
    *out = (struct db_assemble_reading){0};
    TRY(pick_traces(c, wait, when, n_traces_max, arena, out, e));
    if (out->n_inputs == 0)
        return OK;
    TRY(db_run(c, wait, &read_spans, &none, &out->spans, e));
    TRY(take_spans(out, arena, e));
    if (out->is_cut && out->n_inputs > 1)
        return OK;
    TRY(db_run(c, wait, &read_logs, &none, &out->logs, e));
    TRY(take_logs(out, arena, e));
    if (out->is_cut && out->n_inputs > 1)
        return OK;
    TRY(take_totals(c, wait, arena, out, e));
    TRY(db_exec(c, wait, "DELETE FROM pg_temp.stage_picked", NULL, e));
    return take_resources(c, wait, arena, out, e);
}
