#include "db/write/store_points.h"

#include "db/write/copyrow.h"

#define COLUMNS                                                                                                     \
    "metric_id, time, time_ns, point_id, start_ns, resource_id, scope_id, service, flags, value, value_int, count,"  \
    " sum, min, max, attributes, detail, exemplars, trace_ids"
enum { N_COLUMNS = 19 };

static const char merge[] =
    DB_STORE_TAKE("metric_points", COLUMNS) "stored AS (INSERT INTO metric_points (" COLUMNS ") SELECT " COLUMNS " FROM staged"
    " ORDER BY metric_id, time, time_ns, point_id ON CONFLICT DO NOTHING RETURNING 1)"
    " SELECT count(*) FROM stored";

static size_t n_rows(const struct db_batch *b)
{
    return b->points.n;
}

static void put_f64_if(struct buf *out, bool has, double value)
{
    if (has)
        db_copyrow_f64(out, value);
    else
        db_copyrow_null(out);
}

static void put_i64_if(struct buf *out, bool has, int64_t value)
{
    if (has)
        db_copyrow_i64(out, value);
    else
        db_copyrow_null(out);
}

static void put_values(struct buf *out, const struct db_point *p)
{
    put_f64_if(out, p->has_value, p->value);
    put_i64_if(out, p->has_value && p->value_is_int, p->value_int);
    if (p->has_count)
        db_copyrow_numeric(out, p->count);
    else
        db_copyrow_null(out);
    put_f64_if(out, p->has_sum, p->sum);
    put_f64_if(out, p->has_min, p->min);
    put_f64_if(out, p->has_max, p->max);
}

static void put_row(struct buf *out, const struct db_batch *b, size_t i)
{
    const struct db_point *const p = &b->points.items[i];
    const struct db_resource *const resource = &b->resources.items[p->resource];
    db_copyrow_start(out, N_COLUMNS);
    db_copyrow_i64(out, b->metrics.items[p->metric].metric_id);
    db_copyrow_time(out, p->time_ns);
    db_copyrow_i64(out, p->time_ns);
    db_copyrow_bytes(out, p->point_id, sizeof p->point_id);
    put_i64_if(out, p->start_ns != 0, p->start_ns);
    db_copyrow_i64(out, resource->resource_id);
    db_copyrow_i64(out, b->scopes.items[p->scope].scope_id);
    db_copyrow_text(out, resource->service);
    db_copyrow_i64(out, p->flags);
    put_values(out, p);
    db_copyrow_json(out, p->attributes);
    db_copyrow_json(out, p->detail);
    db_copyrow_json(out, p->exemplars);
    if (p->n_trace_ids == 0)
        db_copyrow_null(out);
    else
        db_copyrow_bytes_array(out, p->trace_ids, p->n_trace_ids);
}

static int64_t time_ns(const struct db_batch *b, size_t i)
{
    return b->points.items[i].time_ns;
}

static struct db_store_refs refs(const struct db_batch *b, size_t i)
{
    const struct db_point *const p = &b->points.items[i];
    return (struct db_store_refs){.resource = p->resource, .scope = p->scope, .metric = p->metric};
}

static struct str raw(const struct db_batch *b, size_t i)
{
    return b->points.items[i].raw;
}

static const uint8_t *trace_id(const struct db_batch *b UNUSED, size_t i UNUSED)
{
    return NULL;
}

const struct db_store db_store_points = {
    .stage = {DB_STAGE_CREATE("metric_points", ""), DB_STORE_COPY("metric_points", COLUMNS), {"store_points", merge}},
    .signal = DB_SIGNAL_METRICS,
    .table = "metric_points",
    .signal_name = "metrics",
    .n_rows = n_rows,
    .put_row = put_row,
    .time_ns = time_ns,
    .refs = refs,
    .raw = raw,
    .trace_id = trace_id,
};
