#include "service/reply.h"

#include <microhttpd.h>

#include "core/mem.h"

static bool reply_put(struct MHD_Response *response, const char *name, const char *value)
{
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

static bool reply_put_headers(struct MHD_Response *response, const struct service_request *r, bool closes)
{
    const struct api_reply *reply = &r->reply;
    bool ok = reply_put(response, "X-Content-Type-Options", "nosniff");
    if (r->api.request_id.len > 0)
        ok = ok && reply_put(response, "X-Request-Id", r->id);
    if (reply->content_type != NULL)
        ok = ok && reply_put(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
    if (closes)
        ok = ok && reply_put(response, MHD_HTTP_HEADER_CONNECTION, "close");
    for (size_t i = 0; ok && i < reply->n_headers; i++) {
        const struct str value = arena_copy(r->api.arena, reply->headers[i].value);
        ok = value.ptr != NULL && reply_put(response, reply->headers[i].name, value.ptr);
    }
    return ok;
}

struct MHD_Response *service_reply_build(struct service_request *r, bool closes)
{
    struct buf *body = &r->reply.body;
    r->n_reply_bytes = body->len;
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback_cls(body->len, body->data, mem_free, body->data);
    if (response == NULL)
        return NULL;
    buf_init(body, body->max); /* MHD frees what was in it; the request's share still pays */
    if (reply_put_headers(response, r, closes))
        return response;
    MHD_destroy_response(response);
    return NULL;
}
