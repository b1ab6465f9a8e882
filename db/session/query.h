/* How long each question takes and how often it fails, by name: observed once a question, from its first statement to its
 * last row. Feeds /metrics, /api/v1/stats and the slow query log (db/session/slow_query.h). Any thread; nothing blocks. */
#ifndef TRACEKIN_DB_QUERY_H
#define TRACEKIN_DB_QUERY_H

#include "db/session/conn.h"

enum db_question {
    DB_FIND_SIMILAR_TRACES,
    DB_GET_TRACES_BY_ERROR,
    DB_SEARCH_LOGS,
    DB_GET_TRACE,
    DB_GET_TRACE_CONTEXT,
    DB_LIST_TRACES,
    DB_LIST_PATTERNS,
    DB_GET_PATTERN,
    DB_LIST_SERVICES,
    DB_LIST_OPERATIONS,
    DB_LIST_METRIC_NAMES,
    DB_QUERY_METRICS,
    DB_INDEX_USAGE,
    DB_N_QUESTIONS,
};

struct db_query_stats {
    const char *name; /* "find_similar_traces" */
    uint64_t n_asked, n_failed;
    double p50_ms, p95_ms, p99_ms; /* since the start, within 1.6% (core/histogram.h); 0 when never asked */
};

/* Makes the series of every question, so that /metrics shows them before the first is asked. */
void db_query_init(void);
/* A question begins on the connection: returns now (monotonic). */
int64_t db_query_begin(struct db_conn *c);
/* Records a question that began at started_ns and ended now with err; returns err. Wrong input, a missing thing and a
 * cancelled wait are no failures of the query. One that is explained (db/session/explain.h) is not recorded: it takes longer for that. */
enum err db_query_done(struct db_conn *c, enum db_question question, int64_t started_ns, enum err err) MUST_USE;
struct db_query_stats db_query_stats_of(enum db_question question);

#endif
