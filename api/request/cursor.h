/* Where a list goes on: the sort keys of its last item, as opaque text.
 *
 * A cursor belongs to one route, one path and one set of filters, and fixes the window of the first page, so that pages
 * neither repeat nor skip while rows arrive. Pure functions over the request. */
#ifndef TRACEKIN_API_CURSOR_H
#define TRACEKIN_API_CURSOR_H

#include "api/request/window.h"

enum { API_CURSOR_KEY_MAX_BYTES = 8192 };

struct api_cursor {
    struct api_window window;
    int64_t number; /* the first sort key; its meaning is the handler's */
    struct str key; /* the ties' keys, as bytes; in the arena */
};

/* Reads the request's cursor; *is_given says whether there is one. ERR_INVALID for a text that no answer to these very
 * filters gave. */
enum err api_cursor_read(const struct api_req *req, bool *is_given, struct api_cursor *out, struct err_info *e) MUST_USE;
/* The text of a cursor, in the arena. ERR_NOMEM when that is full, or when the key is longer than a cursor may be. */
enum err api_cursor_write(const struct api_req *req, const struct api_cursor *c, struct str *out, struct err_info *e) MUST_USE;

#endif
