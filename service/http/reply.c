#include "service/http/reply.h"

#include <microhttpd.h>

#include "core/mem.h"
#include "service/http/cors.h"

/* Of every reply: none of them is a page, and none is for a cache to keep. */
static const struct {
    const char *name, *value;
} always[] = {
    {"X-Content-Type-Options", "nosniff"},
    {MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    {"Referrer-Policy", "no-referrer"},
};

static bool reply_put(struct MHD_Response *response, const char *name, const char *value)
{
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

/* A value that need not end with a NUL. */
static bool reply_put_str(struct MHD_Response *response, const struct service_request *r, const char *name, struct str value)
{
    const struct str copy = arena_copy(r->api.arena, value);
    return copy.ptr != NULL && reply_put(response, name, copy.ptr);
}

static bool reply_put_cors(struct MHD_Response *response, const struct service_request *r, struct str origins)
{
    struct service_cors_header headers[SERVICE_CORS_HEADERS_MAX];
    const struct service_cors_request request = {
        .origin = r->head.origin,
        .is_preflight = str_equal(r->api.method, STR("OPTIONS")) && r->head.preflight_method.ptr != NULL,
        .methods = r->allow,
    };
    const size_t n = service_cors_headers(origins, &request, headers);
    for (size_t i = 0; i < n; i++)
        if (!reply_put_str(response, r, headers[i].name, headers[i].value))
            return false;
    return true;
}

static bool reply_put_headers(struct MHD_Response *response, const struct service_request *r, bool closes)
{
    const struct api_reply *reply = &r->reply;
    bool ok = true;
    for (size_t i = 0; ok && i < ARRAY_LEN(always); i++)
        ok = reply_put(response, always[i].name, always[i].value);
    if (r->api.request_id.len > 0)
        ok = ok && reply_put(response, "X-Request-Id", r->id);
    if (reply->content_type != NULL)
        ok = ok && reply_put(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
    if (closes)
        ok = ok && reply_put(response, MHD_HTTP_HEADER_CONNECTION, "close");
    for (size_t i = 0; ok && i < reply->n_headers; i++)
        ok = reply_put_str(response, r, reply->headers[i].name, reply->headers[i].value);
    return ok;
}

struct MHD_Response *service_reply_build(struct service_request *r, struct str origins, bool closes)
{
    struct buf *body = &r->reply.body;
    r->n_reply_bytes = body->len;
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback_cls(body->len, body->data, mem_free, body->data);
    if (response == NULL)
        return NULL;
    buf_init(body, body->max); /* MHD frees what was in it; the request's share still pays */
    if (reply_put_headers(response, r, closes) && reply_put_cors(response, r, origins))
        return response;
    MHD_destroy_response(response);
    return NULL;
}
