/* What was logged, newest or oldest first. */
#ifndef TRACEKIN_DB_SEARCH_LOGS_H
#define TRACEKIN_DB_SEARCH_LOGS_H

#include "db/conn.h"
#include "db/window.h"

/* Records examined by one call, matching or not. */
enum { DB_SEARCH_LOGS_BUDGET = 1000000 };

/* Where a page ended: the last record shown, or the last one examined. */
struct db_search_logs_key {
    int64_t time_ns;
    struct str log_id; /* bytes */
};

struct db_search_logs_params {
    struct db_window window;
    struct str query;    /* absent: any; the language of db/log_query.h */
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

struct db_log_row {
    struct db_search_logs_key key;
    struct str trace_id, span_id; /* absent: none */
    bool has_observed;
    int64_t observed_ns;
    int64_t severity; /* 0 to 24 */
    struct str severity_text, event_name, service;
    struct str body;      /* as text */
    struct str body_json; /* absent: the body is a string */
    struct str attributes, resource_attributes; /* JSON objects */
};

/* How a search ended. When the budget was spent before limit rows were found, asking again after resume goes on. */
struct db_search_logs_end {
    bool budget_spent;
    struct db_search_logs_key resume; /* log_id is in the arena */
};

typedef enum err (*db_search_logs_fn)(void *arg, const struct db_log_row *row);

/* A search with trace_id has no budget: a trace's records are found by index. ERR_INVALID naming q or regex. */
enum err db_search_logs(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                        const struct db_search_logs_params *params, db_search_logs_fn fn, void *arg,
                        struct db_search_logs_end *end, struct err_info *e) MUST_USE;

#endif
