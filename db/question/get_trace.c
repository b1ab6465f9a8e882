#include "db/question/get_trace.h"

#include "db/session/query.h"

/* Spans that came but are not assembled yet are told of by their arrivals; one snapshot sees a trace in either place. */
static const struct db_statement find_statement = {
    "get_trace_find",
    "SELECT " DB_SUMMARY_COLUMNS ", w.start_ns, w.end_ns, t.trace_id IS NOT NULL"
    " FROM (SELECT min(start_ns) AS start_ns, max(end_ns) AS end_ns"
    " FROM (SELECT start_ns, end_ns FROM traces WHERE trace_id = $1"
    " UNION ALL SELECT min_ns, max_ns FROM trace_arrivals WHERE trace_id = $1) AS known) AS w"
    " LEFT JOIN (" DB_SUMMARY_FROM ") ON t.trace_id = $1"};

enum find_column { FIND_START_NS = DB_SUMMARY_N_COLUMNS, FIND_END_NS, FIND_IS_ASSEMBLED };

/* The columns of a summary, made from spans: the root is the earliest span without a parent, or the earliest of all. */
static const struct db_statement summarise_statement = {
    "get_trace_summarise",
    "SELECT $1::bytea, (array_agg(service ORDER BY parent_span_id IS NOT NULL, start_ns, span_id))[1],"
    " (array_agg(name ORDER BY parent_span_id IS NOT NULL, start_ns, span_id))[1], min(start_ns), max(end_ns),"
    " (max(end_ns) - min(start_ns)) / 1e6::float8,"
    " CASE WHEN max(status) = 2 THEN 'error'"
    " WHEN (array_agg(status ORDER BY parent_span_id IS NOT NULL, start_ns, span_id))[1] = 1 THEN 'ok' ELSE 'unset' END,"
    " count(*), count(*) FILTER (WHERE status = 2),"
    " (array_agg(status_message ORDER BY end_ns, span_id) FILTER (WHERE status = 2 AND status_message <> ''))[1],"
    " array_agg(DISTINCT service), '{}'::jsonb"
    " FROM spans WHERE trace_id = $1 AND start_time >= $2 AND start_time <= $3 HAVING count(*) > 0"};

static const struct db_statement spans_statement = {
    "get_trace",
    "SELECT " DB_SPAN_COLUMNS " FROM spans AS s" DB_SPAN_JOIN
    " WHERE s.trace_id = $1 AND s.start_time >= $2 AND s.start_time <= $3"
    " ORDER BY CASE WHEN $4 THEN s.resource_id END, CASE WHEN $4 THEN s.scope_id END, s.start_ns, s.span_id LIMIT $5"};

static void put_trace(struct db_params *p, struct str trace_id, const struct db_window *window)
{
    db_put_bytes(p, trace_id);
    db_put_time(p, window->start_ns);
    db_put_time(p, window->end_ns);
}

static enum err find(struct db_conn *c, const struct db_wait *wait, struct arena *arena, struct str trace_id,
                     struct db_window *window, struct db_result **out, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    db_put_bytes(&p, trace_id);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &find_statement, &p, &r, e));
    if (db_is_null(r, 0, FIND_START_NS))
        return ERR_SET(e, ERR_NOT_FOUND, "there is no trace of this id: its spans have not come, or are no longer kept");
    *window = (struct db_window){db_get_i64(r, 0, FIND_START_NS), db_get_i64(r, 0, FIND_END_NS)};
    *out = TAKE(r);
    return OK;
}

static enum err tell_summary(struct db_conn *c, const struct db_wait *wait, struct arena *arena, struct str trace_id,
                             const struct db_window *window, const struct db_result *found, db_trace_summary_fn fn,
                             void *arg, struct err_info *e)
{
    struct db_summary summary;
    if (db_get_bool(found, 0, FIND_IS_ASSEMBLED)) {
        TRY(db_summary_read(found, 0, arena, &summary, e));
        return fn(arg, &summary, true);
    }
    struct db_params p;
    db_params_init(&p, arena);
    put_trace(&p, trace_id, window);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &summarise_statement, &p, &r, e));
    if (db_n_rows(r) == 0)
        return ERR_SET(e, ERR_NOT_FOUND, "the spans of this trace are no longer kept");
    TRY(db_summary_read(r, 0, arena, &summary, e));
    return fn(arg, &summary, false);
}

static enum err tell_spans(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                           const struct db_get_trace_params *params, const struct db_window *window, db_span_fn fn,
                           void *arg, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    put_trace(&p, params->trace_id, window);
    db_put_bool(&p, params->by_resource);
    db_put_i64(&p, params->limit);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &spans_statement, &p, &r, e));
    for (int row = 0; row < db_n_rows(r); row++) {
        const struct db_span_row span = db_span_row_read(r, row);
        TRY(fn(arg, &span));
    }
    return OK;
}

enum err db_trace_fetch(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                        const struct db_get_trace_params *params, db_trace_summary_fn summary_fn, db_span_fn span_fn,
                        void *arg, struct db_window *window, struct err_info *e)
{
    AUTO(db_result) struct db_result *found = NULL;
    TRY(find(c, wait, arena, params->trace_id, window, &found, e));
    TRY(tell_summary(c, wait, arena, params->trace_id, window, found, summary_fn, arg, e));
    return tell_spans(c, wait, arena, params, window, span_fn, arg, e);
}

enum err db_get_trace(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                      const struct db_get_trace_params *params, db_trace_summary_fn summary_fn, db_span_fn span_fn,
                      void *arg, struct err_info *e)
{
    const int64_t started_ns = db_query_begin(c);
    struct db_window window;
    return db_query_done(c, DB_GET_TRACE, started_ns,
                         db_trace_fetch(c, wait, arena, params, summary_fn, span_fn, arg, &window, e));
}
