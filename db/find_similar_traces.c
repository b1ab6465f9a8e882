#include "db/find_similar_traces.h"

#include "core/clock.h"
#include "core/embedding.h"
#include "db/query.h"

static const struct db_statement vector_statement = {
    "find_similar_traces_vector",
    "SELECT embedding, embedding_model, trace_id IS NOT NULL, EXISTS (SELECT FROM trace_arrivals WHERE trace_id = $1)"
    " FROM (SELECT 1) AS one LEFT JOIN traces ON trace_id = $1"};

enum vector_column { VECTOR_EMBEDDING, VECTOR_MODEL, VECTOR_IS_STORED, VECTOR_IS_ARRIVING };

/* What must hold of a trace: not the one asked about, its status, its window. */
#define TRACE_FILTERS(start_ns)                                                       \
    "($3::bytea IS NULL OR t.trace_id <> $3) AND ($4::text IS NULL OR t.status = $4)" \
    " AND " start_ns " >= $5 AND " start_ns " < $6"
/* The vector is read from its text once a statement, not once a row. The threshold is applied outside of the ordered
 * search, so that it never makes a search read on for rows that cannot come; a comparison from below keeps NaN out. */
#define VECTOR "(SELECT $1::text::vector)"
#define SIMILARITY(distance) "least(1, 1 - " distance ")"

static const struct db_statement by_trace_statement = {
    "find_similar_traces",
    "WITH nearest AS MATERIALIZED (SELECT t.trace_id, t.embedding <=> " VECTOR " AS distance FROM traces AS t"
    " WHERE t.embedding_model = $2 AND " TRACE_FILTERS("t.start_ns")
    " AND ($7::text IS NULL OR t.service = $7"
    " OR t.pattern_id IN (SELECT pattern_id FROM patterns WHERE services @> ARRAY[$7]))"
    " ORDER BY t.embedding <=> " VECTOR ", t.trace_id LIMIT $9)"
    " SELECT " DB_SUMMARY_COLUMNS ", " SIMILARITY("n.distance") ", 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint"
    " FROM nearest AS n JOIN traces AS t ON t.trace_id = n.trace_id LEFT JOIN patterns AS p ON p.pattern_id = t.pattern_id"
    " WHERE n.distance <= $8 ORDER BY n.distance, n.trace_id"};

/* OFFSET 0 keeps the patterns in order of distance, so that traces are looked for only until enough are found; + 0 keeps the
 * planner from reading the whole window by its own index for the one trace wanted of a pattern. */
static const struct db_statement by_pattern_statement = {
    "find_similar_traces",
    "SELECT " DB_SUMMARY_COLUMNS ", " SIMILARITY("p.distance")
    ", p.pattern_id, p.trace_count, p.error_count, p.first_seen_ns, p.last_seen_ns"
    " FROM (SELECT *, embedding <=> " VECTOR " AS distance FROM patterns WHERE embedding_model = $2"
    " AND last_seen_ns >= $5 AND first_seen_ns < $6 AND ($7::text IS NULL OR services @> ARRAY[$7])"
    " ORDER BY distance, pattern_id OFFSET 0) AS p"
    " CROSS JOIN LATERAL (SELECT * FROM ("
    "SELECT t.* FROM traces AS t WHERE t.trace_id = p.exemplar_trace_id AND t.pattern_id = p.pattern_id AND "
    TRACE_FILTERS("t.start_ns")
    " UNION ALL (SELECT t.* FROM traces AS t WHERE t.pattern_id = p.pattern_id AND "
    TRACE_FILTERS("(t.start_ns + 0)") " LIMIT 1)"
    ") AS exemplar_or_other LIMIT 1) AS t"
    " WHERE p.distance <= $8 ORDER BY p.distance, p.pattern_id LIMIT $9"};

enum column {
    SIMILARITY_COLUMN = DB_SUMMARY_N_COLUMNS,
    PATTERN_ID,
    TRACE_COUNT,
    ERROR_COUNT,
    FIRST_SEEN_NS,
    LAST_SEEN_NS,
};

/* A similarity of 1 to the last digit is more than single precision can give. */
static const double rounding = 1e-6;

struct target {
    float embedding[EMBEDDING_DIMENSIONS];
    struct str model; /* in the arena */
};

static enum err no_vector(const struct db_result *r, struct err_info *e)
{
    if (db_get_bool(r, 0, VECTOR_IS_ARRIVING))
        return ERR_SET(e, ERR_NOT_FOUND, "this trace is not assembled yet; ask again in a few seconds");
    if (!db_get_bool(r, 0, VECTOR_IS_STORED))
        return ERR_SET(e, ERR_NOT_FOUND, "there is no trace of this id: its spans have not come, or are no longer kept");
    return ERR_SET(e, ERR_NOT_FOUND,
                   "this trace has no embedding, so nothing can be compared with it; search by text or embedding instead");
}

static enum err find_target(struct db_conn *c, const struct db_wait *wait, struct arena *arena, struct str trace_id,
                            struct target *out, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    db_put_bytes(&p, trace_id);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &vector_statement, &p, &r, e));
    if (!db_get_vector(r, 0, VECTOR_EMBEDDING, out->embedding, EMBEDDING_DIMENSIONS))
        return no_vector(r, e);
    out->model = arena_copy(arena, db_get_str(r, 0, VECTOR_MODEL));
    return out->model.ptr == NULL ? ERR_SET_NOMEM(e) : OK;
}

static struct db_find_similar_traces_row read_rest(const struct db_result *r, int row, const struct db_summary *summary)
{
    return (struct db_find_similar_traces_row){
        .summary = *summary,
        .similarity = db_get_f64(r, row, SIMILARITY_COLUMN),
        .pattern_id = db_get_i64(r, row, PATTERN_ID),
        .trace_count = db_get_i64(r, row, TRACE_COUNT),
        .error_count = db_get_i64(r, row, ERROR_COUNT),
        .first_seen_ns = db_get_i64(r, row, FIRST_SEEN_NS),
        .last_seen_ns = db_get_i64(r, row, LAST_SEEN_NS),
    };
}

static enum err search(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                       const struct db_find_similar_traces_params *params, const float *embedding, struct str model,
                       struct db_result **out, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    db_put_vector(&p, embedding, EMBEDDING_DIMENSIONS);
    db_put_text(&p, model);
    db_put_bytes(&p, params->trace_id);
    db_put_text(&p, params->status);
    db_put_i64(&p, params->window.start_ns);
    db_put_i64(&p, params->window.end_ns);
    db_put_text(&p, params->service);
    db_put_f64(&p, 1 - params->threshold + rounding);
    db_put_i64(&p, params->limit);
    return db_run(c, wait, params->by_pattern ? &by_pattern_statement : &by_trace_statement, &p, out, e);
}

static enum err ask(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                    const struct db_find_similar_traces_params *params, db_find_similar_traces_fn fn, void *arg,
                    struct err_info *e)
{
    struct target target = {.model = params->model};
    const float *embedding = params->embedding;
    if (embedding == NULL) {
        TRY(find_target(c, wait, arena, params->trace_id, &target, e));
        embedding = target.embedding;
    }
    AUTO(db_result) struct db_result *r = NULL;
    TRY(search(c, wait, arena, params, embedding, target.model, &r, e));
    for (int row = 0; row < db_n_rows(r); row++) {
        struct db_summary summary;
        TRY(db_summary_read(r, row, arena, &summary, e));
        const struct db_find_similar_traces_row similar = read_rest(r, row, &summary);
        TRY(fn(arg, &similar));
    }
    return OK;
}

enum err db_find_similar_traces(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                                const struct db_find_similar_traces_params *params, db_find_similar_traces_fn fn, void *arg,
                                struct err_info *e)
{
    const int64_t started_ns = clock_mono_ns();
    return db_query_done(DB_FIND_SIMILAR_TRACES, started_ns, ask(c, wait, arena, params, fn, arg, e));
}
