/* A trace with all its spans, found as soon as they are acknowledged. */
#ifndef TRACEKIN_DB_GET_TRACE_H
#define TRACEKIN_DB_GET_TRACE_H

#include "db/summary.h"
#include "db/window.h"

struct db_get_trace_params {
    struct str trace_id;   /* 16 bytes */
    bool by_resource;      /* spans of one resource, and in it of one scope, follow each other: what OTLP wants */
    int64_t limit;         /* spans at most: the caller asks for one more than it shows */
};

struct db_span_row {
    struct str trace_id, span_id;
    struct str parent_span_id; /* absent: a root */
    int64_t start_ns, end_ns;
    int64_t kind;   /* 0 to 5 */
    int64_t status; /* 0 unset, 1 ok, 2 error */
    int64_t flags, n_dropped_attributes, n_dropped_events, n_dropped_links;
    struct str service, name, status_message, trace_state;
    struct str attributes;    /* JSON object */
    struct str events, links; /* JSON arrays as db/batch.h has them, or absent */
    int64_t resource_id;
    struct str resource_attributes, resource_schema_url;
    int64_t n_resource_dropped_attributes;
    int64_t scope_id;
    struct str scope_name, scope_version, scope_attributes, scope_schema_url;
    int64_t n_scope_dropped_attributes;
};

/* Called once, before the spans. is_assembled: it is the stored one; else it was made from the spans that have come. */
typedef enum err (*db_trace_summary_fn)(void *arg, const struct db_summary *summary, bool is_assembled);
typedef enum err (*db_span_fn)(void *arg, const struct db_span_row *row);

/* By start time, or as by_resource says. A trace stored without spans has a summary only. ERR_NOT_FOUND. */
enum err db_get_trace(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                      const struct db_get_trace_params *params, db_trace_summary_fn summary_fn, db_span_fn span_fn, void *arg,
                      struct err_info *e) MUST_USE;

#endif
