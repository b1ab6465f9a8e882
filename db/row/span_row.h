/* A span with its resource and scope. Slices are borrowed during the call they are passed to. */
#ifndef TRACEKIN_DB_SPAN_ROW_H
#define TRACEKIN_DB_SPAN_ROW_H

#include "db/session/conn.h"

struct db_span_row {
    struct str trace_id, span_id;
    struct str parent_span_id; /* absent: a root */
    int64_t start_ns, end_ns;
    int64_t kind;   /* 0 to 5 */
    int64_t status; /* 0 unset, 1 ok, 2 error */
    int64_t flags, n_dropped_attributes, n_dropped_events, n_dropped_links;
    struct str service, name, status_message, trace_state;
    struct str attributes;    /* JSON object */
    struct str events, links; /* JSON arrays as db/write/batch.h has them, or absent */
    int64_t resource_id;
    struct str resource_attributes, resource_schema_url;
    int64_t n_resource_dropped_attributes;
    int64_t scope_id;
    struct str scope_name, scope_version, scope_attributes, scope_schema_url;
    int64_t n_scope_dropped_attributes;
};

typedef enum err (*db_span_fn)(void *arg, const struct db_span_row *row);

/* The columns of a span, from spans AS s and DB_SPAN_JOIN; a statement selects them first. */
#define DB_SPAN_COLUMNS                                                                                              \
    "s.trace_id, s.span_id, s.parent_span_id, s.start_ns, s.end_ns, s.kind, s.status, s.flags, "                     \
    "s.dropped_attributes_count, s.dropped_events_count, s.dropped_links_count, s.service, s.name, s.status_message, " \
    "s.trace_state, s.attributes, s.events, s.links, s.resource_id, r.attributes, r.schema_url, "                    \
    "r.dropped_attributes_count, s.scope_id, o.name, o.version, o.attributes, o.schema_url, o.dropped_attributes_count"
#define DB_SPAN_JOIN                                             \
    " LEFT JOIN resources AS r ON r.resource_id = s.resource_id" \
    " LEFT JOIN scopes AS o ON o.scope_id = s.scope_id"

/* Reads a row whose first columns are DB_SPAN_COLUMNS; texts are in r. */
struct db_span_row db_span_row_read(const struct db_result *r, int row);

#endif
