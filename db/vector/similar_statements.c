#include "db/vector/similar_statements.h"

#include "db/assemble/trace_merge.h"

#define TRACES_PER_PATTERN 50

/* What must hold of a trace: not the one asked about, its status, its window. */
#define IS_ANOTHER "($3::bytea IS NULL OR t.trace_id <> $3)"
#define TRACE_FILTERS                                             \
    IS_ANOTHER " AND ($4::text IS NULL OR t.status = $4)"         \
    " AND t.start_ns >= $5 AND t.start_ns < $6"
#define SERVICE_FILTER                       \
    " AND ($7::text IS NULL OR t.service = $7" \
    " OR t.pattern_id IN (SELECT pattern_id FROM patterns WHERE services @> ARRAY[$7]))"
#define SIMILARITY(distance) "least(1, 1 - " distance ")"
#define OF_PATTERN                                                                                              \
    "t.pattern_id, coalesce(p.trace_count, 1), coalesce(p.error_count, (t.status = 'error')::int::bigint),"          \
    " coalesce(p.first_seen_ns, t.start_ns), coalesce(p.last_seen_ns, t.start_ns)"
#define COLUMNS(distance, n_nearest) DB_SUMMARY_COLUMNS ", " SIMILARITY(distance) ", " OF_PATTERN ", " n_nearest

/* Traces of a pattern have its vector, but those that were given their own: the nearest patterns, exactly and in order (OFFSET 0
 * keeps it), and of each its newest traces. They are ordered by the whole key of an index, so that no other is taken that
 * would read the window for the few traces of a pattern. Patterns of which no trace can pass are left out by their counts. */
#define SHAPES                                                                                                          \
    "WITH shapes AS MATERIALIZED (SELECT pattern_id, embedding <=> $1::vector AS distance FROM patterns"                \
    " WHERE embedding_model = $2 AND last_seen_ns >= $5 AND first_seen_ns < $6"                                         \
    " AND ($7::text IS NULL OR services @> ARRAY[$7])"                                                                  \
    " AND ($4::text IS NULL OR CASE $4 WHEN 'error' THEN error_count > 0 ELSE error_count < trace_count END))"
#define OF_SHAPES(n_each)                                                                                               \
    SHAPES " SELECT " COLUMNS("t.distance", "0::bigint") " FROM (SELECT t.*, s.distance"                                 \
    " FROM (SELECT * FROM shapes WHERE distance <= $8 ORDER BY distance, pattern_id OFFSET 0) AS s"                     \
    " CROSS JOIN LATERAL (SELECT * FROM traces AS t WHERE t.pattern_id = s.pattern_id"                                  \
    " AND t.embedding_model IS DISTINCT FROM '" DB_EMBEDDING_MODEL_GIVEN "' AND " TRACE_FILTERS                         \
    " ORDER BY t.pattern_id, t.start_ns DESC, t.trace_id LIMIT " n_each ") AS t LIMIT $9) AS t"                         \
    " LEFT JOIN patterns AS p ON p.pattern_id = t.pattern_id"                                                           \
    " ORDER BY t.distance, t.pattern_id, t.start_ns DESC, t.trace_id"

/* The threshold is applied outside of the ordered search, so that it never makes an index be read on for rows that cannot come; a
 * comparison from below keeps NaN out. + 0 keeps the index out of an exact search. */
#define NEAREST_OF(filters, order, limit)                                                                               \
    "WITH nearest AS MATERIALIZED (SELECT t.trace_id, t.embedding <=> $1::vector AS distance FROM traces AS t"          \
    " WHERE t.embedding_model = $2 AND " filters " ORDER BY " order limit "),"                                          \
    " found AS (SELECT count(*) AS n FROM nearest)"
#define NEAREST(order, limit) NEAREST_OF(TRACE_FILTERS SERVICE_FILTER, order, limit)
#define BY_INDEX "t.embedding <=> $1::vector"
#define BY_SCAN "(t.embedding <=> $1::vector) + 0, t.start_ns DESC, t.trace_id"
#define OF_TRACES                                                                                                       \
    " SELECT " COLUMNS("n.distance", "f.n") " FROM found AS f LEFT JOIN (nearest AS n JOIN traces AS t"                 \
    " ON t.trace_id = n.trace_id LEFT JOIN patterns AS p ON p.pattern_id = t.pattern_id) ON n.distance <= $8"           \
    " ORDER BY n.distance, t.start_ns DESC, t.trace_id"
/* The nearest of each pattern; a trace of none is its own. */
#define OF_PATTERNS                                                                                                     \
    ", one AS (SELECT DISTINCT ON (coalesce(t.pattern_id::text, encode(t.trace_id, 'hex'))) n.trace_id, n.distance"     \
    " FROM nearest AS n JOIN traces AS t ON t.trace_id = n.trace_id WHERE n.distance <= $8"                             \
    " ORDER BY coalesce(t.pattern_id::text, encode(t.trace_id, 'hex')), n.distance, t.start_ns DESC)"                   \
    " SELECT " COLUMNS("n.distance", "f.n") " FROM found AS f LEFT JOIN (one AS n JOIN traces AS t"                     \
    " ON t.trace_id = n.trace_id LEFT JOIN patterns AS p ON p.pattern_id = t.pattern_id) ON true"                       \
    " ORDER BY n.distance, t.start_ns DESC, t.trace_id LIMIT $9"

const struct db_statement db_similar_statements[DB_SIMILAR_WAYS][2] = {
    [DB_SIMILAR_SHAPES] = {{"find_similar_traces", OF_SHAPES("$9")}, {"find_similar_traces", OF_SHAPES("1")}},
    [DB_SIMILAR_INDEX] = {{"find_similar_traces", NEAREST(BY_INDEX, " LIMIT $9") OF_TRACES},
                          {"find_similar_traces", NEAREST(BY_INDEX, " LIMIT $9 * " TEXT_OF(TRACES_PER_PATTERN)) OF_PATTERNS}},
    [DB_SIMILAR_SCAN] = {{"find_similar_traces", NEAREST(BY_SCAN, " LIMIT $9") OF_TRACES},
                         {"find_similar_traces", NEAREST(BY_SCAN, "") OF_PATTERNS}},
};

#define UNFILTERED(bound) NEAREST_OF(IS_ANOTHER, BY_INDEX, " LIMIT " TEXT_OF(bound)) OF_TRACES " LIMIT $9"
#define FEW 10
#define MANY 100
_Static_assert(FEW == DB_SIMILAR_FEW && MANY == DB_SIMILAR_MANY, "the header tells the bounds that stand in the statements");

const struct db_statement db_similar_few_statement = {"find_similar_traces", UNFILTERED(FEW)};
const struct db_statement db_similar_many_statement = {"find_similar_traces", UNFILTERED(MANY)};

int64_t db_similar_n_looked_for(bool by_pattern, int64_t limit)
{
    return by_pattern ? limit * TRACES_PER_PATTERN : limit;
}
