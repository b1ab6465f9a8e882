/* Which spans failed with this error: newest first. */
#ifndef TRACEKIN_DB_GET_TRACES_BY_ERROR_H
#define TRACEKIN_DB_GET_TRACES_BY_ERROR_H

#include "db/session/conn.h"
#include "db/window.h"

/* Where a page ended: the last error shown. */
struct db_get_traces_by_error_key {
    int64_t start_ns;
    struct str error_id; /* bytes */
};

struct db_get_traces_by_error_params {
    struct db_window window;
    struct str pattern; /* absent: any; LIKE over the message, with % and _, case-sensitive; no lone backslash at its end */
    struct str text;    /* absent: any; a part of the message, in any case */
    struct str service, operation, type; /* absent: any */
    const struct db_get_traces_by_error_key *after; /* NULL: from the newest */
    int64_t limit;                                  /* rows at most: the caller asks for one more than it shows */
};

struct db_get_traces_by_error_row {
    struct db_get_traces_by_error_key key; /* key.start_ns: when the span started, or the log was written */
    struct str trace_id, span_id;          /* absent: an error log outside of any trace */
    struct str service, name, type, message;
    struct str source;   /* "span_status", "span_event" or "log" */
    bool has_duration;
    double duration_ms; /* of the span */
};

typedef enum err (*db_get_traces_by_error_fn)(void *arg, const struct db_get_traces_by_error_row *row);

enum err db_get_traces_by_error(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                                const struct db_get_traces_by_error_params *params, db_get_traces_by_error_fn fn, void *arg,
                                struct err_info *e) MUST_USE;

#endif
