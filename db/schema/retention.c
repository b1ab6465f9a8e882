#include "db/schema/retention.h"

#include "core/clock.h"
#include "db/schema/partition.h"
#include "db/session/advisory.h"

enum { PARAMS_MAX_BYTES = 4096 };

/* Each takes $1, the nanosecond before which, and deletes at most so many rows ($2). */
static const struct db_statement delete_errors = {
    "retention_errors",
    "DELETE FROM errors WHERE error_id IN (SELECT error_id FROM errors WHERE start_ns < $1 ORDER BY start_ns LIMIT $2)"};
static const struct db_statement delete_operations = {
    "retention_operations",
    "DELETE FROM operations WHERE (operation_id, day) IN (SELECT operation_id, day FROM operations"
    " WHERE day < (to_timestamp($1 / 1e9) AT TIME ZONE 'UTC')::date LIMIT $2)"};

/* What changes patterns does it under the lock that all such changes take (db/assemble/trace_merge.c): taken by a statement of its
 * own, before the snapshot of the next, which so sees all that its last holder did. */
static const char begin_locked[] = "BEGIN; SELECT pg_advisory_xact_lock(8390322045806929256)";

/* Their patterns lose the count. */
static const struct db_statement delete_traces = {
    "retention_traces",
    "WITH old AS MATERIALIZED (SELECT trace_id FROM traces WHERE start_ns < $1 ORDER BY start_ns LIMIT $2),"
    " gone AS (DELETE FROM traces t USING old WHERE t.trace_id = old.trace_id RETURNING t.pattern_id, t.status),"
    " counted AS (UPDATE patterns p SET trace_count = p.trace_count - g.n, error_count = p.error_count - g.n_failed"
    " FROM (SELECT pattern_id, count(*) AS n, count(*) FILTER (WHERE status = 'error') AS n_failed FROM gone"
    " GROUP BY pattern_id) g WHERE p.pattern_id = g.pattern_id)"
    " SELECT count(*) FROM gone"};
static const struct db_statement delete_patterns = {
    "retention_patterns", "DELETE FROM patterns WHERE trace_count <= 0 AND last_seen_ns < $1 AND $2::bigint > 0"};
static const struct db_statement mend_exemplars = {
    "retention_exemplars",
    "UPDATE patterns p SET exemplar_trace_id = t.trace_id, first_seen_ns = greatest(p.first_seen_ns, $1)"
    " FROM patterns q CROSS JOIN LATERAL (SELECT trace_id FROM traces WHERE pattern_id = q.pattern_id LIMIT 1) t"
    " WHERE q.pattern_id = p.pattern_id AND $2::bigint > 0"
    " AND NOT EXISTS (SELECT FROM traces WHERE trace_id = p.exemplar_trace_id)"};

static enum err run(struct db_conn *c, const struct db_wait *wait, const struct db_statement *s, int64_t before_ns,
                    int64_t *n_rows, struct err_info *e)
{
    AUTO(arena) struct arena scratch;
    AUTO(db_result) struct db_result *r = NULL;
    struct db_params p;
    arena_init(&scratch, PARAMS_MAX_BYTES);
    db_params_init(&p, &scratch);
    db_put_i64(&p, before_ns);
    db_put_i64(&p, DB_RETENTION_ROWS_MAX);
    TRY(db_run(c, wait, s, &p, &r, e));
    *n_rows = db_n_rows(r) > 0 ? db_get_i64(r, 0, 0) : db_n_affected(r);
    return OK;
}

static enum err run_locked(struct db_conn *c, const struct db_wait *wait, const struct db_statement *s, int64_t before_ns,
                           int64_t *n_rows, struct err_info *e)
{
    enum err code = db_exec(c, wait, begin_locked, NULL, e);
    if (code == OK)
        code = run(c, wait, s, before_ns, n_rows, e);
    if (code == OK)
        code = db_exec(c, wait, "COMMIT", NULL, e);
    if (code != OK)
        db_rollback(c, wait);
    return code;
}

typedef enum err (*run_fn)(struct db_conn *c, const struct db_wait *wait, const struct db_statement *s, int64_t before_ns,
                           int64_t *n_rows, struct err_info *e);

/* Batch by batch, until one is not full. */
static enum err delete_all(struct db_conn *c, const struct db_wait *wait, run_fn run_one, const struct db_statement *s,
                           int64_t before_ns, int64_t *n_total, struct err_info *e)
{
    int64_t n = DB_RETENTION_ROWS_MAX;
    while (n >= DB_RETENTION_ROWS_MAX) {
        TRY(run_one(c, wait, s, before_ns, &n, e));
        *n_total += n;
    }
    return OK;
}

enum err db_retention_premake(struct db_conn *c, const struct db_wait *wait, int64_t now_ns, struct err_info *e)
{
    for (int ahead = 0; ahead < DB_RETENTION_DAYS_AHEAD; ahead++)
        for (size_t i = 0; i < ARRAY_LEN(db_partitioned_tables); i++)
            TRY(db_partition_make(c, wait, db_partitioned_tables[i], clock_day(now_ns) + ahead, e));
    return OK;
}

/* Partitions last: they alone may have to wait for somebody. */
static enum err clean(struct db_conn *c, const struct db_wait *wait, int64_t before_ns, struct db_retained *out,
                      struct err_info *e)
{
    int64_t n_mended = 0;
    TRY(delete_all(c, wait, run, &delete_errors, before_ns, &out->n_errors, e));
    TRY(delete_all(c, wait, run_locked, &delete_traces, before_ns, &out->n_traces, e));
    TRY(delete_all(c, wait, run, &delete_operations, before_ns, &out->n_operations, e));
    TRY(run_locked(c, wait, &delete_patterns, before_ns, &out->n_patterns, e));
    TRY(run_locked(c, wait, &mend_exemplars, before_ns, &n_mended, e));
    return db_partition_drop_before(c, wait, before_ns, &out->n_partitions, e);
}

enum err db_retention_run(struct db_conn *c, const struct db_wait *wait, int64_t before_ns, bool *is_leader,
                          struct db_retained *out, struct err_info *e)
{
    struct db_retained done = {0};
    bool is_held = false;
    TRY(db_conn_open(c, wait, e));
    TRY(db_advisory_try(c, wait, DB_ADVISORY_RETENTION, &is_held, e));
    *is_leader = is_held;
    if (!is_held)
        return OK;
    const enum err code = clean(c, wait, before_ns, &done, e);
    db_advisory_unlock(c, wait, DB_ADVISORY_RETENTION);
    *out = done;
    return code;
}
