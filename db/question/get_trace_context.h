/* All that is known of one trace: its summary and spans, what was logged in it, and the metric points that point to it. */
#ifndef TRACEKIN_DB_GET_TRACE_CONTEXT_H
#define TRACEKIN_DB_GET_TRACE_CONTEXT_H

#include "core/clock.h"
#include "db/question/get_trace.h"
#include "db/row/log_row.h"
#include "db/row/point_row.h"

/* Logs and points are looked for from this long before the trace's first span to as long after its last one. */
#define DB_CONTEXT_SLACK_NS NS_PER_DAY

struct db_get_trace_context_params {
    struct str trace_id;
    int64_t span_limit, log_limit, point_limit; /* each at most: the caller asks for one more than it shows */
};

/* Called in this order with the same arg. */
struct db_get_trace_context_fns {
    db_trace_summary_fn summary;
    db_span_fn span;      /* by start time */
    db_log_fn log;        /* oldest first */
    db_point_fn point;    /* oldest first */
};

/* ERR_NOT_FOUND when there is no such trace, even when there are logs of it (search_logs finds those). */
enum err db_get_trace_context(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                              const struct db_get_trace_context_params *params, const struct db_get_trace_context_fns *fns,
                              void *arg, struct err_info *e) MUST_USE;

#endif
