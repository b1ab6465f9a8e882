/* The statements that list traces, each for what it must be good at.
 *
 * Parameters of all that give traces: $1 and $2 window of start_ns, $3 service, $4 operation, $5 status, $6 and $7 bounds of the
 * duration in nanoseconds (0 and INT64_MAX: none), $8 and $9 the sort key and trace_id to go on after, $10 limit, $11 the operation
 * as patterns have it, and with attributes $12 to $17 two pairs (db_put_attr) and $18 to $20 the rest (db_put_attrs). NULL of $3 to
 * $5: any. Rows: a summary's columns. */
#ifndef TRACEKIN_DB_LIST_TRACES_STATEMENTS_H
#define TRACEKIN_DB_LIST_TRACES_STATEMENTS_H

#include "db/session/conn.h"

/* Traces that are gathered and sorted for a page at most. */
#define DB_LIST_TRACES_GATHERED_MAX 10000

enum db_list_traces_way {
    DB_LIST_TRACES_ALL,      /* of any operation */
    DB_LIST_TRACES_WALKED,   /* of one that many may have: through the window */
    DB_LIST_TRACES_GATHERED, /* of one that few may have: those few, sorted */
    DB_LIST_TRACES_WAYS,
};
extern const struct db_statement db_list_traces_pages[DB_LIST_TRACES_WAYS][2][2]; /* [way][by duration][has attributes] */
/* $1 operation as patterns have it, $2 and $3 window: how many rows gathering would read. */
extern const struct db_statement db_list_traces_weigh;

/* Newest first, of any operation: within the newest of the window, where what is common is found ([has attributes]); where these
 * end ($1 and $2 window, $3 and $4 key to go on after); and what is rare, by its own index. */
extern const struct db_statement db_list_traces_nearest[2];
extern const struct db_statement db_list_traces_nearest_end;
extern const struct db_statement db_list_traces_of_attributes, db_list_traces_of_service;

#endif
