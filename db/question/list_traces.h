/* Traces of a window by what they are, newest or longest first. */
#ifndef TRACEKIN_DB_LIST_TRACES_H
#define TRACEKIN_DB_LIST_TRACES_H

#include "db/question/attrs.h"
#include "db/row/summary.h"
#include "db/window.h"

/* Where a page ended: the last trace shown. sort_ns is its start_ns, or end_ns - start_ns when sorted by duration. */
struct db_list_traces_key {
    int64_t sort_ns;
    struct str trace_id;
};

struct db_list_traces_params {
    struct db_window window; /* of start_ns */
    struct str service;      /* absent: any; else some span is of this service */
    struct str operation;    /* absent: any; else some span (of that service) has this name, of those last assembled */
    struct str status;       /* absent: any; "ok", "error" or "unset" */
    int64_t min_duration_ns, max_duration_ns; /* both inclusive; 0 and INT64_MAX: any */
    struct db_attrs attrs;                    /* of the trace's attributes */
    bool by_duration;
    const struct db_list_traces_key *after; /* NULL: from the beginning */
    int64_t limit;                          /* rows at most: the caller asks for one more than it shows */
};

typedef enum err (*db_list_traces_fn)(void *arg, const struct db_summary *row);

/* Calls fn for each trace; an error of fn ends it and is returned. */
enum err db_list_traces(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                        const struct db_list_traces_params *params, db_list_traces_fn fn, void *arg,
                        struct err_info *e) MUST_USE;

#endif
