/* The metrics that had points in a window, by name. */
#ifndef TRACEKIN_DB_LIST_METRIC_NAMES_H
#define TRACEKIN_DB_LIST_METRIC_NAMES_H

#include "db/session/conn.h"
#include "db/window.h"

/* A metric's name, type and unit: what is shown of it and where a page ended. */
struct db_list_metric_names_key {
    struct str name, type, unit;
};

struct db_list_metric_names_params {
    struct db_window window;
    const struct db_list_metric_names_key *after; /* NULL: from the beginning */
    int64_t limit;                                /* rows at most: the caller asks for one more than it shows */
};

struct db_list_metric_names_row {
    struct db_list_metric_names_key key;
    struct str description; /* one of those it was sent with */
};

typedef enum err (*db_list_metric_names_fn)(void *arg, const struct db_list_metric_names_row *row);

enum err db_list_metric_names(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                              const struct db_list_metric_names_params *params, db_list_metric_names_fn fn, void *arg,
                              struct err_info *e) MUST_USE;

#endif
