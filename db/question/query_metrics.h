/* Points of the metrics of one name, newest first. */
#ifndef TRACEKIN_DB_QUERY_METRICS_H
#define TRACEKIN_DB_QUERY_METRICS_H

#include "db/question/attrs.h"
#include "db/row/point_row.h"
#include "db/window.h"

struct db_query_metrics_params {
    struct str name;
    struct str service; /* absent: any */
    struct db_attrs attrs; /* of the point, else of its resource */
    struct db_window window;
    const struct db_query_metrics_key *after; /* NULL: from the newest */
    int64_t limit;                            /* rows at most: the caller asks for one more than it shows */
};

enum err db_query_metrics(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                          const struct db_query_metrics_params *params, db_point_fn fn, void *arg,
                          struct err_info *e) MUST_USE;

#endif
