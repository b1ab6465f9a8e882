#include "db/write/store_logs.h"

#include "db/write/copyrow.h"

#define COLUMNS                                                                                                   \
    "time, time_ns, observed_ns, log_id, trace_id, span_id, severity, severity_text, event_name, flags,"          \
    " dropped_attributes_count, resource_id, scope_id, service, body, body_json, attributes"
enum { N_COLUMNS = 17 };

static const char merge[] =
    DB_STORE_TAKE("logs", COLUMNS) "stored AS (INSERT INTO logs (" COLUMNS ") SELECT " COLUMNS " FROM staged"
    " ORDER BY time, time_ns, log_id ON CONFLICT DO NOTHING"
    " RETURNING time, time_ns, log_id, trace_id, span_id, severity, event_name, service, body, attributes),"
    " arrived AS (INSERT INTO trace_arrivals (trace_id, min_ns, max_ns)"
    " SELECT trace_id, min(time_ns), max(time_ns) FROM stored"
    " WHERE severity >= " DB_SEVERITY_ERROR " AND trace_id IS NOT NULL GROUP BY trace_id),"
    " failed AS (INSERT INTO errors (error_id, span_id, service, name, type, message, source, start_time, start_ns)"
    " SELECT log_id, span_id, service, event_name, " DB_LOG_ERROR_TYPE("stored") ","
    " " DB_LOG_ERROR_MESSAGE("stored") ", 'log', time, time_ns"
    " FROM stored WHERE severity >= " DB_SEVERITY_ERROR " AND trace_id IS NULL ON CONFLICT DO NOTHING)"
    " SELECT count(*) FROM stored";

static size_t n_rows(const struct db_batch *b)
{
    return b->logs.n;
}

static void put_row(struct buf *out, const struct db_batch *b, size_t i)
{
    const struct db_log *const l = &b->logs.items[i];
    const struct db_resource *const resource = &b->resources.items[l->resource];
    db_copyrow_start(out, N_COLUMNS);
    db_copyrow_time(out, l->time_ns);
    db_copyrow_i64(out, l->time_ns);
    if (l->observed_ns != 0)
        db_copyrow_i64(out, l->observed_ns);
    else
        db_copyrow_null(out);
    db_copyrow_bytes(out, l->log_id, sizeof l->log_id);
    db_copyrow_bytes(out, l->has_trace ? l->trace_id : NULL, sizeof l->trace_id);
    db_copyrow_bytes(out, l->has_span ? l->span_id : NULL, sizeof l->span_id);
    db_copyrow_i16(out, l->severity);
    db_copyrow_text(out, l->severity_text);
    db_copyrow_text(out, l->event_name);
    db_copyrow_i64(out, l->flags);
    db_copyrow_i64(out, l->n_dropped_attributes);
    db_copyrow_i64(out, resource->resource_id);
    db_copyrow_i64(out, b->scopes.items[l->scope].scope_id);
    db_copyrow_text(out, resource->service);
    db_copyrow_text(out, l->body);
    db_copyrow_json(out, l->body_json);
    db_copyrow_json(out, l->attributes);
}

static int64_t time_ns(const struct db_batch *b, size_t i)
{
    return b->logs.items[i].time_ns;
}

static struct db_store_refs refs(const struct db_batch *b, size_t i)
{
    return (struct db_store_refs){.resource = b->logs.items[i].resource, .scope = b->logs.items[i].scope};
}

static struct str raw(const struct db_batch *b, size_t i)
{
    return b->logs.items[i].raw;
}

static const uint8_t *trace_id(const struct db_batch *b, size_t i)
{
    return b->logs.items[i].has_trace ? b->logs.items[i].trace_id : NULL;
}

const struct db_store db_store_logs = {
    .stage = {DB_STAGE_CREATE("logs", ""), DB_STORE_COPY("logs", COLUMNS), {"store_logs", merge}},
    .signal = DB_SIGNAL_LOGS,
    .table = "logs",
    .signal_name = "logs",
    .n_rows = n_rows,
    .put_row = put_row,
    .time_ns = time_ns,
    .refs = refs,
    .raw = raw,
    .trace_id = trace_id,
};
