/* The shape of every list: {"items":[...],"next_cursor":...,"meta":{...}}, written as the rows come.
 *
 * A handler calls api_list_begin (or api_list_read, and writes up to the items itself), asks the database for limit + 1 rows
 * after the cursor's key, and per row calls api_list_take and, when that is true, writes the item to json and calls api_list_mark;
 * then api_list_meta, what the route adds to meta, and api_list_end. */
#ifndef TRACEKIN_API_LIST_H
#define TRACEKIN_API_LIST_H

#include "api/json/jsonwrite.h"
#include "api/request/cursor.h"

struct api_list {
    struct api_json json;
    const struct api_req *req;
    struct err_info *e; /* of the handler, for what its callbacks have to say */
    int64_t begun_ns;
    int64_t limit, n_items;
    bool has_cursor, has_more;
    struct api_cursor at;   /* the window, and when has_cursor the key to go on after */
    struct api_cursor last; /* the key of the last item of a full page */
};

/* Reads the limit, and the cursor or else the window, from the route's parameters. Nothing is written yet. */
enum err api_list_read(struct api_list *l, const struct api_req *req, struct api_reply *reply, int64_t default_ns,
                       struct err_info *e) MUST_USE;
/* Begins the items, in an object the caller opened. */
void api_list_open(struct api_list *l);
/* Reads, opens the object and begins the items. */
enum err api_list_begin(struct api_list *l, const struct api_req *req, struct api_reply *reply, int64_t default_ns,
                        struct err_info *e) MUST_USE;
/* Whether the next row is shown; false for the one past the limit, which says that there is more. */
bool api_list_take(struct api_list *l);
/* Whether the item just written is the last of a full page, the only one whose keys are needed. */
bool api_list_is_full(const struct api_list *l);
/* The sort keys of the item just written; key is copied when it is needed. ERR_NOMEM. */
enum err api_list_mark(struct api_list *l, int64_t number, struct str key) MUST_USE;
/* Ends the items, writes next_cursor and begins meta: took_ms, limit, limit_clamped, window. */
enum err api_list_meta(struct api_list *l, struct err_info *e) MUST_USE;
void api_list_end(struct api_list *l);

/* A window as meta shows it, and the time since begun_ns. */
void api_meta_window(struct api_json *w, const struct api_window *window);
void api_meta_took(struct api_json *w, int64_t begun_ns);

#endif
