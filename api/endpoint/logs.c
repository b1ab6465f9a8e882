#include "api/endpoint/handlers.h"
#include "api/json/items.h"
#include "api/request/list.h"

static const char *const orders[] = {"desc", "asc", NULL};
enum { ORDER_OLDEST_FIRST = 1 };

const struct api_param_spec api_logs_params[] = {
    {.name = "q", .type = API_PARAM_TEXT},
    {.name = "contains", .type = API_PARAM_TEXT},
    {.name = "regex", .type = API_PARAM_TEXT},
    {.name = "trace_id", .type = API_PARAM_TRACE_ID},
    {.name = "span_id", .type = API_PARAM_SPAN_ID},
    {.name = "level", .type = API_PARAM_LEVEL},
    {.name = "service", .type = API_PARAM_TEXT},
    {.name = "order", .type = API_PARAM_ENUM, .values = orders},
    API_PARAMS_WINDOW,
    API_PARAMS_PAGE(100, 1000),
    {0},
};

static enum err put_log(void *arg, const struct db_log_row *row)
{
    struct api_list *l = arg;
    if (!api_list_take(l))
        return OK;
    api_put_log(&l->json, row);
    return api_list_mark(l, row->key.time_ns, row->key.log_id);
}

static struct str id_of(const struct api_value *v, size_t n_bytes)
{
    return v->is_given ? (struct str){(const char *)v->id, n_bytes} : (struct str){NULL, 0};
}

static struct db_search_logs_params params_of(const struct api_params *p, const struct api_list *l)
{
    return (struct db_search_logs_params){
        .window = l->at.window.range,
        .query = api_param(p, "q")->text,
        .contains = api_param(p, "contains")->text,
        .regex = api_param(p, "regex")->text,
        .trace_id = id_of(api_param(p, "trace_id"), DB_TRACE_ID_BYTES),
        .span_id = id_of(api_param(p, "span_id"), DB_SPAN_ID_BYTES),
        .service = api_param(p, "service")->text,
        .min_severity = api_param(p, "level")->number,
        .oldest_first = api_param(p, "order")->number == ORDER_OLDEST_FIRST,
        .limit = l->limit + 1,
    };
}

/* A search that spent its budget goes on where it stopped, even when it found nothing. */
static void resume_after(struct api_list *l, const struct db_search_logs_end *end)
{
    if (l->has_more || !end->budget_spent)
        return;
    l->has_more = true;
    l->last = (struct api_cursor){l->at.window, end->resume.time_ns, end->resume.log_id};
}

enum err api_search_logs(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    /* A trace's records are few and found by index, so that its age does not matter. */
    const bool is_of_trace = api_param(req->params, "trace_id")->is_given;
    struct api_list l;
    TRY(api_list_begin(&l, req, reply, is_of_trace ? API_WINDOW_ALL : API_WINDOW_DAY, e));
    const struct db_search_logs_key after = {l.at.number, l.at.key};
    struct db_search_logs_params params = params_of(req->params, &l);
    params.after = l.has_cursor ? &after : NULL;
    struct db_search_logs_end end = {0};
    TRY(db_search_logs(req->db, &req->wait, req->arena, &params, put_log, &l, &end, e));
    resume_after(&l, &end);
    TRY(api_list_meta(&l, e));
    api_put_bool(&l.json, "budget_spent", end.budget_spent);
    api_put_i64(&l.json, "budget_records", DB_SEARCH_LOGS_BUDGET);
    api_list_end(&l);
    return OK;
}
