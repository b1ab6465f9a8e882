#include "service/http/body.h"

#include "service/http/traffic.h"

static void body_refuse_size(struct service_request *r)
{
    if (r->refusal.code != OK)
        return;
    service_traffic_rejected(REJECTED_TOO_LARGE);
    (void)ERR_SET(&r->refusal, ERR_TOO_LARGE, "the body is larger than %zu bytes, the limit set by TRACEKIN_BODY_MAX_BYTES",
                  r->api.world->body_max_bytes);
}

static void body_refuse_memory(struct service_request *r)
{
    service_traffic_rejected(REJECTED_MEMORY);
    (void)ERR_SET(&r->refusal, ERR_BUSY, "the memory for requests is in use; send it again in a moment");
}

void service_body_begin(struct service_request *r)
{
    if (service_head_content_length(&r->head) > r->api.world->body_max_bytes)
        body_refuse_size(r);
}

bool service_body_is_endless(const struct service_request *r, uint64_t n_bytes)
{
    return n_bytes / SERVICE_DISCARD_FACTOR > r->api.world->body_max_bytes;
}

bool service_body_take(struct service_request *r, struct str piece)
{
    r->n_body_bytes += piece.len;
    if (r->n_body_bytes > r->api.world->body_max_bytes)
        body_refuse_size(r);
    if (r->refusal.code == OK)
        buf_puts(&r->body, piece);
    if (!buf_is_ok(&r->body))
        body_refuse_memory(r);
    if (r->refusal.code != OK)
        buf_close(&r->body);
    return !service_body_is_endless(r, r->n_body_bytes);
}
