/* The services that had spans in a window, by name. */
#ifndef TRACEKIN_DB_LIST_SERVICES_H
#define TRACEKIN_DB_LIST_SERVICES_H

#include "db/session/conn.h"
#include "db/window.h"

struct db_list_services_params {
    struct db_window window;
    struct str after; /* the last name shown; absent: from the beginning */
    int64_t limit;    /* rows at most: the caller asks for one more than it shows */
};

struct db_list_services_row {
    struct str name;
    int64_t last_seen_ns; /* within the days of the window */
};

typedef enum err (*db_list_services_fn)(void *arg, const struct db_list_services_row *row);

enum err db_list_services(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                          const struct db_list_services_params *params, db_list_services_fn fn, void *arg,
                          struct err_info *e) MUST_USE;

#endif
