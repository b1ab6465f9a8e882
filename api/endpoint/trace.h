/* The trace that a path names, and how a trace's spans are counted while they are written. */
#ifndef TRACEKIN_API_TRACE_H
#define TRACEKIN_API_TRACE_H

#include "api/json/items.h"
#include "api/request/req.h"
#include "db/write/batch.h"

enum { API_TRACE_SPANS_MAX = 10000 };

/* The first path argument as a trace id, in the arena. ERR_INVALID naming trace_id. */
enum err api_trace_of_path(const struct api_req *req, struct str *trace_id, struct err_info *e) MUST_USE;

/* An array cut at its limit: has_more turns true at the row past it. */
struct api_rows {
    int64_t n, limit;
    bool has_more;
};
/* Whether the next row is shown. */
bool api_rows_take(struct api_rows *rows);

#endif
