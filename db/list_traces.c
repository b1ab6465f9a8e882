#include "db/list_traces.h"

#include "core/clock.h"
#include "core/mask.h"
#include "core/shape.h"
#include "db/assemble.h"
#include "db/assemble_operations.h"
#include "db/query.h"

enum { OPERATION_MAX_BYTES = (SHAPE_TEXT_MAX + 1) * (MASK_GROWTH_MAX + 1) };
/* Traces that are gathered and sorted for a page at most. */
#define GATHERED_MAX 10000
/* From so many spans on, a trace may have more operations than its pattern tells; ix_traces_untold has the number too. */
#define TRACE_SPANS_MAX 20000
_Static_assert(TRACE_SPANS_MAX == DB_ASSEMBLE_TRACE_SPANS_MAX, "spans that are read of a trace");

/* The traces that may have an operation: those of the patterns that have its masked name (op; with a service, both), or that do
 * not tell all they have; and those of which no pattern tells all. */
#define OF_OPERATION(op) "(operations @> ARRAY[" op "] OR operation_names @> ARRAY[" op "] OR operations_are_cut)"
#define UNTOLD "(pattern_id IS NULL OR span_count >= " TEXT_OF(TRACE_SPANS_MAX) ")"
#define IN_WINDOW(start, end) "start_ns >= " start " AND start_ns < " end

/* Those that do. Names that differ are masked alike, so the spans decide; any span's service and name count, not only the root's.
 * They are looked at for traces of the time in which the operation was seen at all; the window of a trace prunes their
 * partitions, and OFFSET 0 keeps the planner from joining all spans of the window first. */
#define OPERATION_SEEN(what) "(SELECT " what " FROM operations WHERE name = $4 AND ($3 IS NULL OR service = $3))"
#define HAS_OPERATION                                                                                                \
    "((t.name = $4 AND ($3 IS NULL OR t.service = $3))"                                                              \
    " OR (t.end_ns >= " OPERATION_SEEN("coalesce(min(first_seen_ns), 9223372036854775807)")                          \
    " AND t.start_ns <= " OPERATION_SEEN("max(last_seen_ns)")                                                        \
    " AND EXISTS (SELECT FROM spans AS s WHERE s.trace_id = t.trace_id AND s.start_time >= t.start_time"             \
    " AND s.start_time <= t.end_time AND s.name = $4 AND ($3 IS NULL OR s.service = $3) OFFSET 0)))"
/* Bounds of the duration that bound nothing say so: a planner takes any for one that few traces keep, and would rather look at all
 * than walk until a page is full. */
#define FILTERS                                                                                            \
    " WHERE t.start_ns >= $1 AND t.start_ns < $2"                                                          \
    " AND ($3::text IS NULL OR t.service = $3"                                                             \
    " OR t.pattern_id IN (SELECT pattern_id FROM patterns WHERE services @> ARRAY[$3]))"                   \
    " AND ($5::text IS NULL OR t.status = $5)"                                                             \
    " AND ($6 = 0 OR t.end_ns - t.start_ns >= $6)"                                                         \
    " AND ($7 = 9223372036854775807 OR t.end_ns - t.start_ns <= $7)"
/* The first two pairs stand alone, so that the index over attributes serves them. */
#define ATTRS                                                                      \
    " AND " DB_ATTR_MATCHES("t.attributes", "$12::text", "$13::text", "$14::text") \
    " AND " DB_ATTR_MATCHES("t.attributes", "$15::text", "$16::text", "$17::text") \
    " AND " DB_ATTRS_MATCH("t.attributes", "$18", "$19", "$20")
#define AFTER(sort_ns) " AND (" sort_ns ", t.trace_id) < ($8, $9)"
#define ORDER(sort_ns) " ORDER BY " sort_ns " DESC, t.trace_id DESC"
#define TIME "t.start_ns"
#define DURATION "(t.end_ns - t.start_ns)"

/* A page of traces first, then the patterns of only those. */
#define PAGE(filters, sort_ns)                                                                                      \
    "SELECT " DB_SUMMARY_COLUMNS " FROM (SELECT * FROM traces AS t" FILTERS filters AFTER(sort_ns) ORDER(sort_ns)   \
    " LIMIT $10) AS t LEFT JOIN patterns AS p ON p.pattern_id = t.pattern_id" ORDER(sort_ns)

/* Traces that are sorted, and only then looked at, until the page is full. */
#define SORTED(source, filters, sort_ns)                                                                            \
    "SELECT " DB_SUMMARY_COLUMNS " FROM (SELECT t.trace_id FROM (SELECT t.trace_id, t.service, t.name, t.start_time," \
    " t.end_time, t.start_ns, t.end_ns, " sort_ns " AS sort_ns FROM " source " AS t" FILTERS filters AFTER(sort_ns)  \
    ORDER(sort_ns) " OFFSET 0) AS t WHERE " HAS_OPERATION ORDER("t.sort_ns") " LIMIT $10) AS page"                  \
    " JOIN traces AS t ON t.trace_id = page.trace_id LEFT JOIN patterns AS p ON p.pattern_id = t.pattern_id" ORDER(sort_ns)

/* Of an operation that many traces may have: through the window, which an index has sorted by time. */
#define MAY_HAVE \
    " AND (" UNTOLD " OR t.pattern_id IN (SELECT pattern_id FROM patterns WHERE " OF_OPERATION("$11") "))"
#define WALK_BY_TIME(filters, sort_ns) PAGE(filters MAY_HAVE " AND " HAS_OPERATION, sort_ns)
#define WALK_BY_DURATION(filters, sort_ns) SORTED("traces", filters MAY_HAVE, sort_ns)

/* Of one that few may have: those few, by the indexes that hold them. */
#define FEW                                                                                                         \
    "(SELECT t.* FROM (SELECT pattern_id FROM patterns WHERE " OF_OPERATION("$11") " OFFSET 0) AS p"                \
    " CROSS JOIN LATERAL (SELECT * FROM traces WHERE pattern_id = p.pattern_id AND NOT " UNTOLD                     \
    " AND " IN_WINDOW("$1", "$2") " OFFSET 0) AS t"                                                                 \
    " UNION ALL SELECT * FROM traces WHERE " UNTOLD " AND " IN_WINDOW("$1", "$2") ")"
#define GATHER(filters, sort_ns) SORTED(FEW, filters, sort_ns)

enum way { ALL, WALKED, GATHERED, WAYS };
#define BY_ATTRS(way, sort_ns) {{"list_traces", way("", sort_ns)}, {"list_traces", way(ATTRS, sort_ns)}}

static const struct db_statement statements[WAYS][2][2] = {
    /* [way][by_duration][has attributes] */
    [ALL] = {BY_ATTRS(PAGE, TIME), BY_ATTRS(PAGE, DURATION)},
    [WALKED] = {BY_ATTRS(WALK_BY_TIME, TIME), BY_ATTRS(WALK_BY_DURATION, DURATION)},
    [GATHERED] = {BY_ATTRS(GATHER, TIME), BY_ATTRS(GATHER, DURATION)},
};

/* How many rows gathering would read at most, a look into the index of a pattern's traces being one more; not counted on when it
 * is too many anyway. */
static const struct db_statement weigh_statement = {
    "list_traces_weigh",
    "SELECT coalesce(sum(n), 0)::bigint FROM ((SELECT trace_count + 1 AS n FROM patterns WHERE " OF_OPERATION("$1")
    " LIMIT " TEXT_OF(GATHERED_MAX) ") UNION ALL (SELECT 1 FROM traces WHERE " UNTOLD " AND " IN_WINDOW("$2", "$3")
    " LIMIT " TEXT_OF(GATHERED_MAX) ")) AS few"};

/* The operation as patterns have it; absent without one. */
static enum err mask_operation(const struct db_list_traces_params *params, struct arena *arena, struct str *out,
                               struct err_info *e)
{
    *out = (struct str){NULL, 0};
    if (params->operation.ptr == NULL)
        return OK;
    AUTO(buf) struct buf text;
    buf_init(&text, OPERATION_MAX_BYTES);
    if (params->service.ptr == NULL)
        db_operation_put_name(&text, params->operation);
    else
        db_operation_put(&text, params->service, params->operation);
    *out = buf_is_ok(&text) ? arena_copy(arena, buf_str(&text)) : (struct str){NULL, 0};
    return out->ptr == NULL ? ERR_SET_NOMEM(e) : OK;
}

static enum err choose(struct db_conn *c, const struct db_wait *wait, struct arena *arena, struct str masked,
                       const struct db_window *window, enum way *out, struct err_info *e)
{
    *out = ALL;
    if (masked.ptr == NULL)
        return OK;
    struct db_params p;
    db_params_init(&p, arena);
    db_put_text(&p, masked);
    db_put_i64(&p, window->start_ns);
    db_put_i64(&p, window->end_ns);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &weigh_statement, &p, &r, e));
    *out = db_get_i64(r, 0, 0) <= GATHERED_MAX ? GATHERED : WALKED;
    return OK;
}

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

static void put_all(struct db_params *p, const struct db_list_traces_params *params, struct str masked)
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
    db_put_text(p, masked);
    if (params->attrs.n > 0)
        put_pairs(p, &params->attrs);
}

static enum err ask(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                    const struct db_list_traces_params *params, db_list_traces_fn fn, void *arg, struct err_info *e)
{
    struct str masked;
    enum way way;
    TRY(mask_operation(params, arena, &masked, e));
    TRY(choose(c, wait, arena, masked, &params->window, &way, e));
    struct db_params p;
    db_params_init(&p, arena);
    put_all(&p, params, masked);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &statements[way][params->by_duration][params->attrs.n > 0], &p, &r, e));
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
