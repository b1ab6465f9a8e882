#include "api/endpoint/handlers.h"
#include "api/json/items.h"
#include "api/request/list.h"
#include "db/question/list_operations.h"
#include "db/question/list_services.h"

const struct api_param_spec api_services_params[] = {
    API_PARAMS_WINDOW, API_PARAMS_PAGE(100, 1000), {0},
};

static enum err put_service(void *arg, const struct db_list_services_row *row)
{
    struct api_list *l = arg;
    if (!api_list_take(l))
        return OK;
    api_json_open(&l->json, '{');
    api_put_str(&l->json, "name", row->name);
    api_put_time(&l->json, "last_seen", row->last_seen_ns);
    api_json_close(&l->json, '}');
    return api_list_mark(l, 0, row->name);
}

enum err api_list_services(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    struct api_list l;
    TRY(api_list_begin(&l, req, reply, API_WINDOW_ALL, e));
    const struct db_list_services_params params = {
        .window = l.at.window.range,
        .after = l.has_cursor ? l.at.key : (struct str){NULL, 0},
        .limit = l.limit + 1,
    };
    TRY(db_list_services(req->db, &req->wait, req->arena, &params, put_service, &l, e));
    TRY(api_list_meta(&l, e));
    api_list_end(&l);
    return OK;
}

static enum err put_operation(void *arg, const struct db_list_operations_row *row)
{
    struct api_list *l = arg;
    if (!api_list_take(l))
        return OK;
    api_json_open(&l->json, '{');
    api_put_str(&l->json, "name", row->key.name);
    api_put_str(&l->json, "kind", str_of(api_kind_name(row->key.kind)));
    api_put_time(&l->json, "last_seen", row->last_seen_ns);
    api_json_close(&l->json, '}');
    return api_list_mark(l, row->key.kind, row->key.name);
}

enum err api_list_operations(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    struct api_list l;
    TRY(api_list_begin(&l, req, reply, API_WINDOW_ALL, e));
    const struct db_list_operations_key after = {l.at.key, l.at.number};
    const struct db_list_operations_params params = {
        .service = req->path_args[0],
        .window = l.at.window.range,
        .after = l.has_cursor ? &after : NULL,
        .limit = l.limit + 1,
    };
    TRY(db_list_operations(req->db, &req->wait, req->arena, &params, put_operation, &l, e));
    TRY(api_list_meta(&l, e));
    api_list_end(&l);
    return OK;
}
