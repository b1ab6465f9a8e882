/* A metric's point, as metric queries and the context of a trace give it. Slices are borrowed during the call they are
 * passed to. */
#ifndef TRACEKIN_DB_POINT_ROW_H
#define TRACEKIN_DB_POINT_ROW_H

#include "db/session/conn.h"

/* Where a page ended: the last point shown. */
struct db_query_metrics_key {
    int64_t time_ns;
    int64_t metric_id;
    struct str point_id; /* bytes */
};

struct db_point_row {
    struct db_query_metrics_key key;
    struct str name, type, unit; /* type: "gauge", "sum", "histogram", "exponential_histogram" or "summary" */
    int64_t temporality;         /* 0 unspecified, 1 delta, 2 cumulative */
    bool is_monotonic;
    struct str service;
    bool has_start, has_value, has_value_int, has_count, has_sum, has_min, has_max;
    int64_t start_ns;
    double value;
    int64_t value_int;
    struct str count; /* decimal digits: 64 bits without a sign */
    double sum, min, max;
    struct str attributes, resource_attributes; /* JSON objects */
    struct str detail, exemplars;               /* JSON as db/write/batch.h has it, or absent */
};

typedef enum err (*db_point_fn)(void *arg, const struct db_point_row *row);

/* The columns of a point, from metric_points AS p and DB_POINT_JOIN; a statement selects them first. */
#define DB_POINT_COLUMNS                                                                                               \
    "p.time_ns, p.metric_id, p.point_id, m.name, m.type, m.unit, m.temporality, m.is_monotonic, p.service, p.start_ns, " \
    "p.value, p.value_int, p.count::text, p.sum, p.min, p.max, p.attributes, r.attributes, p.detail, p.exemplars"
#define DB_POINT_JOIN                                      \
    " JOIN metrics AS m ON m.metric_id = p.metric_id"      \
    " LEFT JOIN resources AS r ON r.resource_id = p.resource_id"

/* Reads a row whose first columns are DB_POINT_COLUMNS; texts are in r. */
struct db_point_row db_point_row_read(const struct db_result *r, int row);

#endif
