#include "db/list_traces.h"

#include "core/clock.h"
#include "db/query.h"

/* Any span's service and name count, not only the root's. The window of a trace prunes the partitions of spans, and OFFSET 0
 * keeps the planner from joining all spans of the window first. */
#define FILTERS                                                                                                   \
    " WHERE t.start_ns >= $1 AND t.start_ns < $2"                                                                 \
    " AND ($3::text IS NULL OR t.service = $3 OR p.services @> ARRAY[$3])"                                        \
    " AND ($5::text IS NULL OR t.status = $5)"                                                                    \
    " AND t.end_ns - t.start_ns BETWEEN $6 AND $7"                                                                \
    " AND ($4::text IS NULL OR (t.name = $4 AND ($3 IS NULL OR t.service = $3))"                                  \
    " OR EXISTS (SELECT FROM spans AS s WHERE s.trace_id = t.trace_id AND s.start_time >= t.start_time"           \
    " AND s.start_time <= t.end_time AND s.name = $4 AND ($3 IS NULL OR s.service = $3) OFFSET 0))"
/* The first pair stands alone so that the index over attributes serves it. */
#define ATTRS                                                      \
    " AND " DB_ATTR_MATCHES("t.attributes", "$11::text", "$12::text", "$13::text") \
    " AND " DB_ATTRS_MATCH("t.attributes", "$14", "$15", "$16")
#define SELECT "SELECT " DB_SUMMARY_COLUMNS " FROM " DB_SUMMARY_FROM FILTERS
#define BY_TIME                                     \
    " AND (t.start_ns, t.trace_id) < ($8, $9)"      \
    " ORDER BY t.start_ns DESC, t.trace_id DESC LIMIT $10"
#define BY_DURATION                                                   \
    " AND (t.end_ns - t.start_ns, t.trace_id) < ($8, $9)"             \
    " ORDER BY t.end_ns - t.start_ns DESC, t.trace_id DESC LIMIT $10"

static const struct db_statement statements[2][2] = {
    /* [by_duration][has attributes] */
    {{"list_traces", SELECT BY_TIME}, {"list_traces", SELECT ATTRS BY_TIME}},
    {{"list_traces", SELECT BY_DURATION}, {"list_traces", SELECT ATTRS BY_DURATION}},
};

static void put_after(struct db_params *p, const struct db_list_traces_params *params)
{
    const int64_t beginning_ns = params->by_duration ? INT64_MAX : params->window.end_ns;
    db_put_i64(p, params->after == NULL ? beginning_ns : params->after->sort_ns);
    db_put_bytes(p, params->after == NULL ? STR("") : params->after->trace_id);
}

static void put_all(struct db_params *p, const struct db_list_traces_params *params)
{
    db_put_i64(p, params->window.start_ns);
    db_put_i64(p, params->window.end_ns);
    db_put_text(p, params->service);
    db_put_text(p, params->operation);
    db_put_text(p, params->status);
    db_put_i64(p, params->min_duration_ns);
    db_put_i64(p, params->max_duration_ns);
    put_after(p, params);
    db_put_i64(p, params->limit);
    if (params->attrs.n == 0)
        return;
    const struct db_attrs *a = &params->attrs;
    db_put_attr(p, a->keys[0], a->values[0]);
    db_put_attrs(p, &(struct db_attrs){a->keys + 1, a->values + 1, a->n - 1});
}

static enum err ask(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                    const struct db_list_traces_params *params, db_list_traces_fn fn, void *arg, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    put_all(&p, params);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &statements[params->by_duration][params->attrs.n > 0], &p, &r, e));
    for (int row = 0; row < db_n_rows(r); row++) {
        struct db_summary summary;
        TRY(db_summary_read(r, row, arena, &summary, e));
        TRY(fn(arg, &summary));
    }
    return OK;
}

enum err db_list_traces(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                        const struct db_list_traces_params *params, db_list_traces_fn fn, void *arg, struct err_info *e)
{
    const int64_t started_ns = clock_mono_ns();
    return db_query_done(DB_LIST_TRACES, started_ns, ask(c, wait, arena, params, fn, arg, e));
}
