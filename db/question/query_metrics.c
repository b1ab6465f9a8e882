#include "db/question/query_metrics.h"

#include "db/session/query.h"

/* Each metric of the name gives a page of its own by its key, newest first, and the newest of these are the page: what a page
 * costs is its length, not that of the window. */
#define PAGES(resource, attrs, limit)                                                                                 \
    "SELECT " DB_POINT_COLUMNS " FROM metrics AS m CROSS JOIN LATERAL"                                                \
    " (SELECT p.* FROM metric_points AS p" resource " WHERE p.metric_id = m.metric_id"                                \
    " AND p.time >= $2 AND p.time <= $3 AND p.time_ns >= $4 AND p.time_ns < $5"                                       \
    " AND (p.time_ns, p.metric_id, p.point_id) < ($6, $7, $8)"                                                        \
    " AND ($9::text IS NULL OR p.service = $9)" attrs                                                                 \
    " ORDER BY p.time DESC, p.time_ns DESC, p.point_id DESC LIMIT " limit ") AS p" OF_RESOURCE " WHERE m.name = $1"   \
    " ORDER BY p.time DESC, p.time_ns DESC, p.metric_id DESC, p.point_id DESC LIMIT " limit
#define OF_RESOURCE " LEFT JOIN resources AS r ON r.resource_id = p.resource_id"
#define ATTRS " AND " DB_ATTRS_MATCH("(coalesce(r.attributes, '{}') || p.attributes)", "$11", "$12", "$13")

static const struct db_statement statement = {"query_metrics", PAGES("", "", "$10")};
/* To be planned for its values: a plan for any would sort all points of the window rather than walk its index. */
static const struct db_statement attrs_statement = {"query_metrics", PAGES(OF_RESOURCE, ATTRS, "$10")};

/* Times up to the cursor's, not the window's: the key's index begins with them, so only that skips what earlier pages gave. */
static void put_all(struct db_params *p, const struct db_query_metrics_params *params)
{
    const struct db_query_metrics_key newest = {params->window.end_ns, INT64_MIN, STR("")};
    const struct db_query_metrics_key *const after = params->after == NULL ? &newest : params->after;
    db_put_text(p, params->name);
    db_put_time(p, params->window.start_ns);
    db_put_time(p, after->time_ns);
    db_put_i64(p, params->window.start_ns);
    db_put_i64(p, params->window.end_ns);
    db_put_i64(p, after->time_ns);
    db_put_i64(p, after->metric_id);
    db_put_bytes(p, after->point_id);
    db_put_text(p, params->service);
    db_put_i64(p, params->limit);
    if (params->attrs.n > 0)
        db_put_attrs(p, &params->attrs);
}

static enum err ask(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                    const struct db_query_metrics_params *params, db_point_fn fn, void *arg, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    put_all(&p, params);
    AUTO(db_result) struct db_result *r = NULL;
    if (params->attrs.n > 0)
        TRY(db_run_anew(c, wait, &attrs_statement, &p, &r, e));
    else
        TRY(db_run(c, wait, &statement, &p, &r, e));
    for (int row = 0; row < db_n_rows(r); row++) {
        const struct db_point_row point = db_point_row_read(r, row);
        TRY(fn(arg, &point));
    }
    return OK;
}

enum err db_query_metrics(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                          const struct db_query_metrics_params *params, db_point_fn fn, void *arg,
                          struct err_info *e)
{
    const int64_t started_ns = db_query_begin(c);
    return db_query_done(c, DB_QUERY_METRICS, started_ns, ask(c, wait, arena, params, fn, arg, e));
}
