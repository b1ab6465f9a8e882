/* The operations a service had in a window: span names and kinds, by name. */
#ifndef TRACEKIN_DB_LIST_OPERATIONS_H
#define TRACEKIN_DB_LIST_OPERATIONS_H

#include "db/session/conn.h"
#include "db/window.h"

/* Where a page ended: the last operation shown. */
struct db_list_operations_key {
    struct str name;
    int64_t kind; /* 0 to 5 */
};

struct db_list_operations_params {
    struct str service;
    struct db_window window;
    const struct db_list_operations_key *after; /* NULL: from the beginning */
    int64_t limit;                              /* rows at most: the caller asks for one more than it shows */
};

struct db_list_operations_row {
    struct db_list_operations_key key;
    int64_t last_seen_ns; /* within the days of the window */
};

typedef enum err (*db_list_operations_fn)(void *arg, const struct db_list_operations_row *row);

/* A service nobody has heard of has no operations: no error. */
enum err db_list_operations(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                            const struct db_list_operations_params *params, db_list_operations_fn fn, void *arg,
                            struct err_info *e) MUST_USE;

#endif
