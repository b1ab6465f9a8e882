/* Slow questions on their way to the log: noted by the thread that asked, taken by a background job that finds out the plan of
 * the slowest statement and writes the line, so that no request waits for either.
 *
 * One queue per process, bounded: when it is full a question is logged at once, without a plan. Any thread. */
#ifndef TRACEKIN_DB_SLOW_QUERY_H
#define TRACEKIN_DB_SLOW_QUERY_H

#include "db/session/call.h"

enum { DB_SLOW_QUERIES_MAX = 64, DB_REQUEST_ID_MAX = 64, DB_KEY_NAME_MAX = 64 };

struct db_slow_query {
    const char *query; /* the question's name */
    int64_t took_ns, n_rows;
    enum err outcome;
    struct db_call *slowest; /* NULL: no statement stood out, or its values were too large to keep */
    char request_id[DB_REQUEST_ID_MAX + 1];
    char key[DB_KEY_NAME_MAX + 1]; /* the name of the API key */
};

/* What a question must take to be slow; 0, as it is at first: none is. */
void db_slow_query_set_threshold(int64_t threshold_ns);
bool db_slow_query_is_slow(int64_t took_ns);
/* Whether the values of a statement that took so long are worth a copy, in case that its question becomes slow: it took a
 * hundredth of that, so that copying costs next to nothing. */
bool db_slow_query_is_suspect(int64_t took_ns);

/* q->slowest is taken; the request id and the key are the thread's. */
void db_slow_query_put(struct db_slow_query *q);
/* The oldest; q->slowest is new. False when there is none. */
bool db_slow_query_take(struct db_slow_query *q);
/* Writes its line, with the plan's hash if there is one (else NULL), and frees what it holds. */
void db_slow_query_log(struct db_slow_query *q, const uint64_t *plan_hash);

#endif
