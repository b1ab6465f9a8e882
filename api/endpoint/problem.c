#include "api/endpoint/problem.h"

#include <stdio.h>

#include "api/json/jsonwrite.h"
#include "api/otlp/otlp.h"
#include "api/request/route.h"
#include "api/request/status.h"
#include "core/utf8.h"

enum { HTTP_UNAUTHORIZED = 401, HTTP_FORBIDDEN = 403, TYPE_MAX = 64 };

/* The bounds of struct err_info may have cut a character in two. */
static struct str clean(const struct api_req *req, const char *text)
{
    const struct str repaired = utf8_repair(req->arena, str_of(text));
    return repaired.ptr == NULL ? STR("out of memory") : repaired;
}

static void write_problem(const struct api_req *req, struct buf *out, const struct err_info *e, struct api_status status)
{
    struct api_json w;
    char type[TYPE_MAX];
    (void)snprintf(type, sizeof type, "urn:tracekin:problem:%s", err_name(e->code));
    api_json_init(&w, out);
    api_json_open(&w, '{');
    api_json_key(&w, "type");
    api_json_cstr(&w, type);
    api_json_key(&w, "title");
    api_json_cstr(&w, status.title);
    api_json_key(&w, "status");
    api_json_i64(&w, status.code);
    api_json_key(&w, "detail");
    api_json_str(&w, clean(req, e->message));
    if (e->parameter[0] != '\0') {
        api_json_key(&w, "parameter");
        api_json_str(&w, clean(req, e->parameter));
    }
    if (req->request_id.ptr != NULL) {
        api_json_key(&w, "request_id");
        api_json_str(&w, req->request_id);
    }
    api_json_close(&w, '}');
}

/* RFC 6750 section 3: which scope is needed, and what is wrong with the key that was sent, if one was. */
static void add_challenge(const struct api_req *req, struct api_reply *reply, const struct err_info *e)
{
    const bool has_key = e->parameter[0] != '\0';
    if (reply->status != HTTP_UNAUTHORIZED && !(reply->status == HTTP_FORBIDDEN && has_key))
        return;
    const char *const error = !has_key                               ? ""
                              : reply->status == HTTP_UNAUTHORIZED ? ", error=\"invalid_token\""
                                                                   : ", error=\"insufficient_scope\"";
    const struct str challenge = arena_printf(req->arena, "Bearer realm=\"tracekin\"%s, scope=\"%s\"", error,
                                              api_scope_name(req->route == NULL ? API_SCOPE_NONE : req->route->scope));
    (void)api_reply_header(reply, "WWW-Authenticate", challenge.ptr == NULL ? STR("Bearer") : challenge);
}

static void reply_problem(const struct api_req *req, struct api_reply *reply, const struct err_info *e, struct api_status status)
{
    reply->content_type = "application/problem+json";
    if (status.retry_after != NULL)
        (void)api_reply_header(reply, "Retry-After", str_of(status.retry_after));
    write_problem(req, &reply->body, e, status);
}

/* A document that there is no memory for is left out: half of one would be worse, and the status says what matters. */
void api_reply_error(const struct api_req *req, struct api_reply *reply, const struct err_info *e)
{
    const struct api_status status = api_status_of_error(e);
    buf_clear(&reply->body);
    reply->status = status.code;
    add_challenge(req, reply, e);
    if (req->route != NULL && req->route->dialect == API_DIALECT_OTLP)
        api_otlp_reply_error(req, reply, e);
    else
        reply_problem(req, reply, e, status);
    if (buf_is_ok(&reply->body))
        return;
    buf_close(&reply->body);
    reply->content_type = NULL;
}
