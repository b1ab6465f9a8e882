/* Points of the metrics of one name, newest first. */
#ifndef TRACEKIN_DB_QUERY_METRICS_H
#define TRACEKIN_DB_QUERY_METRICS_H

#include "db/attrs.h"
#include "db/window.h"

/* Where a page ended: the last point shown. */
struct db_query_metrics_key {
    int64_t time_ns;
    int64_t metric_id;
    struct str point_id; /* bytes */
};

struct db_query_metrics_params {
    struct str name;
    struct str service; /* absent: any */
    struct db_attrs attrs; /* of the point, or of its resource */
    struct db_window window;
    const struct db_query_metrics_key *after; /* NULL: from the newest */
    int64_t limit;                            /* rows at most: the caller asks for one more than it shows */
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
    struct str detail, exemplars;               /* JSON as db/batch.h has it, or absent */
};

typedef enum err (*db_point_fn)(void *arg, const struct db_point_row *row);

enum err db_query_metrics(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                          const struct db_query_metrics_params *params, db_point_fn fn, void *arg,
                          struct err_info *e) MUST_USE;

#endif
