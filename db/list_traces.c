#include "db/list_traces.h"

#include "core/clock.h"
#include "db/query.h"

/* Any span's service and name count, not only the root's. Spans are looked at for traces of the time in which the operation
 * was seen at all; the window of a trace prunes their partitions, and OFFSET 0 keeps the planner from joining all spans of the
 * window first. */
#define OPERATION_SEEN(what) "(SELECT " what " FROM operations WHERE name = $4 AND ($3 IS NULL OR service = $3))"
#define HAS_OPERATION                                                                                                \
    "((t.name = $4 AND ($3 IS NULL OR t.service = $3))"                                                              \
    " OR (t.end_ns >= " OPERATION_SEEN("coalesce(min(first_seen_ns), 9223372036854775807)")                          \
    " AND t.start_ns <= " OPERATION_SEEN("max(last_seen_ns)")                                                        \
    " AND EXISTS (SELECT FROM spans AS s WHERE s.trace_id = t.trace_id AND s.start_time >= t.start_time"             \
    " AND s.start_time <= t.end_time AND s.name = $4 AND ($3 IS NULL OR s.service = $3) OFFSET 0)))"
#define FILTERS                                                                                            \
    " WHERE t.start_ns >= $1 AND t.start_ns < $2"                                                          \
    " AND ($3::text IS NULL OR t.service = $3"                                                             \
    " OR t.pattern_id IN (SELECT pattern_id FROM patterns WHERE services @> ARRAY[$3]))"                   \
    " AND ($5::text IS NULL OR t.status = $5)"                                                             \
    " AND t.end_ns - t.start_ns BETWEEN $6 AND $7"                                                         \
    " AND ($4::text IS NULL OR " HAS_OPERATION ")"
/* The first two pairs stand alone, so that the index over attributes serves them. */
#define ATTRS                                                                      \
    " AND " DB_ATTR_MATCHES("t.attributes", "$11::text", "$12::text", "$13::text") \
    " AND " DB_ATTR_MATCHES("t.attributes", "$14::text", "$15::text", "$16::text") \
    " AND " DB_ATTRS_MATCH("t.attributes", "$17", "$18", "$19")
/* A page of traces first, then the patterns of only those. */
#define PAGE(filters, sort_ns)                                                                                     \
    "SELECT " DB_SUMMARY_COLUMNS " FROM (SELECT * FROM traces AS t" FILTERS filters                                \
    " AND (" sort_ns ", t.trace_id) < ($8, $9) ORDER BY " sort_ns " DESC, t.trace_id DESC LIMIT $10) AS t"         \
    " LEFT JOIN patterns AS p ON p.pattern_id = t.pattern_id ORDER BY " sort_ns " DESC, t.trace_id DESC"
#define TIME "t.start_ns"
#define DURATION "(t.end_ns - t.start_ns)"

static const struct db_statement statements[2][2] = {
    /* [by_duration][has attributes] */
    {{"list_traces", PAGE("", TIME)}, {"list_traces", PAGE(ATTRS, TIME)}},
    {{"list_traces", PAGE("", DURATION)}, {"list_traces", PAGE(ATTRS, DURATION)}},
};

static void put_after(struct db_params *p, const struct db_list_traces_params *params)
{
    const int64_t beginning_ns = params->by_duration ? INT64_MAX : params->window.end_ns;
    db_put_i64(p, params->after == NULL ? beginning_ns : params->after->sort_ns);
    db_put_bytes(p, params->after == NULL ? STR("") : params->after->trace_id);
}

/* One pair is put twice where the statement has places for two. */
static void put_pairs(struct db_params *p, const struct db_attrs *a)
{
    const size_t i_second = a->n > 1 ? 1 : 0;
    db_put_attr(p, a->keys[0], a->values[0]);
    db_put_attr(p, a->keys[i_second], a->values[i_second]);
    db_put_attrs(p, &(struct db_attrs){a->keys + i_second + 1, a->values + i_second + 1, a->n - i_second - 1});
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
    if (params->attrs.n > 0)
        put_pairs(p, &params->attrs);
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
