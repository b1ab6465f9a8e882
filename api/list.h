/* The shape of every list: {"items":[...],"next_cursor":...,"meta":{...}}, written as the rows come.
 *
 * api_list_begin, then the items on json, then api_list_meta, then what the route adds to meta, then api_list_end. */
#ifndef TRACEKIN_API_LIST_H
#define TRACEKIN_API_LIST_H

#include "api/jsonwrite.h"
#include "api/window.h"

struct api_list {
    struct api_json json;
    const struct api_req *req;
    int64_t begun_ns;
};

void api_list_begin(struct api_list *l, const struct api_req *req, struct api_reply *reply);
/* Ends the items and begins meta: took_ms, the limit and whether it was cut, the window (NULL: none). next_cursor absent:
 * the last page. */
void api_list_meta(struct api_list *l, struct str next_cursor, const struct api_window *window);
void api_list_end(struct api_list *l);

#endif
