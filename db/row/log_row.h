/* A log record, as log search and the context of a trace give it. Slices are borrowed during the call they are passed to. */
#ifndef TRACEKIN_DB_LOG_ROW_H
#define TRACEKIN_DB_LOG_ROW_H

#include "db/session/conn.h"

/* Where a page ended: the last record shown, or the last one examined. */
struct db_search_logs_key {
    int64_t time_ns;
    struct str log_id; /* bytes */
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

typedef enum err (*db_log_fn)(void *arg, const struct db_log_row *row);

/* The columns of a record, from logs AS l and DB_LOG_JOIN; a statement selects them first. */
#define DB_LOG_COLUMNS                                                                                              \
    "l.time_ns, l.log_id, l.trace_id, l.span_id, l.observed_ns, l.severity, l.severity_text, l.event_name, l.service, " \
    "l.body, l.body_json, l.attributes, r.attributes"
#define DB_LOG_JOIN " LEFT JOIN resources AS r ON r.resource_id = l.resource_id"
enum { DB_LOG_N_COLUMNS = 13 };

/* Reads a row whose first columns are DB_LOG_COLUMNS; texts are in r. */
struct db_log_row db_log_row_read(const struct db_result *r, int row);

#endif
