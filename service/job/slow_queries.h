/* The slow query log: one line at level warn for each question to the database that took longer than the threshold, with the
 * hash of the plan of its slowest statement (db/session/plan.h).
 *
 * A background job with its own connection asks for the plans, a few a second at most, so that they cost no request anything:
 * the plan is the one that PostgreSQL makes for the same values a moment later. Lines never hold values. */
#ifndef TRACEKIN_SERVICE_SLOW_QUERIES_H
#define TRACEKIN_SERVICE_SLOW_QUERIES_H

#include "core/err.h"
#include "db/vector/vector_use.h"

struct service_slow_queries;

/* threshold_ns 0: nothing is logged, and *out is NULL. url and board are borrowed until the stop. ERR_NOMEM, ERR_INTERNAL. */
enum err service_slow_queries_start(const char *url, int64_t threshold_ns, struct db_vector_board *board,
                                    struct service_slow_queries **out, struct err_info *e) MUST_USE;
/* What still waits is logged, without plans. */
void service_slow_queries_stop(struct service_slow_queries *s);

#endif
