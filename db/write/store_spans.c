#include "db/write/store_spans.h"

#include "db/write/copyrow.h"

#define COLUMNS                                                                                                      \
    "trace_id, span_id, parent_span_id, start_time, start_ns, end_ns, kind, status, flags, dropped_attributes_count," \
    " dropped_events_count, dropped_links_count, resource_id, scope_id, service, name, status_message, trace_state,"  \
    " attributes, events, links"
enum { N_COLUMNS = 21 };

/* Sorted by key, so that writers with the same rows wait for each other instead of deadlocking. */
static const char merge[] =
    DB_STORE_TAKE("spans", COLUMNS) "stored AS (INSERT INTO spans (" COLUMNS ") SELECT " COLUMNS " FROM staged"
    " ORDER BY trace_id, span_id, start_time ON CONFLICT DO NOTHING RETURNING trace_id, start_ns),"
    " arrived AS (INSERT INTO trace_arrivals (trace_id, min_ns, max_ns)"
    " SELECT trace_id, min(start_ns), max(start_ns) FROM stored GROUP BY trace_id)"
    " SELECT count(*) FROM stored";

static size_t n_rows(const struct db_batch *b)
{
    return b->spans.n;
}

static void put_row(struct buf *out, const struct db_batch *b, size_t i)
{
    const struct db_span *const s = &b->spans.items[i];
    const struct db_resource *const resource = &b->resources.items[s->resource];
    db_copyrow_start(out, N_COLUMNS);
    db_copyrow_bytes(out, s->trace_id, sizeof s->trace_id);
    db_copyrow_bytes(out, s->span_id, sizeof s->span_id);
    db_copyrow_bytes(out, s->has_parent ? s->parent_span_id : NULL, sizeof s->parent_span_id);
    db_copyrow_time(out, s->start_ns);
    db_copyrow_i64(out, s->start_ns);
    db_copyrow_i64(out, s->end_ns);
    db_copyrow_i16(out, s->kind);
    db_copyrow_i16(out, s->status);
    db_copyrow_i64(out, s->flags);
    db_copyrow_i64(out, s->n_dropped_attributes);
    db_copyrow_i64(out, s->n_dropped_events);
    db_copyrow_i64(out, s->n_dropped_links);
    db_copyrow_i64(out, resource->resource_id);
    db_copyrow_i64(out, b->scopes.items[s->scope].scope_id);
    db_copyrow_text(out, resource->service);
    db_copyrow_text(out, s->name);
    db_copyrow_text(out, s->status_message);
    db_copyrow_text(out, s->trace_state);
    db_copyrow_json(out, s->attributes);
    db_copyrow_json(out, s->events);
    db_copyrow_json(out, s->links);
}

static int64_t time_ns(const struct db_batch *b, size_t i)
{
    return b->spans.items[i].start_ns;
}

static struct db_store_refs refs(const struct db_batch *b, size_t i)
{
    return (struct db_store_refs){.resource = b->spans.items[i].resource, .scope = b->spans.items[i].scope};
}

static struct str raw(const struct db_batch *b, size_t i)
{
    return b->spans.items[i].raw;
}

static const uint8_t *trace_id(const struct db_batch *b, size_t i)
{
    return b->spans.items[i].trace_id;
}

const struct db_store db_store_spans = {
    .stage = {DB_STAGE_CREATE("spans", ""), DB_STORE_COPY("spans", COLUMNS), {"store_spans", merge}},
    .signal = DB_SIGNAL_TRACES,
    .table = "spans",
    .signal_name = "traces",
    .n_rows = n_rows,
    .put_row = put_row,
    .time_ns = time_ns,
    .refs = refs,
    .raw = raw,
    .trace_id = trace_id,
};
