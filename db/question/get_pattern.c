#include "db/question/get_pattern.h"

#include "db/session/query.h"

static const struct db_statement pattern_statement = {
    "get_pattern", "SELECT " DB_PATTERN_COLUMNS("p.operations") " FROM patterns AS p WHERE p.pattern_id = $1"};

/* Ordered by the whole key of the index of a pattern's traces, so that no other is taken that would read the window for the few
 * of a pattern. */
static const struct db_statement traces_statement = {
    "get_pattern_traces",
    "SELECT " DB_SUMMARY_COLUMNS " FROM (SELECT * FROM traces AS t WHERE t.pattern_id = $1 AND t.start_ns >= $2"
    " AND t.start_ns < $3 AND t.start_ns <= $4 AND (t.start_ns < $4 OR t.trace_id > $5)"
    " ORDER BY t.pattern_id, t.start_ns DESC, t.trace_id LIMIT $6) AS t"
    " LEFT JOIN patterns AS p ON p.pattern_id = t.pattern_id ORDER BY t.pattern_id, t.start_ns DESC, t.trace_id"};

static enum err tell_pattern(struct db_conn *c, const struct db_wait *wait, struct arena *arena, int64_t pattern_id,
                             db_get_pattern_fn fn, void *arg, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    db_put_i64(&p, pattern_id);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &pattern_statement, &p, &r, e));
    if (db_n_rows(r) == 0)
        return ERR_SET(e, ERR_NOT_FOUND, "there is no pattern of this id: no trace has its shape, or none is kept any longer");
    struct db_pattern_row pattern;
    TRY(db_pattern_row_read(r, 0, arena, &pattern, e));
    return fn(arg, &pattern);
}

static void put_all(struct db_params *p, const struct db_get_pattern_params *params)
{
    static const struct db_get_pattern_key newest = {INT64_MAX, {"", 0}};
    const struct db_get_pattern_key *const after = params->after == NULL ? &newest : params->after;
    db_put_i64(p, params->pattern_id);
    db_put_i64(p, params->window.start_ns);
    db_put_i64(p, params->window.end_ns);
    db_put_i64(p, after->start_ns);
    db_put_bytes(p, after->trace_id);
    db_put_i64(p, params->limit);
}

static enum err tell_traces(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                            const struct db_get_pattern_params *params, db_get_pattern_trace_fn fn, void *arg,
                            struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    put_all(&p, params);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &traces_statement, &p, &r, e));
    for (int row = 0; row < db_n_rows(r); row++) {
        struct db_summary summary;
        TRY(db_summary_read(r, row, arena, &summary, e));
        TRY(fn(arg, &summary));
    }
    return OK;
}

static enum err ask(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                    const struct db_get_pattern_params *params, db_get_pattern_fn pattern_fn,
                    db_get_pattern_trace_fn trace_fn, void *arg, struct err_info *e)
{
    TRY(tell_pattern(c, wait, arena, params->pattern_id, pattern_fn, arg, e));
    return tell_traces(c, wait, arena, params, trace_fn, arg, e);
}

enum err db_get_pattern(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                        const struct db_get_pattern_params *params, db_get_pattern_fn pattern_fn,
                        db_get_pattern_trace_fn trace_fn, void *arg, struct err_info *e)
{
    const int64_t started_ns = db_query_begin(c);
    return db_query_done(c, DB_GET_PATTERN, started_ns, ask(c, wait, arena, params, pattern_fn, trace_fn, arg, e));
}
