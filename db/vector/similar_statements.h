/* The statements that find similar traces: one for each way of searching, each for single traces and for patterns. */
#ifndef TRACEKIN_DB_SIMILAR_STATEMENTS_H
#define TRACEKIN_DB_SIMILAR_STATEMENTS_H

#include "db/row/summary.h"
#include "db/session/conn.h"

/* How a search finds its traces. */
enum db_similar_way {
    DB_SIMILAR_SHAPES, /* by the vectors of patterns, which their traces share: exact */
    DB_SIMILAR_INDEX,  /* by the vector index over traces: approximate */
    DB_SIMILAR_SCAN,   /* by the vector of each trace: exact */
    DB_SIMILAR_WAYS,
};

/* Parameters: $1 vector, $2 its model, $3 trace to leave out (bytea), $4 status, $5 and $6 window of start_ns, $7 service,
 * $8 greatest distance, $9 limit. NULL of $3, $4, $7: any. Rows: a summary's columns, then these. The first row of INDEX and SCAN
 * may be of no trace (its id NULL): it tells only how many were looked at. */
enum db_similar_column {
    DB_SIMILAR_SIMILARITY = DB_SUMMARY_N_COLUMNS,
    DB_SIMILAR_PATTERN_ID, /* NULL: none */
    DB_SIMILAR_TRACE_COUNT,
    DB_SIMILAR_ERROR_COUNT,
    DB_SIMILAR_FIRST_SEEN_NS,
    DB_SIMILAR_LAST_SEEN_NS,
    DB_SIMILAR_N_NEAREST, /* how many traces pass the filters, whatever their distance; at most db_similar_n_looked_for */
};

extern const struct db_statement db_similar_statements[DB_SIMILAR_WAYS][2]; /* [way][by pattern] */

/* INDEX for single traces without filters: $4 to $7 are not looked at, and at most DB_SIMILAR_FEW or DB_SIMILAR_MANY traces found,
 * whatever $9. As their bound stands in them, one plan does for all values, so they may be prepared. */
enum { DB_SIMILAR_FEW = 10, DB_SIMILAR_MANY = 100 };
extern const struct db_statement db_similar_few_statement, db_similar_many_statement;

/* To find limit patterns INDEX looks for the nearest of so many traces; SCAN looks at all. */
int64_t db_similar_n_looked_for(bool by_pattern, int64_t limit);

#endif
