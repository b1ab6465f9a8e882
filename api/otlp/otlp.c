#include "api/otlp/otlp.h"

#include <stdio.h>

#include "api/otlp/otlp_state.h"

/* A message's text in JSON may outgrow the message: an escape has six bytes. */
enum { TEXT_MAX_BYTES = 128 << 20 };

/* Every place for text of the state. */
static const size_t buf_offsets[] = {
#define PLACE(place) offsetof(struct api_otlp_state, place)
    PLACE(resource.attributes.text), PLACE(scope.attributes.text), PLACE(span.attributes.text), PLACE(span.events),
    PLACE(span.links), PLACE(event.attributes.text), PLACE(link.attributes.text), PLACE(log.body.json),
    PLACE(log.attributes.text), PLACE(metric.metadata.text), PLACE(point.attributes.text), PLACE(point.counts),
    PLACE(point.bounds), PLACE(point.quantiles), PLACE(point.exemplars), PLACE(point.trace_ids),
    PLACE(point.positive.counts), PLACE(point.negative.counts), PLACE(exemplar.attributes.text), PLACE(scratch),
#undef PLACE
};

static struct buf *buf_at(struct api_otlp_state *o, size_t i)
{
    return (struct buf *)(void *)((char *)o + buf_offsets[i]);
}

static void state_init(struct api_otlp_state *o)
{
    for (size_t i = 0; i < ARRAY_LEN(buf_offsets); i++)
        buf_init_share(buf_at(o, i), TEXT_MAX_BYTES, o->arena->share);
}

static void state_close(struct api_otlp_state *o)
{
    for (size_t i = 0; i < ARRAY_LEN(buf_offsets); i++)
        buf_close(buf_at(o, i));
}

void api_otlp_fail(struct api_otlp_state *o, enum err code, const char *why)
{
    if (o->code != OK)
        return;
    o->code = ERR_SET(o->e, code, "%s", why);
    (void)api_jsonread_fail(&o->json, why);
}

void api_otlp_full(struct api_otlp_state *o)
{
    /* Blocks double until then, so a bound that stands in the way is less than this far. */
    if (o->arena->used_bytes >= o->arena->max_bytes / 4)
        api_otlp_fail(o, ERR_TOO_LARGE, "the request has more items than can be handled at once: send fewer at a time");
    else
        api_otlp_fail(o, ERR_NOMEM, "out of memory");
}

void api_otlp_reject(struct api_otlp_state *o, int64_t n_items, const char *why)
{
    struct api_otlp_rejects *const r = o->rejects;
    r->n_items += n_items;
    if (strstr(r->reasons, why) != NULL)
        return;
    const size_t len = strlen(r->reasons);
    if (len + strlen(why) + sizeof "; " <= sizeof r->reasons)
        (void)snprintf(r->reasons + len, sizeof r->reasons - len, "%s%s", len == 0 ? "" : "; ", why);
}

static void decode(struct api_otlp_state *o)
{
    const struct str body = o->in->body.ptr == NULL ? STR("") : o->in->body;
    if (o->in->encoding == DB_ENCODING_JSON)
        api_otlp_read_json(o, body);
    else
        api_otlp_read_proto(o, body);
    if (o->code != OK)
        return;
    api_otlp_logs_finish(o);
    api_otlp_points_finish(o);
}

enum err api_otlp_decode(const struct api_otlp_input *in, struct arena *arena, struct db_batch *out,
                         struct api_otlp_rejects *rejects, struct err_info *e)
{
    struct api_otlp_state o = {.in = in, .arena = arena, .out = out, .rejects = rejects, .e = e, .message = "the request"};
    db_batch_init(out, arena, in->signal, in->encoding);
    *rejects = (struct api_otlp_rejects){0};
    state_init(&o);
    decode(&o);
    state_close(&o);
    return o.code;
}
