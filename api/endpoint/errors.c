#include "api/endpoint/handlers.h"
#include "api/json/items.h"
#include "api/request/list.h"
#include "db/question/get_traces_by_error.h"

const struct api_param_spec api_errors_params[] = {
    {.name = "pattern", .type = API_PARAM_PATTERN},
    {.name = "q", .type = API_PARAM_TEXT},
    {.name = "service", .type = API_PARAM_TEXT},
    {.name = "operation", .type = API_PARAM_TEXT},
    {.name = "type", .type = API_PARAM_TEXT},
    API_PARAMS_WINDOW,
    API_PARAMS_PAGE(50, 1000),
    {0},
};

static enum err put_error(void *arg, const struct db_get_traces_by_error_row *row)
{
    struct api_list *l = arg;
    struct api_json *w = &l->json;
    if (!api_list_take(l))
        return OK;
    api_json_open(w, '{');
    api_put_id(w, "trace_id", row->trace_id);
    api_put_id(w, "span_id", row->span_id);
    api_put_str(w, "service", row->service);
    api_put_str(w, "name", row->name);
    api_put_str(w, "type", row->type);
    api_put_str(w, "message", row->message);
    api_put_str(w, "source", row->source);
    api_put_time(w, "start_time", row->key.start_ns);
    api_json_key(w, "duration_ms");
    if (row->has_duration)
        api_json_f64(w, row->duration_ms);
    else
        api_json_null(w);
    api_json_close(w, '}');
    return api_list_mark(l, row->key.start_ns, row->key.error_id);
}

enum err api_get_traces_by_error(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    const struct api_params *p = req->params;
    struct api_list l;
    TRY(api_list_begin(&l, req, reply, API_WINDOW_DAY, e));
    const struct db_get_traces_by_error_key after = {l.at.number, l.at.key};
    const struct db_get_traces_by_error_params params = {
        .window = l.at.window.range,
        .pattern = api_param(p, "pattern")->text,
        .text = api_param(p, "q")->text,
        .service = api_param(p, "service")->text,
        .operation = api_param(p, "operation")->text,
        .type = api_param(p, "type")->text,
        .after = l.has_cursor ? &after : NULL,
        .limit = l.limit + 1,
    };
    TRY(db_get_traces_by_error(req->db, &req->wait, req->arena, &params, put_error, &l, e));
    TRY(api_list_meta(&l, e));
    api_list_end(&l);
    return OK;
}
