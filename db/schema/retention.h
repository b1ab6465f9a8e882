/* Retention: what is older than it goes, signals by whole days, what was derived from them row by row.
 *
 * Of all processes on a database one does it at a time, by an advisory lock of the session. */
#ifndef TRACEKIN_DB_RETENTION_H
#define TRACEKIN_DB_RETENTION_H

#include "db/session/conn.h"

/* Rows deleted by one statement, each a transaction of its own. */
enum { DB_RETENTION_ROWS_MAX = 5000 };

/* How many days from today on have partitions made ahead. */
enum { DB_RETENTION_DAYS_AHEAD = 3 };

struct db_retained {
    int n_partitions;                           /* dropped */
    int64_t n_traces, n_errors, n_operations, n_patterns; /* rows deleted */
};

/* Makes today's and the next days' partitions, so that midnight waits for nothing. */
enum err db_retention_premake(struct db_conn *c, const struct db_wait *wait, int64_t now_ns, struct err_info *e) MUST_USE;
/* Drops and deletes what ended before the instant; *is_leader false: another process is at it, nothing was done. Called
 * again after a failure it goes on where it was. */
enum err db_retention_run(struct db_conn *c, const struct db_wait *wait, int64_t before_ns, bool *is_leader,
                          struct db_retained *out, struct err_info *e) MUST_USE;

#endif
