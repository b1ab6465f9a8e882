#include "api/request/list.h"

#include "api/request/params.h"

enum err api_list_read(struct api_list *l, const struct api_req *req, struct api_reply *reply, int64_t default_ns,
                       struct err_info *e)
{
    *l = (struct api_list){
        .req = req, .e = e, .begun_ns = clock_mono_ns(), .limit = api_param(req->params, "limit")->number};
    TRY(api_cursor_read(req, &l->has_cursor, &l->at, e));
    if (!l->has_cursor)
        TRY(api_window_read(req, default_ns, &l->at.window, e));
    api_json_init(&l->json, &reply->body);
    return OK;
}

void api_list_open(struct api_list *l)
{
    api_json_key(&l->json, "items");
    api_json_open(&l->json, '[');
}

enum err api_list_begin(struct api_list *l, const struct api_req *req, struct api_reply *reply, int64_t default_ns,
                        struct err_info *e)
{
    TRY(api_list_read(l, req, reply, default_ns, e));
    api_json_open(&l->json, '{');
    api_list_open(l);
    return OK;
}

bool api_list_is_full(const struct api_list *l)
{
    return l->n_items == l->limit;
}

bool api_list_take(struct api_list *l)
{
    l->has_more = api_list_is_full(l);
    if (l->has_more)
        return false;
    l->n_items++;
    return true;
}

enum err api_list_mark(struct api_list *l, int64_t number, struct str key)
{
    if (!api_list_is_full(l))
        return OK;
    l->last = (struct api_cursor){l->at.window, number, arena_copy(l->req->arena, key)};
    return l->last.key.ptr == NULL ? ERR_SET_NOMEM(l->e) : OK;
}

static void write_bound(struct api_json *w, const char *key, int64_t wall_ns, int64_t open_ns)
{
    api_json_key(w, key);
    if (wall_ns == open_ns)
        api_json_null(w);
    else
        api_json_time(w, wall_ns);
}

void api_meta_window(struct api_json *w, const struct api_window *window)
{
    api_json_key(w, "window");
    api_json_open(w, '{');
    write_bound(w, "start", window->range.start_ns, DB_WINDOW_ALL.start_ns);
    write_bound(w, "end", window->range.end_ns, DB_WINDOW_ALL.end_ns);
    api_json_key(w, "is_default");
    api_json_bool(w, window->is_default);
    api_json_close(w, '}');
}

void api_meta_took(struct api_json *w, int64_t begun_ns)
{
    api_json_key(w, "took_ms");
    api_json_f64(w, /* Whole microseconds. NOLINTNEXTLINE(bugprone-integer-division) */
                 (double)((clock_mono_ns() - begun_ns) / NS_PER_US) / 1000);
}

enum err api_list_meta(struct api_list *l, struct err_info *e)
{
    struct str next_cursor = {NULL, 0};
    if (l->has_more && api_param_find(l->req->params, "cursor") != NULL)
        TRY(api_cursor_write(l->req, &l->last, &next_cursor, e));
    struct api_json *w = &l->json;
    api_json_close(w, ']');
    api_json_key(w, "next_cursor");
    api_json_str(w, next_cursor);
    api_json_key(w, "meta");
    api_json_open(w, '{');
    api_meta_took(w, l->begun_ns);
    api_json_key(w, "limit");
    api_json_i64(w, l->limit);
    api_json_key(w, "limit_clamped");
    api_json_bool(w, api_param(l->req->params, "limit")->is_clamped);
    api_meta_window(w, &l->at.window);
    return OK;
}

void api_list_end(struct api_list *l)
{
    api_json_close(&l->json, '}');
    api_json_close(&l->json, '}');
}
