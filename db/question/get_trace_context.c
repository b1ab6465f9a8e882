#include "db/question/get_trace_context.h"

#include "db/session/query.h"

static const struct db_statement logs_statement = {
    "get_trace_context_logs",
    "SELECT " DB_LOG_COLUMNS " FROM logs AS l" DB_LOG_JOIN
    " WHERE l.trace_id = $1 AND l.time >= $2 AND l.time <= $3 ORDER BY l.time, l.time_ns, l.log_id LIMIT $4"};

static const struct db_statement points_statement = {
    "get_trace_context_points",
    "SELECT " DB_POINT_COLUMNS " FROM metric_points AS p" DB_POINT_JOIN
    " WHERE p.trace_ids @> ARRAY[$1] AND p.time >= $2 AND p.time <= $3"
    " ORDER BY p.time, p.time_ns, p.metric_id, p.point_id LIMIT $4"};

/* Clocks of different hosts differ, and a metric is sent after what it tells of. */
static struct db_window widen(struct db_window w)
{
    w.start_ns = w.start_ns < DB_CONTEXT_SLACK_NS ? 0 : w.start_ns - DB_CONTEXT_SLACK_NS;
    w.end_ns = w.end_ns > INT64_MAX - DB_CONTEXT_SLACK_NS ? INT64_MAX : w.end_ns + DB_CONTEXT_SLACK_NS;
    return w;
}

static enum err run(struct db_conn *c, const struct db_wait *wait, struct arena *arena, const struct db_statement *s,
                    struct str trace_id, struct db_window window, int64_t limit, struct db_result **out, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    db_put_bytes(&p, trace_id);
    db_put_time(&p, window.start_ns);
    db_put_time(&p, window.end_ns);
    db_put_i64(&p, limit);
    return db_run(c, wait, s, &p, out, e);
}

static enum err tell_logs(const struct db_result *r, db_log_fn fn, void *arg)
{
    for (int row = 0; row < db_n_rows(r); row++) {
        const struct db_log_row log = db_log_row_read(r, row);
        TRY(fn(arg, &log));
    }
    return OK;
}

static enum err tell_points(const struct db_result *r, db_point_fn fn, void *arg)
{
    for (int row = 0; row < db_n_rows(r); row++) {
        const struct db_point_row point = db_point_row_read(r, row);
        TRY(fn(arg, &point));
    }
    return OK;
}

static enum err ask(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                    const struct db_get_trace_context_params *params, const struct db_get_trace_context_fns *fns, void *arg,
                    struct err_info *e)
{
    const struct db_get_trace_params trace = {.trace_id = params->trace_id, .limit = params->span_limit};
    struct db_window window;
    TRY(db_trace_fetch(c, wait, arena, &trace, fns->summary, fns->span, arg, &window, e));
    window = widen(window);
    AUTO(db_result) struct db_result *logs = NULL;
    TRY(run(c, wait, arena, &logs_statement, params->trace_id, window, params->log_limit, &logs, e));
    TRY(tell_logs(logs, fns->log, arg));
    AUTO(db_result) struct db_result *points = NULL;
    TRY(run(c, wait, arena, &points_statement, params->trace_id, window, params->point_limit, &points, e));
    return tell_points(points, fns->point, arg);
}

enum err db_get_trace_context(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                              const struct db_get_trace_context_params *params, const struct db_get_trace_context_fns *fns,
                              void *arg, struct err_info *e)
{
    const int64_t started_ns = db_query_begin(c);
    return db_query_done(c, DB_GET_TRACE_CONTEXT, started_ns, ask(c, wait, arena, params, fns, arg, e));
}
