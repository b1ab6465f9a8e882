/* The time window a request asks about, from start, end and since, or from its cursor. */
#ifndef TRACEKIN_API_WINDOW_H
#define TRACEKIN_API_WINDOW_H

#include "api/request/req.h"
#include "core/clock.h"
#include "db/window.h"

/* What lists look at when they are not told: the last day, or everything. */
#define API_WINDOW_DAY NS_PER_DAY
#define API_WINDOW_ALL INT64_C(0)

struct api_window {
    struct db_window range; /* an open end is that of DB_WINDOW_ALL */
    bool is_default;        /* whether the service chose the start */
};

/* Reads the window parameters of the request's table; default_ns is how far back it reaches when there is no start.
 * ERR_INVALID when start is after end, or start and since are both given. */
enum err api_window_read(const struct api_req *req, int64_t default_ns, struct api_window *out, struct err_info *e) MUST_USE;

#endif
