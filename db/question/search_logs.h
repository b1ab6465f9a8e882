/* What was logged, newest or oldest first. */
#ifndef TRACEKIN_DB_SEARCH_LOGS_H
#define TRACEKIN_DB_SEARCH_LOGS_H

#include "db/row/log_row.h"
#include "db/window.h"

/* Records examined by one call, matching or not. */
enum { DB_SEARCH_LOGS_BUDGET = 1000000 };

struct db_search_logs_params {
    struct db_window window;
    struct str query;    /* absent: any; the language of db/question/log_query.h */
    struct str contains; /* absent: any; a part of the message, in any case */
    struct str regex;    /* absent: any; a PostgreSQL regular expression, case-sensitive */
    struct str trace_id, span_id; /* absent: any */
    struct str service;           /* absent: any */
    int64_t min_severity;         /* 0: any; else records of at least this severity number */
    bool oldest_first;
    const struct db_search_logs_key *after; /* NULL: from the beginning */
    int64_t limit;                          /* rows at most: the caller asks for one more than it shows */
    int64_t budget;                         /* 0: DB_SEARCH_LOGS_BUDGET */
};

/* How a search ended. When the budget was spent before limit rows were found, asking again after resume goes on. */
struct db_search_logs_end {
    bool budget_spent;
    int64_t n_examined; /* records; not counted when trace_id was given, nor in the scan in which the last row was found */
    struct db_search_logs_key resume; /* log_id is in the arena */
};

/* A search with trace_id has no budget: a trace's records are found by index. ERR_INVALID naming q or regex. */
enum err db_search_logs(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                        const struct db_search_logs_params *params, db_log_fn fn, void *arg,
                        struct db_search_logs_end *end, struct err_info *e) MUST_USE;

#endif
