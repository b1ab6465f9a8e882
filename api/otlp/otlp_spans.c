/* Rows for spans. */
#include <stddef.h>

#include "api/otlp/otlp_state.h"

void api_otlp_span_begin(struct api_otlp_state *o)
{
    struct api_otlp_span_place *const s = &o->span;
    memset(s, 0, offsetof(struct api_otlp_span_place, attributes));
    s->name = s->trace_state = s->status_message = STR("");
    api_otlp_clear(&s->attributes);
    buf_clear(&s->events);
    buf_clear(&s->links);
}

static const char *span_fault(struct api_otlp_state *o)
{
    const struct api_otlp_span_place *const s = &o->span;
    if (!api_otlp_id_is_good(&s->trace_id, DB_TRACE_ID_BYTES))
        return "a span's trace id must be 16 bytes (32 hex digits in JSON), not all zero";
    if (!api_otlp_id_is_good(&s->span_id, DB_SPAN_ID_BYTES))
        return "a span's span id must be 8 bytes (16 hex digits in JSON), not all zero";
    if (s->parent_span_id.n != 0 && s->parent_span_id.n != DB_SPAN_ID_BYTES)
        return "a span's parent span id must be 8 bytes (16 hex digits in JSON), or empty";
    if (s->attributes.too_deep || s->too_deep)
        return "a span's attribute is nested deeper than 64 levels";
    if (s->end > INT64_MAX || (int64_t)s->end > o->in->now_ns + API_OTLP_AHEAD_MAX_NS)
        return "a span's end is more than a day in the future: check the unit (nanoseconds) and the sender's clock";
    return api_otlp_time_fault(o, s->start);
}

static void fill_ids(struct db_span *row, const struct api_otlp_span_place *s)
{
    memcpy(row->trace_id, s->trace_id.bytes, sizeof row->trace_id);
    memcpy(row->span_id, s->span_id.bytes, sizeof row->span_id);
    row->has_parent = s->parent_span_id.n != 0 && !api_otlp_id_is_zero(&s->parent_span_id);
    if (row->has_parent)
        memcpy(row->parent_span_id, s->parent_span_id.bytes, sizeof row->parent_span_id);
}

static uint32_t add_counts(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static void fill_numbers(struct db_span *row, const struct api_otlp_span_place *s)
{
    row->kind = (uint8_t)s->kind;
    row->status = (uint8_t)s->status;
    row->flags = s->flags;
    row->n_dropped_attributes = s->n_dropped_attributes;
    row->n_dropped_events = s->n_dropped_events;
    row->n_dropped_links = add_counts(s->n_dropped_links, s->n_bad_links);
    row->start_ns = (int64_t)s->start;
    row->end_ns = (int64_t)(s->end < s->start ? s->start : s->end);
}

static void fill_texts(struct api_otlp_state *o, struct db_span *row, const struct api_otlp_span_place *s)
{
    row->name = s->name;
    row->status_message = s->status_message;
    row->trace_state = s->trace_state;
    row->attributes = api_otlp_keep_in(o, &s->attributes.text, '{', '}');
    if (s->events.len > 0)
        row->events = api_otlp_keep_in(o, &s->events, '[', ']');
    if (s->links.len > 0)
        row->links = api_otlp_keep_in(o, &s->links, '[', ']');
    row->raw = s->raw;
}

void api_otlp_span_end(struct api_otlp_state *o)
{
    const struct api_otlp_span_place *const s = &o->span;
    const char *const fault = span_fault(o);
    if (fault != NULL) {
        api_otlp_reject(o, 1, fault);
        return;
    }
    struct db_span *const row = db_batch_add_span(o->out);
    if (row == NULL) {
        api_otlp_full(o);
        return;
    }
    row->resource = (uint32_t)o->at_resource.resource;
    row->scope = (uint32_t)o->at_scope.scope;
    fill_ids(row, s);
    fill_numbers(row, s);
    fill_texts(o, row, s);
}

void api_otlp_event_begin(struct api_otlp_state *o)
{
    struct api_otlp_event_place *const v = &o->event;
    v->time = 0;
    v->name = STR("");
    v->n_dropped = 0;
    api_otlp_clear(&v->attributes);
}

void api_otlp_event_end(struct api_otlp_state *o)
{
    const struct api_otlp_event_place *const v = &o->event;
    struct buf *const b = &o->span.events;
    api_otlp_comma(b);
    BUF_LITERAL(b, "{\"time_unix_nano\":\"");
    buf_put_i64(b, api_otlp_i64(v->time));
    BUF_LITERAL(b, "\",\"name\":");
    api_otlp_put_text(b, v->name);
    api_otlp_put_attributes(b, STR("attributes"), &v->attributes);
    BUF_LITERAL(b, ",\"dropped_attributes_count\":");
    buf_put_u64(b, v->n_dropped);
    buf_putc(b, '}');
    o->span.too_deep |= v->attributes.too_deep;
}

void api_otlp_link_begin(struct api_otlp_state *o)
{
    struct api_otlp_link_place *const l = &o->link;
    memset(l, 0, offsetof(struct api_otlp_link_place, attributes));
    l->trace_state = STR("");
    api_otlp_clear(&l->attributes);
}

void api_otlp_link_end(struct api_otlp_state *o)
{
    const struct api_otlp_link_place *const l = &o->link;
    struct buf *const b = &o->span.links;
    if (!api_otlp_id_is_good(&l->trace_id, DB_TRACE_ID_BYTES) || !api_otlp_id_is_good(&l->span_id, DB_SPAN_ID_BYTES)) {
        o->span.n_bad_links++;
        api_otlp_reject(o, 0, "a span's link was dropped: its trace id must be 16 bytes and its span id 8, neither all zero");
        return;
    }
    api_otlp_comma(b);
    buf_putc(b, '{');
    api_otlp_put_id(b, STR("trace_id"), &l->trace_id, DB_TRACE_ID_BYTES);
    api_otlp_put_id(b, STR("span_id"), &l->span_id, DB_SPAN_ID_BYTES);
    BUF_LITERAL(b, ",\"trace_state\":");
    api_otlp_put_text(b, l->trace_state);
    api_otlp_put_attributes(b, STR("attributes"), &l->attributes);
    BUF_LITERAL(b, ",\"dropped_attributes_count\":");
    buf_put_u64(b, l->n_dropped);
    BUF_LITERAL(b, ",\"flags\":");
    buf_put_u64(b, l->flags);
    buf_putc(b, '}');
    o->span.too_deep |= l->attributes.too_deep;
}
