#include "api/endpoint/handlers.h"
#include "api/json/jsonwrite.h"

enum { HTTP_SERVICE_UNAVAILABLE = 503 };

enum err api_healthz(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    (void)req;
    (void)e;
    struct api_json w;
    api_json_init(&w, &reply->body);
    api_json_open(&w, '{');
    api_json_key(&w, "status");
    api_json_cstr(&w, "ok");
    api_json_key(&w, "version");
    api_json_cstr(&w, TRACEKIN_VERSION);
    api_json_close(&w, '}');
    return OK;
}

/* Writes each check; returns whether all are well. */
static bool write_checks(const struct api_world *world, struct api_json *w)
{
    bool is_ready = true;
    const char *name, *why;
    bool is_ok;
    for (size_t i = 0; world->ready_check(world->ready_arg, i, &name, &is_ok, &why); i++) {
        is_ready = is_ready && is_ok;
        api_json_open(w, '{');
        api_json_key(w, "name");
        api_json_cstr(w, name);
        api_json_key(w, "ok");
        api_json_bool(w, is_ok);
        api_json_key(w, "why");
        api_json_cstr(w, is_ok ? NULL : why);
        api_json_close(w, '}');
    }
    return is_ready;
}

enum err api_readyz(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    (void)e;
    struct api_json w;
    api_json_init(&w, &reply->body);
    api_json_open(&w, '{');
    api_json_key(&w, "checks");
    api_json_open(&w, '[');
    const bool is_ready = write_checks(req->world, &w);
    api_json_close(&w, ']');
    api_json_key(&w, "status");
    api_json_cstr(&w, is_ready ? "ready" : "not ready");
    api_json_close(&w, '}');
    if (!is_ready)
        reply->status = HTTP_SERVICE_UNAVAILABLE;
    return OK;
}
