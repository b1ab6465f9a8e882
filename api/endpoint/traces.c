#include "api/endpoint/handlers.h"
#include "api/json/items.h"
#include "api/request/list.h"
#include "db/question/list_traces.h"

static const char *const statuses[] = {"unset", "ok", "error", NULL};
static const char *const sorts[] = {"time", "duration", NULL};
enum { SORT_BY_DURATION = 1 };

const struct api_param_spec api_traces_params[] = {
    {.name = "service", .type = API_PARAM_TEXT},
    {.name = "operation", .type = API_PARAM_TEXT},
    {.name = "status", .type = API_PARAM_ENUM, .values = statuses},
    {.name = "min_duration", .type = API_PARAM_DURATION},
    {.name = "max_duration", .type = API_PARAM_DURATION},
    {.name = "attr", .type = API_PARAM_ATTR},
    {.name = "sort", .type = API_PARAM_ENUM, .values = sorts},
    API_PARAMS_WINDOW,
    API_PARAMS_PAGE(50, 1000),
    {0},
};

struct listing {
    struct api_list list;
    bool by_duration;
};

static enum err put_trace(void *arg, const struct db_summary *row)
{
    struct listing *t = arg;
    if (!api_list_take(&t->list))
        return OK;
    api_json_open(&t->list.json, '{');
    api_put_summary(&t->list.json, row);
    api_json_close(&t->list.json, '}');
    return api_list_mark(&t->list, t->by_duration ? row->end_ns - row->start_ns : row->start_ns, row->trace_id);
}

static enum err check_durations(const struct api_params *p, struct err_info *e)
{
    const struct api_value *least = api_param(p, "min_duration"), *most = api_param(p, "max_duration");
    if (least->is_given && most->is_given && least->number > most->number)
        return ERR_PARAM(e, "min_duration", "min_duration must not be longer than max_duration");
    return OK;
}

enum err api_list_traces(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    const struct api_params *p = req->params;
    TRY(check_durations(p, e));
    struct listing t = {.by_duration = api_param(p, "sort")->number == SORT_BY_DURATION};
    TRY(api_list_begin(&t.list, req, reply, API_WINDOW_DAY, e));
    const struct api_value *longest = api_param(p, "max_duration");
    const struct db_list_traces_key after = {t.list.at.number, t.list.at.key};
    const struct db_list_traces_params params = {
        .window = t.list.at.window.range,
        .service = api_param(p, "service")->text,
        .operation = api_param(p, "operation")->text,
        .status = api_param(p, "status")->text,
        .min_duration_ns = api_param(p, "min_duration")->number,
        .max_duration_ns = longest->is_given ? longest->number : INT64_MAX,
        .attrs = {p->attr_keys, p->attr_values, p->n_attrs},
        .by_duration = t.by_duration,
        .after = t.list.has_cursor ? &after : NULL,
        .limit = t.list.limit + 1,
    };
    TRY(db_list_traces(req->db, &req->wait, req->arena, &params, put_trace, &t, e));
    TRY(api_list_meta(&t.list, e));
    api_list_end(&t.list);
    return OK;
}
