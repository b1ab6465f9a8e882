#include "api/endpoint/handlers.h"
#include "api/json/items.h"
#include "api/request/list.h"
#include "db/question/list_metric_names.h"

const struct api_param_spec api_metric_names_params[] = {
    API_PARAMS_WINDOW, API_PARAMS_PAGE(100, 1000), {0},
};
const struct api_param_spec api_metric_points_params[] = {
    {.name = "name", .type = API_PARAM_TEXT, .is_required = true},
    {.name = "service", .type = API_PARAM_TEXT},
    {.name = "attr", .type = API_PARAM_ATTR},
    API_PARAMS_WINDOW,
    API_PARAMS_PAGE(100, 1000),
    {0},
};

enum { POINT_METRIC_ID_BYTES = 8 };

/* A cursor's key: name, type and unit with a NUL between them, which none of them can hold. */
static enum err mark_name(struct api_list *l, const struct db_list_metric_names_key *key)
{
    static const char separator[1] = {'\0'};
    if (!api_list_is_full(l))
        return OK;
    AUTO(buf) struct buf joined;
    buf_init(&joined, API_CURSOR_KEY_MAX_BYTES);
    buf_puts(&joined, key->name);
    buf_put(&joined, separator, sizeof separator);
    buf_puts(&joined, key->type);
    buf_put(&joined, separator, sizeof separator);
    buf_puts(&joined, key->unit);
    return buf_is_ok(&joined) ? api_list_mark(l, 0, buf_str(&joined)) : ERR_SET_NOMEM(l->e);
}

static struct db_list_metric_names_key name_key(struct str joined)
{
    struct db_list_metric_names_key key;
    key.name = str_split(joined, '\0', &joined);
    key.type = str_split(joined, '\0', &key.unit);
    return key;
}

static enum err put_name(void *arg, const struct db_list_metric_names_row *row)
{
    struct api_list *l = arg;
    if (!api_list_take(l))
        return OK;
    api_json_open(&l->json, '{');
    api_put_str(&l->json, "name", row->key.name);
    api_put_str(&l->json, "type", row->key.type);
    api_put_str(&l->json, "unit", row->key.unit);
    api_put_str(&l->json, "description", row->description);
    api_json_close(&l->json, '}');
    return mark_name(l, &row->key);
}

enum err api_list_metric_names(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    struct api_list l;
    TRY(api_list_begin(&l, req, reply, API_WINDOW_ALL, e));
    const struct db_list_metric_names_key after = name_key(l.at.key);
    const struct db_list_metric_names_params params = {
        .window = l.at.window.range,
        .after = l.has_cursor ? &after : NULL,
        .limit = l.limit + 1,
    };
    TRY(db_list_metric_names(req->db, &req->wait, req->arena, &params, put_name, &l, e));
    TRY(api_list_meta(&l, e));
    api_list_end(&l);
    return OK;
}

/* A cursor's key: the metric's id as 8 bytes in the machine's order, then the point's. */
static enum err mark_point(struct api_list *l, const struct db_query_metrics_key *key)
{
    if (!api_list_is_full(l))
        return OK;
    AUTO(buf) struct buf joined;
    buf_init(&joined, API_CURSOR_KEY_MAX_BYTES);
    buf_put(&joined, &key->metric_id, sizeof key->metric_id);
    buf_puts(&joined, key->point_id);
    return buf_is_ok(&joined) ? api_list_mark(l, key->time_ns, buf_str(&joined)) : ERR_SET_NOMEM(l->e);
}

static struct db_query_metrics_key point_key(const struct api_cursor *at)
{
    struct db_query_metrics_key key = {.time_ns = at->number};
    if (at->key.len < POINT_METRIC_ID_BYTES)
        return key;
    memcpy(&key.metric_id, at->key.ptr, POINT_METRIC_ID_BYTES);
    key.point_id = (struct str){at->key.ptr + POINT_METRIC_ID_BYTES, at->key.len - POINT_METRIC_ID_BYTES};
    return key;
}

static enum err put_point(void *arg, const struct db_point_row *row)
{
    struct api_list *l = arg;
    if (!api_list_take(l))
        return OK;
    api_put_point(&l->json, row);
    return mark_point(l, &row->key);
}

enum err api_query_metrics(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    const struct api_params *p = req->params;
    struct api_list l;
    TRY(api_list_begin(&l, req, reply, API_WINDOW_DAY, e));
    const struct db_query_metrics_key after = point_key(&l.at);
    const struct db_query_metrics_params params = {
        .name = api_param(p, "name")->text,
        .service = api_param(p, "service")->text,
        .attrs = {p->attr_keys, p->attr_values, p->n_attrs},
        .window = l.at.window.range,
        .after = l.has_cursor ? &after : NULL,
        .limit = l.limit + 1,
    };
    TRY(db_query_metrics(req->db, &req->wait, req->arena, &params, put_point, &l, e));
    TRY(api_list_meta(&l, e));
    api_list_end(&l);
    return OK;
}
