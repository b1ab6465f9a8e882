#include "db/question/list_traces_statements.h"

#include "db/assemble/assemble.h"
#include "db/question/attrs.h"
#include "db/row/summary.h"

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
#define ATTRS_BY(matches)                                                  \
    " AND " matches("t.attributes", "$12::text", "$13::text", "$14::text") \
    " AND " matches("t.attributes", "$15::text", "$16::text", "$17::text") \
    " AND " DB_ATTRS_MATCH("t.attributes", "$18", "$19", "$20")
#define ATTRS ATTRS_BY(DB_ATTR_MATCHES)
#define AFTER(sort_ns) " AND (" sort_ns ", t.trace_id) < ($8, $9)"
#define ORDER(sort_ns) " ORDER BY " sort_ns " DESC, t.trace_id DESC"
#define TIME "t.start_ns"
#define DURATION "(t.end_ns - t.start_ns)"

/* A page of traces first, then the patterns of only those. */
#define PAGE_OF(source, filters, sort_ns)                                                                           \
    "SELECT " DB_SUMMARY_COLUMNS " FROM (SELECT * FROM " source " AS t" FILTERS filters AFTER(sort_ns) ORDER(sort_ns) \
    " LIMIT $10) AS t LEFT JOIN patterns AS p ON p.pattern_id = t.pattern_id" ORDER(sort_ns)
#define PAGE(filters, sort_ns) PAGE_OF("traces", filters, sort_ns)

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

#define BY_ATTRS(way, sort_ns) {{"list_traces", way("", sort_ns)}, {"list_traces", way(ATTRS, sort_ns)}}

const struct db_statement db_list_traces_pages[DB_LIST_TRACES_WAYS][2][2] = {
    [DB_LIST_TRACES_ALL] = {BY_ATTRS(PAGE, TIME), BY_ATTRS(PAGE, DURATION)},
    [DB_LIST_TRACES_WALKED] = {BY_ATTRS(WALK_BY_TIME, TIME), BY_ATTRS(WALK_BY_DURATION, DURATION)},
    [DB_LIST_TRACES_GATHERED] = {BY_ATTRS(GATHER, TIME), BY_ATTRS(GATHER, DURATION)},
};

/* How many rows gathering would read at most, a look into the index of a pattern's traces being one more; not counted on when it
 * is too many anyway. */
const struct db_statement db_list_traces_weigh = {
    "list_traces_weigh",
    "SELECT coalesce(sum(n), 0)::bigint FROM ((SELECT trace_count + 1 AS n FROM patterns WHERE " OF_OPERATION("$1")
    " LIMIT " TEXT_OF(DB_LIST_TRACES_GATHERED_MAX) ") UNION ALL (SELECT 1 FROM traces WHERE " UNTOLD " AND " IN_WINDOW("$2", "$3")
    " LIMIT " TEXT_OF(DB_LIST_TRACES_GATHERED_MAX) ")) AS few"};

/* The newest traces of a window, where what is common is found: read in order (OFFSET 0 keeps other indexes out), as that of
 * a common attribute would bring all the others. */
#define NEAREST "(SELECT * FROM traces AS t WHERE t.start_ns >= $1 AND t.start_ns < $2 ORDER BY " TIME " DESC, t.trace_id DESC OFFSET 0)"
#define NEAREST_TRACES "2000"
const struct db_statement db_list_traces_nearest[2] = {
    {"list_traces", PAGE_OF(NEAREST, "", TIME)},
    {"list_traces", PAGE_OF(NEAREST, ATTRS_BY(DB_ATTR_MATCHES_ONCE), TIME)},
};
const struct db_statement db_list_traces_nearest_end = {
    "list_traces", "SELECT start_ns FROM traces WHERE start_ns >= $1 AND start_ns < $2 AND (start_ns, trace_id) < ($3, $4)"
                   " ORDER BY start_ns DESC, trace_id DESC OFFSET " NEAREST_TRACES " LIMIT 1"};

/* What is rare is found by its own index, not by walking that of time until a page is full: so all is found first, then
 * ordered. */
#define FOUND(found)                                                                                                \
    "WITH found AS MATERIALIZED (" found ") SELECT " DB_SUMMARY_COLUMNS                                              \
    " FROM (SELECT trace_id FROM found ORDER BY start_ns DESC, trace_id DESC LIMIT $10) AS f"                        \
    " JOIN traces AS t ON t.trace_id = f.trace_id LEFT JOIN patterns AS p ON p.pattern_id = t.pattern_id"            \
    " ORDER BY t.start_ns DESC, t.trace_id DESC"
#define OF_PATTERNS                                                                                                 \
    "SELECT t.start_ns, t.trace_id FROM patterns AS o JOIN traces AS t ON t.pattern_id = o.pattern_id" FILTERS       \
    " AND o.services @> ARRAY[$3] AND o.last_seen_ns >= $1 AND o.first_seen_ns < $2" AFTER(TIME)
#define WITHOUT_PATTERN \
    "SELECT t.start_ns, t.trace_id FROM traces AS t" FILTERS " AND t.pattern_id IS NULL AND t.service = $3" AFTER(TIME)
const struct db_statement db_list_traces_of_attributes = {
    "list_traces", FOUND("SELECT t.start_ns, t.trace_id FROM traces AS t" FILTERS ATTRS AFTER(TIME))};
const struct db_statement db_list_traces_of_service = {"list_traces", FOUND(OF_PATTERNS " UNION ALL " WITHOUT_PATTERN)};
