#include "db/write/store.h"

#include "db/write/copyrow.h"
#include "db/write/store_logs.h"
#include "db/write/store_points.h"
#include "db/write/store_spans.h"

#define RESOURCE_COLUMNS "resource_id, service, attributes, schema_url, dropped_attributes_count"
#define SCOPE_COLUMNS "scope_id, name, version, attributes, schema_url, dropped_attributes_count"
#define METRIC_COLUMNS "metric_id, name, type, unit, description, temporality, is_monotonic, metadata"

#define MERGE(table, columns, key)                                                                             \
    DB_STORE_TAKE(table, columns) "stored AS (INSERT INTO " table " (" columns ") SELECT " columns " FROM staged" \
    " ORDER BY " key " ON CONFLICT DO NOTHING RETURNING 1) SELECT count(*) FROM stored"

#define STAGE(table, columns, key)                                                                             \
    {                                                                                                          \
        DB_STAGE_CREATE(table, ""), DB_STORE_COPY(table, columns),                                             \
        {                                                                                                      \
            "store_" table, MERGE(table, columns, key)                                                         \
        }                                                                                                      \
    }

static const char *const metric_types[] = {
    [DB_METRIC_GAUGE] = "gauge",
    [DB_METRIC_SUM] = "sum",
    [DB_METRIC_HISTOGRAM] = "histogram",
    [DB_METRIC_EXPONENTIAL_HISTOGRAM] = "exponential_histogram",
    [DB_METRIC_SUMMARY] = "summary",
};

static size_t n_resources(const struct db_batch *b)
{
    return b->resources.n;
}

static int64_t resource_id(const struct db_batch *b, size_t i)
{
    return b->resources.items[i].resource_id;
}

static uint32_t pick_resource(const struct db_store_refs *refs)
{
    return refs->resource;
}

static void put_resource(struct buf *out, const struct db_batch *b, size_t i)
{
    const struct db_resource *const r = &b->resources.items[i];
    db_copyrow_start(out, 5);
    db_copyrow_i64(out, r->resource_id);
    db_copyrow_text(out, r->service);
    db_copyrow_json(out, r->attributes);
    db_copyrow_text(out, r->schema_url);
    db_copyrow_i64(out, r->n_dropped_attributes);
}

static size_t n_scopes(const struct db_batch *b)
{
    return b->scopes.n;
}

static int64_t scope_id(const struct db_batch *b, size_t i)
{
    return b->scopes.items[i].scope_id;
}

static uint32_t pick_scope(const struct db_store_refs *refs)
{
    return refs->scope;
}

static void put_scope(struct buf *out, const struct db_batch *b, size_t i)
{
    const struct db_scope *const s = &b->scopes.items[i];
    db_copyrow_start(out, 6);
    db_copyrow_i64(out, s->scope_id);
    db_copyrow_text(out, s->name);
    db_copyrow_text(out, s->version);
    db_copyrow_json(out, s->attributes);
    db_copyrow_text(out, s->schema_url);
    db_copyrow_i64(out, s->n_dropped_attributes);
}

static size_t n_metrics(const struct db_batch *b)
{
    return b->metrics.n;
}

static int64_t metric_id(const struct db_batch *b, size_t i)
{
    return b->metrics.items[i].metric_id;
}

static uint32_t pick_metric(const struct db_store_refs *refs)
{
    return refs->metric;
}

static void put_metric(struct buf *out, const struct db_batch *b, size_t i)
{
    const struct db_metric *const m = &b->metrics.items[i];
    db_copyrow_start(out, 8);
    db_copyrow_i64(out, m->metric_id);
    db_copyrow_text(out, m->name);
    db_copyrow_text(out, str_of(metric_types[m->kind]));
    db_copyrow_text(out, m->unit);
    db_copyrow_text(out, m->description);
    db_copyrow_i16(out, m->temporality);
    db_copyrow_bool(out, m->is_monotonic);
    db_copyrow_json(out, m->metadata);
}

static const struct db_store_ref resources = {
    STAGE("resources", RESOURCE_COLUMNS, "resource_id"), n_resources, resource_id, put_resource, pick_resource,
};
static const struct db_store_ref scopes = {
    STAGE("scopes", SCOPE_COLUMNS, "scope_id"), n_scopes, scope_id, put_scope, pick_scope,
};
static const struct db_store_ref metrics = {
    STAGE("metrics", METRIC_COLUMNS, "metric_id"), n_metrics, metric_id, put_metric, pick_metric,
};

const struct db_store *const db_stores[DB_STORES] = {
    [DB_SIGNAL_TRACES] = &db_store_spans,
    [DB_SIGNAL_LOGS] = &db_store_logs,
    [DB_SIGNAL_METRICS] = &db_store_points,
};

const struct db_store_ref *const db_store_refs[DB_STORE_REFS] = {&resources, &scopes, &metrics};
