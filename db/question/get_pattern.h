/* One distinct shape of traces, with its newest traces. */
#ifndef TRACEKIN_DB_GET_PATTERN_H
#define TRACEKIN_DB_GET_PATTERN_H

#include "db/row/pattern_row.h"
#include "db/row/summary.h"
#include "db/window.h"

/* Where a page ended: the last trace shown. */
struct db_get_pattern_key {
    int64_t start_ns;
    struct str trace_id;
};

struct db_get_pattern_params {
    int64_t pattern_id;
    struct db_window window;                /* of the traces' start_ns */
    const struct db_get_pattern_key *after; /* NULL: from the newest */
    int64_t limit;                          /* traces at most: the caller asks for one more than it shows */
};

/* Called once, before the traces; all operations of the pattern are told. */
typedef enum err (*db_get_pattern_fn)(void *arg, const struct db_pattern_row *row);
typedef enum err (*db_get_pattern_trace_fn)(void *arg, const struct db_summary *row);

/* Traces newest first, those of one start in the order of their ids. An error of a callback ends it and is returned.
 * ERR_NOT_FOUND. */
enum err db_get_pattern(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                        const struct db_get_pattern_params *params, db_get_pattern_fn pattern_fn,
                        db_get_pattern_trace_fn trace_fn, void *arg, struct err_info *e) MUST_USE;

#endif
