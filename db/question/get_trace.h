/* A trace with all its spans, found as soon as they are acknowledged. */
#ifndef TRACEKIN_DB_GET_TRACE_H
#define TRACEKIN_DB_GET_TRACE_H

#include "db/row/span_row.h"
#include "db/row/summary.h"
#include "db/window.h"

struct db_get_trace_params {
    struct str trace_id;   /* 16 bytes */
    bool by_resource;      /* spans of one resource, and in it of one scope, follow each other: what OTLP wants */
    int64_t limit;         /* spans at most: the caller asks for one more than it shows */
};

/* Called once, before the spans. is_assembled: it is the stored one; else it was made from the spans that have come. */
typedef enum err (*db_trace_summary_fn)(void *arg, const struct db_summary *summary, bool is_assembled);

/* By start time, or as by_resource says. A trace stored without spans has a summary only. ERR_NOT_FOUND. */
enum err db_get_trace(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                      const struct db_get_trace_params *params, db_trace_summary_fn summary_fn, db_span_fn span_fn,
                      void *arg, struct err_info *e) MUST_USE;

/* As db_get_trace, but not observed as a question of its own; *window holds the start times of the trace's spans. */
enum err db_trace_fetch(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                        const struct db_get_trace_params *params, db_trace_summary_fn summary_fn, db_span_fn span_fn,
                        void *arg, struct db_window *window, struct err_info *e) MUST_USE;

#endif
