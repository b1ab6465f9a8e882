#include "db/question/find_similar_traces.h"

#include "core/embedding.h"
#include "db/assemble/trace_merge.h"
#include "db/session/query.h"

/* What to compare with. The vector of a trace is its pattern's, unless it was given one; a pattern that is being embedded anew
 * may have none. Unshaped are traces of the model that have no pattern to be found by. */
static const struct db_statement target_statement = {
    "find_similar_traces_target",
    "SELECT v.embedding, v.embedding_model, v.is_stored, EXISTS (SELECT FROM trace_arrivals WHERE trace_id = $1), v.pattern_id,"
    " v.error_message, EXISTS (SELECT FROM traces WHERE pattern_id IS NULL AND embedding IS NOT NULL AND embedding_model ="
    " coalesce($2, v.embedding_model)), (SELECT reltuples::bigint FROM pg_class WHERE oid = 'patterns'::regclass), v.is_waiting"
    " FROM (SELECT t.trace_id IS NOT NULL AS is_stored, t.pattern_id, t.error_message,"
    " p.pattern_id IS NOT NULL AND p.embedding_model IS NULL AS is_waiting,"
    " CASE WHEN is_of_pattern THEN p.embedding ELSE t.embedding END AS embedding,"
    " CASE WHEN is_of_pattern THEN p.embedding_model ELSE t.embedding_model END AS embedding_model"
    " FROM (SELECT 1) AS one LEFT JOIN traces AS t ON t.trace_id = $1 LEFT JOIN patterns AS p ON p.pattern_id = t.pattern_id"
    " CROSS JOIN LATERAL (SELECT p.embedding IS NOT NULL AND t.embedding_model IS DISTINCT FROM '" DB_EMBEDDING_MODEL_GIVEN
    "' AS is_of_pattern) AS of_pattern) AS v"};

enum target_column { EMBEDDING, MODEL, IS_STORED, IS_ARRIVING, PATTERN_ID, ERROR_MESSAGE, HAS_UNSHAPED, N_PATTERNS, IS_WAITING };

/* A similarity of 1 to the last digit is more than single precision can give. */
static const double rounding = 1e-6;

/* A search under way. */
struct search {
    struct db_conn *conn;
    const struct db_wait *wait;
    struct arena *arena;
    const struct db_find_similar_traces_params *params;
    struct db_find_similar_traces_how *how;
    const float *embedding;
    float of_trace[EMBEDDING_DIMENSIONS];
};

static enum err no_vector(const struct db_result *r, struct err_info *e)
{
    if (db_get_bool(r, 0, IS_ARRIVING))
        return ERR_SET(e, ERR_NOT_FOUND, "this trace is not assembled yet; ask again in a few seconds");
    if (!db_get_bool(r, 0, IS_STORED))
        return ERR_SET(e, ERR_NOT_FOUND, "there is no trace of this id: its spans have not come, or are no longer kept");
    if (db_get_bool(r, 0, IS_WAITING))
        return ERR_SET(e, ERR_NOT_FOUND, "this trace is not embedded yet; that is done in the background, ask again later");
    return ERR_SET(e, ERR_NOT_FOUND,
                   "this trace has no embedding, so nothing can be compared with it; search by text or embedding instead");
}

static enum err keep(struct arena *arena, struct str text, struct str *out, struct err_info *e)
{
    if (text.ptr == NULL)
        return OK;
    *out = arena_copy(arena, text);
    return out->ptr == NULL ? ERR_SET_NOMEM(e) : OK;
}

static enum err take_target(struct search *s, const struct db_result *r, struct err_info *e)
{
    s->how->has_pattern = !db_is_null(r, 0, PATTERN_ID);
    s->how->pattern_id = db_get_i64(r, 0, PATTERN_ID);
    TRY(keep(s->arena, db_get_str(r, 0, ERROR_MESSAGE), &s->how->error_message, e));
    if (s->params->embedding != NULL)
        return OK;
    if (!db_get_vector(r, 0, EMBEDDING, s->of_trace, EMBEDDING_DIMENSIONS))
        return no_vector(r, e);
    s->embedding = s->of_trace;
    return keep(s->arena, db_get_str(r, 0, MODEL), &s->how->model, e);
}

static enum db_similar_way choose(const struct search *s, const struct db_result *r)
{
    const bool has_index = s->params->use.method != DB_VECTOR_NONE && !s->params->is_exact;
    const bool has_shapes =
        !str_equal(s->how->model, STR(DB_EMBEDDING_MODEL_GIVEN)) && !db_get_bool(r, 0, HAS_UNSHAPED);
    if (has_shapes && (!has_index || s->params->by_pattern || db_get_i64(r, 0, N_PATTERNS) <= DB_SIMILAR_SHAPES_MAX))
        return DB_SIMILAR_SHAPES;
    return has_index ? DB_SIMILAR_INDEX : DB_SIMILAR_SCAN;
}

static enum err find_target(struct search *s, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, s->arena);
    db_put_bytes(&p, s->params->trace_id);
    db_put_text(&p, s->params->embedding == NULL ? (struct str){NULL, 0} : s->params->model);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(s->conn, s->wait, &target_statement, &p, &r, e));
    TRY(take_target(s, r, e));
    s->how->way = choose(s, r);
    return OK;
}

static bool is_unfiltered(const struct db_find_similar_traces_params *p)
{
    return p->status.ptr == NULL && p->service.ptr == NULL && db_window_is_all(p->window);
}

/* The prepared statement of this search; NULL when a plan for any values would not do, as it would know neither how many rows are
 * wanted nor what the filters leave. */
static const struct db_statement *prepared(const struct search *s)
{
    const struct db_find_similar_traces_params *const p = s->params;
    if (s->how->way == DB_SIMILAR_SHAPES)
        return &db_similar_statements[DB_SIMILAR_SHAPES][p->by_pattern];
    if (s->how->way == DB_SIMILAR_SCAN || p->by_pattern || !is_unfiltered(p) || p->limit > DB_SIMILAR_MANY)
        return NULL;
    return p->limit <= DB_SIMILAR_FEW ? &db_similar_few_statement : &db_similar_many_statement;
}

static enum err run(const struct search *s, struct db_result **out, struct err_info *e)
{
    const struct db_find_similar_traces_params *const params = s->params;
    struct db_params p;
    db_params_init(&p, s->arena);
    db_put_vector(&p, s->embedding, EMBEDDING_DIMENSIONS);
    db_put_text(&p, s->how->model);
    db_put_bytes(&p, params->trace_id);
    db_put_text(&p, params->status);
    db_put_i64(&p, params->window.start_ns);
    db_put_i64(&p, params->window.end_ns);
    db_put_text(&p, params->service);
    db_put_f64(&p, 1 - params->threshold + rounding);
    db_put_i64(&p, params->limit);
    const struct db_statement *const known = prepared(s);
    if (known != NULL)
        return db_run(s->conn, s->wait, known, &p, out, e);
    return db_run_anew(s->conn, s->wait, &db_similar_statements[s->how->way][params->by_pattern], &p, out, e);
}

static bool is_row(const struct db_result *r, int row)
{
    return !db_is_null(r, row, 0);
}

static int64_t n_rows_of(const struct db_result *r)
{
    return db_n_rows(r) > 0 && is_row(r, 0) ? db_n_rows(r) : 0;
}

/* Whether the index gave all that was asked for: else filters may have hidden the rest. */
static bool is_complete(const struct search *s, const struct db_result *r)
{
    const int64_t n_looked_for = db_similar_n_looked_for(s->params->by_pattern, s->params->limit);
    const bool is_cut = db_get_i64(r, 0, DB_SIMILAR_N_NEAREST) >= n_looked_for;
    return is_cut && (!s->params->by_pattern || n_rows_of(r) >= s->params->limit);
}

static enum err search(struct search *s, struct db_result **out, struct err_info *e)
{
    AUTO(db_result) struct db_result *r = NULL;
    if (s->how->way == DB_SIMILAR_INDEX) {
        TRY(db_vector_use_set(s->conn, s->wait, s->arena, &s->params->use, e));
        TRY(run(s, &r, e));
        if (is_complete(s, r)) {
            *out = TAKE(r);
            return OK;
        }
        s->how->way = DB_SIMILAR_SCAN;
        db_result_free(TAKE(r));
    }
    return run(s, out, e);
}

static enum err read_row(const struct db_result *r, int row, struct arena *arena, struct db_find_similar_traces_row *out,
                         struct err_info *e)
{
    *out = (struct db_find_similar_traces_row){
        .similarity = db_get_f64(r, row, DB_SIMILAR_SIMILARITY),
        .has_pattern = !db_is_null(r, row, DB_SIMILAR_PATTERN_ID),
        .pattern_id = db_get_i64(r, row, DB_SIMILAR_PATTERN_ID),
        .trace_count = db_get_i64(r, row, DB_SIMILAR_TRACE_COUNT),
        .error_count = db_get_i64(r, row, DB_SIMILAR_ERROR_COUNT),
        .first_seen_ns = db_get_i64(r, row, DB_SIMILAR_FIRST_SEEN_NS),
        .last_seen_ns = db_get_i64(r, row, DB_SIMILAR_LAST_SEEN_NS),
    };
    return db_summary_read(r, row, arena, &out->summary, e);
}

static enum err ask(struct search *s, struct db_find_similar_traces_row **rows, size_t *n_rows, struct db_result **result,
                    struct err_info *e)
{
    AUTO(db_result) struct db_result *r = NULL;
    TRY(find_target(s, e));
    TRY(search(s, &r, e));
    const size_t n = (size_t)n_rows_of(r);
    struct db_find_similar_traces_row *const found = arena_calloc(s->arena, n, sizeof *found);
    if (found == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < n; i++)
        TRY(read_row(r, (int)i, s->arena, &found[i], e));
    *rows = found;
    *n_rows = n;
    *result = TAKE(r);
    return OK;
}

enum err db_find_similar_traces(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                                const struct db_find_similar_traces_params *params, struct db_find_similar_traces_how *how,
                                struct db_find_similar_traces_row **rows, size_t *n_rows, struct db_result **result,
                                struct err_info *e)
{
    const int64_t started_ns = db_query_begin(c);
    struct search s = {c, wait, arena, params, how, .embedding = params->embedding};
    *how = (struct db_find_similar_traces_how){.model = params->model};
    return db_query_done(c, DB_FIND_SIMILAR_TRACES, started_ns, ask(&s, rows, n_rows, result, e));
}
