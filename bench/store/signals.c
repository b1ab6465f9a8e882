#include "bench/store/points.h"
#include "bench/store/table.h"
#include "db/write/store.h"

/* As db_store_refs are ordered. */
enum ref { RESOURCES, SCOPES, METRICS };

static bool put_spans(struct job *j, uint64_t number)
{
    struct trace t;
    if (!trace_make(&t, &j->store, number, &j->arena))
        return false;
    for (size_t i = 0; i < t.batch.spans.n; i++)
        db_stores[DB_SIGNAL_TRACES]->put_row(&j->out, &t.batch, i);
    return true;
}

static bool put_logs(struct job *j, uint64_t number)
{
    struct trace t;
    if (!trace_make(&t, &j->store, number, &j->arena))
        return false;
    for (size_t i = 0; i < t.batch.logs.n; i++)
        db_stores[DB_SIGNAL_LOGS]->put_row(&j->out, &t.batch, i);
    return true;
}

static bool put_points(struct job *j, uint64_t number)
{
    struct db_batch b;
    if (!point_make(&b, &j->store, number, &j->arena))
        return false;
    db_stores[DB_SIGNAL_METRICS]->put_row(&j->out, &b, 0);
    return true;
}

static void put_refs(struct job *j, enum ref ref)
{
    struct db_batch b;
    db_batch_init(&b, &j->arena, DB_SIGNAL_METRICS, DB_ENCODING_PROTOBUF);
    b.resources.items = j->store.world.resources;
    b.resources.n = WORLD_SERVICES;
    b.scopes.items = j->store.world.scopes;
    b.scopes.n = ARRAY_LEN(j->store.world.scopes);
    b.metrics.items = j->store.world.metrics;
    b.metrics.n = WORLD_METRICS;
    for (size_t i = 0; i < db_store_refs[ref]->n_rows(&b); i++)
        db_store_refs[ref]->put_row(&j->out, &b, i);
}

static void put_resources(struct job *j)
{
    put_refs(j, RESOURCES);
}

static void put_scopes(struct job *j)
{
    put_refs(j, SCOPES);
}

static void put_metrics(struct job *j)
{
    put_refs(j, METRICS);
}

const struct table table_resources = {"resources", {NULL, 0}, NULL, put_resources};
const struct table table_scopes = {"scopes", {NULL, 0}, NULL, put_scopes};
const struct table table_metrics = {"metrics", {NULL, 0}, NULL, put_metrics};
const struct table table_spans = {"spans", {NULL, 0}, put_spans, NULL};
const struct table table_logs = {"logs", {NULL, 0}, put_logs, NULL};
const struct table table_points = {"metric_points", {NULL, 0}, put_points, NULL};

/* COPY pg_temp.stage_TABLE (COLUMNS) FROM STDIN */
static const char *writers_copy_of(const char *name)
{
    static const char *const refs[] = {[RESOURCES] = "resources", [SCOPES] = "scopes", [METRICS] = "metrics"};
    for (size_t i = 0; i < DB_STORE_REFS; i++)
        if (strcmp(name, refs[i]) == 0)
            return db_store_refs[i]->stage.copy;
    for (size_t i = 0; i < DB_STORES; i++)
        if (strcmp(name, db_stores[i]->table) == 0)
            return db_stores[i]->stage.copy;
    return "()";
}

struct str signals_columns(const char *name)
{
    const char *const from = strchr(writers_copy_of(name), '(') + 1;
    return (struct str){from, (size_t)(strchr(from, ')') - from)};
}
