#include "db/vector/vector_index.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/clock.h"
#include "db/session/advisory.h"

enum { SQL_MAX_BYTES = 512, PARAMS_MAX_BYTES = 4096, SAFE_VERSION = 804, KIBIBYTE = 1024 };

/* Rows are counted where that is cheap; beyond, the statistics do. */
static const struct db_statement count_rows = {
    "vector_rows",
    "SELECT CASE WHEN n < 6000 THEN n ELSE greatest(n, (estimate * (1 - nulls))::bigint) END FROM"
    " (SELECT (SELECT count(*) FROM (SELECT FROM traces WHERE embedding IS NOT NULL LIMIT 6000) AS first_ones) AS n,"
    " greatest(c.reltuples, s.n_live_tup)::float8 AS estimate,"
    " coalesce((SELECT null_frac FROM pg_stats WHERE schemaname = current_schema() AND tablename = 'traces'"
    " AND attname = 'embedding'), 0) AS nulls"
    " FROM pg_class c LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid WHERE c.oid = 'traces'::regclass) AS counts"};

static const struct db_statement list_indexes = {
    "vector_indexes",
    "SELECT i.relname, a.amname, x.indisvalid, coalesce(substring(array_to_string(i.reloptions, ',') FROM 'lists=(\\d+)')::bigint,"
    " CASE a.amname WHEN 'ivfflat' THEN 100 ELSE 0 END), pg_relation_size(i.oid)"
    " FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am a ON a.oid = i.relam"
    " WHERE x.indrelid = 'traces'::regclass AND a.amname IN ('ivfflat', 'hnsw')"
    " AND i.relname LIKE 'ix\\_traces\\_embedding\\_%' ORDER BY i.relname LIMIT 16"};
enum index_column { INDEX_NAME, INDEX_METHOD, INDEX_IS_VALID, INDEX_LISTS, INDEX_SIZE };

static const struct db_statement read_record = {
    "vector_record",
    "SELECT name, method, generation, lists::bigint, n_rows_built, build_ms, effort::bigint, n_queries::bigint, recall,"
    " recall_error, recall_target, built_at, measured_at FROM vector_indexes ORDER BY generation DESC LIMIT 1"};
enum record_column { NAME, METHOD, GENERATION, LISTS, N_ROWS_BUILT, BUILD_MS, EFFORT, N_QUERIES, RECALL, RECALL_ERROR,
                     RECALL_TARGET, BUILT_AT, MEASURED_AT };

static const struct db_statement read_rest = {
    "vector_rest", "SELECT EXISTS (SELECT FROM vector_index_requests), (SELECT extversion FROM pg_extension WHERE extname = 'vector')"};

static const struct db_statement record_built = {
    "vector_record_built",
    "WITH gone AS (DELETE FROM vector_indexes WHERE name <> $1), served AS (DELETE FROM vector_index_requests)"
    " INSERT INTO vector_indexes AS v (name, method, generation, lists, n_rows_built, built_at, build_ms, effort)"
    " VALUES ($1, $2, $3, $4, $5, now(), $6, $7) ON CONFLICT (name) DO UPDATE SET generation = EXCLUDED.generation,"
    " lists = EXCLUDED.lists, n_rows_built = EXCLUDED.n_rows_built, built_at = EXCLUDED.built_at, build_ms = EXCLUDED.build_ms,"
    " effort = EXCLUDED.effort, recall = NULL, recall_error = NULL, recall_target = NULL, n_queries = 0, measured_at = NULL"};

static const struct db_statement record_measured = {
    "vector_record_measured",
    "INSERT INTO vector_indexes AS v (name, method, lists, n_rows_built, built_at, effort, recall, recall_error, recall_target,"
    " n_queries, measured_at) VALUES ($1, $2, $3, $4, now(), $5, $6, $7, $8, $9, now()) ON CONFLICT (name) DO UPDATE SET"
    " lists = EXCLUDED.lists, effort = EXCLUDED.effort, recall = EXCLUDED.recall, recall_error = EXCLUDED.recall_error,"
    " recall_target = EXCLUDED.recall_target, n_queries = EXCLUDED.n_queries, measured_at = EXCLUDED.measured_at"};

static const struct db_statement progress_statement = {
    "vector_progress",
    "SELECT phase, CASE WHEN tuples_total > 0 THEN tuples_done::float8 / tuples_total WHEN blocks_total > 0"
    " THEN blocks_done::float8 / blocks_total ELSE 0 END FROM pg_stat_progress_create_index"
    " WHERE relid = 'traces'::regclass AND datname = current_database() LIMIT 1"};

enum err db_vector_lead(struct db_conn *c, const struct db_wait *wait, bool *is_leader, struct err_info *e)
{
    bool is_held = false;
    TRY(db_conn_open(c, wait, e));
    db_conn_keep(c);
    TRY(db_advisory_try(c, wait, DB_ADVISORY_VECTOR_INDEX, &is_held, e));
    *is_leader = is_held;
    return OK;
}

void db_vector_leave(struct db_conn *c, const struct db_wait *wait)
{
    db_advisory_unlock(c, wait, DB_ADVISORY_VECTOR_INDEX);
}

/* --- facts */

static void take_name(struct str text, char out[DB_VECTOR_NAME_MAX])
{
    (void)snprintf(out, DB_VECTOR_NAME_MAX, "%.*s", STR_ARG(text));
}

static enum db_vector_method take_method(struct str text)
{
    enum db_vector_method method = DB_VECTOR_NONE;
    (void)db_vector_method_parse(text, &method);
    return method;
}

static void take_indexes(const struct db_result *r, struct db_vector_facts *out)
{
    out->n_indexes = (size_t)db_n_rows(r);
    for (size_t i = 0; i < out->n_indexes; i++) {
        struct db_vector_index *const index = &out->indexes[i];
        take_name(db_get_str(r, (int)i, INDEX_NAME), index->name);
        index->method = take_method(db_get_str(r, (int)i, INDEX_METHOD));
        index->is_valid = db_get_bool(r, (int)i, INDEX_IS_VALID);
        index->lists = db_get_i64(r, (int)i, INDEX_LISTS);
        index->size_bytes = db_get_i64(r, (int)i, INDEX_SIZE);
    }
}

static void take_record(const struct db_result *r, struct db_vector_record *out)
{
    if (db_n_rows(r) == 0)
        return;
    *out = (struct db_vector_record){
        .is_there = true,
        .method = take_method(db_get_str(r, 0, METHOD)),
        .generation = db_get_i64(r, 0, GENERATION),
        .lists = db_get_i64(r, 0, LISTS),
        .n_rows_built = db_get_i64(r, 0, N_ROWS_BUILT),
        .build_ms = db_get_i64(r, 0, BUILD_MS),
        .effort = db_get_i64(r, 0, EFFORT),
        .n_queries = db_get_i64(r, 0, N_QUERIES),
        .is_measured = !db_is_null(r, 0, RECALL),
        .recall = db_get_f64(r, 0, RECALL),
        .recall_error = db_get_f64(r, 0, RECALL_ERROR),
        .recall_target = db_get_f64(r, 0, RECALL_TARGET),
        .built_ns = db_get_time(r, 0, BUILT_AT),
        .measured_ns = db_is_null(r, 0, MEASURED_AT) ? 0 : db_get_time(r, 0, MEASURED_AT),
    };
    take_name(db_get_str(r, 0, NAME), out->name);
}

/* "0.8.0" is 800. */
static int64_t take_version(struct str text)
{
    enum { PARTS = 3, STEP = 100 };
    int64_t version = 0;
    for (int i = 0; i < PARTS; i++) {
        struct str rest;
        int64_t part = 0;
        (void)str_to_i64(str_split(text, '.', &rest), &part);
        version = version * STEP + part;
        text = rest;
    }
    return version;
}

enum err db_vector_facts_read(struct db_conn *c, const struct db_wait *wait, struct db_vector_facts *out, struct err_info *e)
{
    AUTO(db_result) struct db_result *rows = NULL;
    AUTO(db_result) struct db_result *indexes = NULL;
    AUTO(db_result) struct db_result *record = NULL;
    AUTO(db_result) struct db_result *rest = NULL;
    TRY(db_run(c, wait, &count_rows, NULL, &rows, e));
    TRY(db_run(c, wait, &list_indexes, NULL, &indexes, e));
    TRY(db_run(c, wait, &read_record, NULL, &record, e));
    TRY(db_run(c, wait, &read_rest, NULL, &rest, e));
    *out = (struct db_vector_facts){
        .n_rows = db_get_i64(rows, 0, 0),
        .is_rebuild_wanted = db_get_bool(rest, 0, 0),
        .now_ns = clock_wall_ns(),
        .extension_version = take_version(db_get_str(rest, 0, 1)),
    };
    take_indexes(indexes, out);
    take_record(record, &out->record);
    return OK;
}

struct db_vector_use db_vector_use_of(const struct db_vector_facts *f)
{
    const struct db_vector_record *const r = &f->record;
    const struct db_vector_index *const current = db_vector_current(f, r->is_there ? r->method : DB_VECTOR_NONE);
    if (current == NULL || r->effort == 0)
        return (struct db_vector_use){.method = DB_VECTOR_NONE};
    return (struct db_vector_use){
        .method = r->method,
        .effort = r->effort,
        .lists = current->lists,
        .is_measured = r->is_measured,
        .recall = r->recall,
        .can_iterate = db_vector_can_iterate(f),
    };
}

/* --- building */

static enum err run(struct db_conn *c, const struct db_wait *wait, struct err_info *e, const char *format, ...) PRINTF_LIKE(4, 5);

/* Names come from db/vector/vector_plan.h and the catalog's ix_traces_embedding_ names, so they need no quoting. */
static enum err run(struct db_conn *c, const struct db_wait *wait, struct err_info *e, const char *format, ...)
{
    char sql[SQL_MAX_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sql, sizeof sql, format, args);
    va_end(args);
    return db_exec(c, wait, sql, NULL, e);
}

/* Never less than what PostgreSQL has by itself: only more helps. HNSW of pgvector before 0.8.2 overflows when it is built in
 * parallel (CVE-2026-3172), and its graph is mended by vacuum only since 0.8.4. */
static enum err set_memory(struct db_conn *c, const struct db_wait *wait, const struct db_vector_wish *wish,
                           const struct db_vector_facts *f, const struct db_vector_decision *d, struct err_info *e)
{
    const int64_t needed = db_vector_build_bytes(d->method, f->n_rows, d->lists);
    const int64_t bytes = needed < wish->memory_max_bytes ? needed : wish->memory_max_bytes;
    TRY(run(c, wait, e,
            "SELECT set_config('maintenance_work_mem', greatest(%lld, pg_size_bytes(boot_val || unit) / 1024)::text || 'kB', false)"
            " FROM pg_settings WHERE name = 'maintenance_work_mem'",
            (long long)(bytes / KIBIBYTE + 1)));
    if (d->method == DB_VECTOR_HNSW && f->extension_version < SAFE_VERSION)
        return run(c, wait, e, "SET max_parallel_maintenance_workers = 0");
    return run(c, wait, e, "RESET max_parallel_maintenance_workers");
}

static enum err create(struct db_conn *c, const struct db_wait *wait, const struct db_vector_decision *d, const char *name,
                       struct err_info *e)
{
    if (d->method == DB_VECTOR_HNSW)
        return run(c, wait, e, "CREATE INDEX CONCURRENTLY %s ON traces USING hnsw (embedding vector_cosine_ops)", name);
    return run(c, wait, e, "CREATE INDEX CONCURRENTLY %s ON traces USING ivfflat (embedding vector_cosine_ops) WITH (lists = %lld)",
               name, (long long)d->lists);
}

static enum err put_record(struct db_conn *c, const struct db_wait *wait, const struct db_vector_facts *f,
                           const struct db_vector_decision *d, int64_t build_ms, struct err_info *e)
{
    AUTO(arena) struct arena arena;
    AUTO(db_result) struct db_result *r = NULL;
    struct db_params p;
    arena_init(&arena, PARAMS_MAX_BYTES);
    db_params_init(&p, &arena);
    db_put_text(&p, str_of(db_vector_name(d->method)));
    db_put_text(&p, str_of(db_vector_method_name(d->method)));
    db_put_i64(&p, f->record.is_there ? f->record.generation + 1 : 1);
    db_put_i32(&p, (int32_t)d->lists);
    db_put_i64(&p, f->n_rows);
    db_put_i64(&p, build_ms);
    db_put_i32(&p, (int32_t)db_vector_first_effort(d->method, d->lists));
    return db_run(c, wait, &record_built, &p, &r, e);
}

/* The names and the record change hands together, so that a search never uses one's effort on the other. */
static enum err swap(struct db_conn *c, const struct db_wait *wait, const struct db_vector_facts *f,
                     const struct db_vector_decision *d, int64_t build_ms, struct err_info *e)
{
    const char *const name = db_vector_name(d->method);
    TRY(run(c, wait, e, "BEGIN; ALTER INDEX IF EXISTS %s RENAME TO %s%s; ALTER INDEX %s%s RENAME TO %s", name, name,
            DB_VECTOR_OLD_SUFFIX, name, DB_VECTOR_NEXT_SUFFIX, name));
    TRY(put_record(c, wait, f, d, build_ms, e));
    return run(c, wait, e, "COMMIT");
}

static enum err drop(struct db_conn *c, const struct db_wait *wait, const char *name, struct err_info *e)
{
    return run(c, wait, e, "DROP INDEX CONCURRENTLY IF EXISTS %s", name);
}

static enum err put_in_place(struct db_conn *c, const struct db_wait *wait, const struct db_vector_facts *f,
                             const struct db_vector_decision *d, int64_t build_ms, struct err_info *e)
{
    char old[DB_VECTOR_NAME_MAX];
    (void)snprintf(old, sizeof old, "%s%s", db_vector_name(d->method), DB_VECTOR_OLD_SUFFIX);
    const enum err code = swap(c, wait, f, d, build_ms, e);
    if (code != OK) {
        db_rollback(c, wait);
        return code;
    }
    return drop(c, wait, old, e);
}

/* A table that has grown since its last analysis looks too small to the planner for the index to be worth it. */
enum err db_vector_build(struct db_conn *c, const struct db_wait *wait, const struct db_vector_wish *wish,
                         const struct db_vector_facts *facts, const struct db_vector_decision *d, struct err_info *e)
{
    const int64_t start_ns = clock_mono_ns();
    char next[DB_VECTOR_NAME_MAX];
    (void)snprintf(next, sizeof next, "%s%s", db_vector_name(d->method), DB_VECTOR_NEXT_SUFFIX);
    TRY(set_memory(c, wait, wish, facts, d, e));
    TRY(create(c, wait, d, next, e));
    TRY(run(c, wait, e, "RESET maintenance_work_mem; ANALYZE traces"));
    return put_in_place(c, wait, facts, d, (clock_mono_ns() - start_ns) / NS_PER_MS, e);
}

enum err db_vector_adopt(struct db_conn *c, const struct db_wait *wait, const struct db_vector_facts *facts,
                         const struct db_vector_decision *d, struct err_info *e)
{
    return put_in_place(c, wait, facts, d, 0, e);
}

enum err db_vector_drop(struct db_conn *c, const struct db_wait *wait, const struct db_vector_decision *d, struct err_info *e)
{
    return drop(c, wait, d->name, e);
}

enum err db_vector_record(struct db_conn *c, const struct db_wait *wait, const struct db_vector_facts *facts,
                          const struct db_vector_index *index, const struct db_vector_measured *measured, double recall_target,
                          struct err_info *e)
{
    AUTO(arena) struct arena arena;
    AUTO(db_result) struct db_result *r = NULL;
    struct db_params p;
    arena_init(&arena, PARAMS_MAX_BYTES);
    db_params_init(&p, &arena);
    db_put_text(&p, str_of(index->name));
    db_put_text(&p, str_of(db_vector_method_name(index->method)));
    db_put_i32(&p, (int32_t)index->lists);
    db_put_i64(&p, facts->n_rows);
    db_put_i32(&p, (int32_t)measured->effort);
    db_put_f64(&p, measured->recall);
    db_put_f64(&p, measured->recall_error);
    db_put_f64(&p, recall_target);
    db_put_i32(&p, (int32_t)measured->n_queries);
    return db_run(c, wait, &record_measured, &p, &r, e);
}

enum err db_vector_request_rebuild(struct db_conn *c, const struct db_wait *wait, struct err_info *e)
{
    return run(c, wait, e, "INSERT INTO vector_index_requests DEFAULT VALUES");
}

enum err db_vector_progress_read(struct db_conn *c, const struct db_wait *wait, struct db_vector_progress *out, struct err_info *e)
{
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &progress_statement, NULL, &r, e));
    *out = (struct db_vector_progress){.is_building = db_n_rows(r) > 0};
    if (out->is_building) {
        (void)snprintf(out->phase, sizeof out->phase, "%.*s", STR_ARG(db_get_str(r, 0, 0)));
        out->share = db_get_f64(r, 0, 1);
    }
    return OK;
}
