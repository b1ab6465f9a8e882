#include "db/pattern/spread_patterns.h"

#include "db/assemble/trace_merge.h"

#define BATCH 1000
_Static_assert(BATCH == DB_SPREAD_TRACES_MAX, "the header's bound");
enum { PARAMS_MAX_BYTES = 16 * 1024 };

static const struct db_statement pick = {
    "spread_pick", "SELECT pattern_id FROM patterns WHERE NOT is_spread AND embedding_model = $1 ORDER BY pattern_id LIMIT 1"};

/* A pattern that has got another model meanwhile is left to another walk. */
static const struct db_statement spread = {
    "spread_patterns",
    "WITH walked AS MATERIALIZED (SELECT trace_id, start_ns" DB_PATTERN_WALK("", TEXT_OF(BATCH)) "),"
    " spread AS (UPDATE traces t SET embedding = p.embedding, embedding_model = p.embedding_model, embedding_generated_at = now()"
    " FROM walked w CROSS JOIN patterns p WHERE t.trace_id = w.trace_id AND p.pattern_id = $1 AND p.embedding_model = $4"
    " AND t.embedding_model IS DISTINCT FROM '" DB_EMBEDDING_MODEL_GIVEN "' AND (t.embedding_model IS DISTINCT FROM p.embedding_model"
    " OR t.embedding IS DISTINCT FROM p.embedding) RETURNING t.trace_id),"
    " marked AS (UPDATE patterns SET is_spread = true WHERE pattern_id = $1 AND embedding_model = $4"
    " AND (SELECT count(*) FROM walked) < " TEXT_OF(BATCH) ")"
    " SELECT n.n, (SELECT count(*) FROM spread), last.start_ns, last.trace_id FROM (SELECT count(*) AS n FROM walked) n"
    " LEFT JOIN (SELECT start_ns, trace_id FROM walked ORDER BY start_ns, trace_id DESC LIMIT 1) last ON true"};
enum spread_column { N_WALKED, N_SPREAD, LAST_START_NS, LAST_TRACE_ID };

void db_pattern_walk_begin(struct db_pattern_walk *w, int64_t pattern_id)
{
    *w = (struct db_pattern_walk){.pattern_id = pattern_id, .start_ns = INT64_MAX};
}

void db_pattern_walk_pass(struct db_pattern_walk *w, int64_t start_ns, struct str trace_id)
{
    w->start_ns = start_ns;
    memcpy(w->trace_id, trace_id.ptr, sizeof w->trace_id);
}

void db_pattern_walk_put(struct db_params *p, const struct db_pattern_walk *w)
{
    db_put_i64(p, w->pattern_id);
    db_put_i64(p, w->start_ns);
    db_put_bytes(p, (struct str){(const char *)w->trace_id, sizeof w->trace_id});
}

static enum err find(struct db_conn *c, const struct db_wait *wait, struct arena *arena, struct str model, struct db_spreading *at,
                     struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    db_put_text(&p, model);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &pick, &p, &r, e));
    at->is_under_way = db_n_rows(r) > 0;
    if (at->is_under_way)
        db_pattern_walk_begin(&at->walk, db_get_i64(r, 0, 0));
    return OK;
}

/* Under the lock that merges take, so that none of them is between reading a pattern's vector and writing its traces. */
static enum err step(struct db_conn *c, const struct db_wait *wait, struct arena *arena, struct str model,
                     const struct db_spreading *at, struct db_result **out, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    db_pattern_walk_put(&p, &at->walk);
    db_put_text(&p, model);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_exec(c, wait, "BEGIN", NULL, e));
    TRY(db_trace_merge_lock(c, wait, e));
    TRY(db_run(c, wait, &spread, &p, &r, e));
    TRY(db_exec(c, wait, "COMMIT", NULL, e));
    *out = TAKE(r);
    return OK;
}

enum err db_spread_patterns(struct db_conn *c, const struct db_wait *wait, struct str model, struct db_spreading *at, bool *has_more,
                            int64_t *n_traces, struct err_info *e)
{
    AUTO(arena) struct arena arena;
    AUTO(db_result) struct db_result *r = NULL;
    arena_init(&arena, PARAMS_MAX_BYTES);
    if (!at->is_under_way)
        TRY(find(c, wait, &arena, model, at, e));
    *has_more = at->is_under_way;
    *n_traces = 0;
    if (!at->is_under_way)
        return OK;
    const enum err code = step(c, wait, &arena, model, at, &r, e);
    if (code != OK) {
        db_rollback(c, wait);
        return code;
    }
    *n_traces = db_get_i64(r, 0, N_SPREAD);
    at->is_under_way = db_get_i64(r, 0, N_WALKED) == BATCH;
    if (at->is_under_way)
        db_pattern_walk_pass(&at->walk, db_get_i64(r, 0, LAST_START_NS), db_get_str(r, 0, LAST_TRACE_ID));
    return OK;
}
