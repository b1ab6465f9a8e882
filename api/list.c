#include "api/list.h"

#include "api/params.h"

void api_list_begin(struct api_list *l, const struct api_req *req, struct api_reply *reply)
{
    api_json_init(&l->json, &reply->body);
    l->req = req;
    l->begun_ns = clock_mono_ns();
    api_json_open(&l->json, '{');
    api_json_key(&l->json, "items");
    api_json_open(&l->json, '[');
}

static void write_bound(struct api_json *w, const char *key, int64_t wall_ns)
{
    api_json_key(w, key);
    if (wall_ns == INT64_MIN || wall_ns == INT64_MAX)
        api_json_null(w);
    else
        api_json_time(w, wall_ns);
}

static void write_window(struct api_json *w, const struct api_window *window)
{
    api_json_key(w, "window");
    api_json_open(w, '{');
    write_bound(w, "start", window->start_ns);
    write_bound(w, "end", window->end_ns);
    api_json_key(w, "is_default");
    api_json_bool(w, window->is_default);
    api_json_close(w, '}');
}

static void write_limit(struct api_json *w, const struct api_value *limit)
{
    api_json_key(w, "limit");
    api_json_i64(w, limit->number);
    api_json_key(w, "limit_clamped");
    api_json_bool(w, limit->is_clamped);
}

void api_list_meta(struct api_list *l, struct str next_cursor, const struct api_window *window)
{
    struct api_json *w = &l->json;
    api_json_close(w, ']');
    api_json_key(w, "next_cursor");
    api_json_str(w, next_cursor);
    api_json_key(w, "meta");
    api_json_open(w, '{');
    api_json_key(w, "took_ms");
    api_json_f64(w, (double)((clock_mono_ns() - l->begun_ns) / NS_PER_US) / 1000);
    const struct api_value *limit = api_param_find(l->req->params, "limit");
    if (limit != NULL)
        write_limit(w, limit);
    if (window != NULL)
        write_window(w, window);
}

void api_list_end(struct api_list *l)
{
    api_json_close(&l->json, '}');
    api_json_close(&l->json, '}');
}
