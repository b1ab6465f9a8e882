#include "service/body.h"

#include "service/traffic.h"

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
    (void)ERR_SET(&r->refusal, ERR_BUSY, "too many request bodies are in memory; send it again in a moment");
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

/* Takes n bytes of what all bodies may have; false when there is not so much left. */
static bool bodies_take(struct service_bodies *bodies, size_t n)
{
    service_traffic_body_memory((int64_t)n);
    return atomic_fetch_add(&bodies->n_bytes, n) + n <= bodies->max_bytes;
}

static void bodies_give(struct service_bodies *bodies, size_t n)
{
    atomic_fetch_sub(&bodies->n_bytes, n);
    service_traffic_body_memory(-(int64_t)n);
}

static void body_keep(struct service_bodies *bodies, struct service_request *r, struct str piece)
{
    const bool has_room = bodies_take(bodies, piece.len);
    if (has_room)
        buf_puts(&r->body, piece);
    if (has_room && buf_is_ok(&r->body))
        return;
    bodies_give(bodies, piece.len);
    body_refuse_memory(r);
}

bool service_body_take(struct service_bodies *bodies, struct service_request *r, struct str piece)
{
    r->n_body_bytes += piece.len;
    if (r->n_body_bytes > r->api.world->body_max_bytes)
        body_refuse_size(r);
    if (r->refusal.code == OK)
        body_keep(bodies, r, piece);
    if (r->refusal.code != OK)
        service_body_drop(bodies, r);
    return !service_body_is_endless(r, r->n_body_bytes);
}

void service_body_drop(struct service_bodies *bodies, struct service_request *r)
{
    if (r->body.len > 0)
        bodies_give(bodies, r->body.len);
    buf_close(&r->body);
}
