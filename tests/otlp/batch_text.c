#include "batch_text.h"

#include <math.h>

#include "core/hex.h"

static void put_text(struct buf *b, const char *key, struct str value)
{
    buf_printf(b, " %s=", key);
    buf_puts(b, value.ptr == NULL ? STR("(absent)") : value);
}

static void put_int(struct buf *b, const char *key, int64_t value)
{
    buf_printf(b, " %s=%lld", key, (long long)value);
}

static void put_id(struct buf *b, const char *key, const uint8_t *bytes, size_t n)
{
    buf_printf(b, " %s=", key);
    hex_put(b, bytes, n);
}

/* The sign of what is no number is nothing. */
static void put_number(struct buf *b, const char *key, bool has, double value)
{
    buf_printf(b, has ? " %s=%.17g" : " %s=(none)", key, isnan(value) ? (double)NAN : value);
}

static void put_resource(struct buf *b, const struct db_resource *r)
{
    BUF_LITERAL(b, "resource");
    put_int(b, "id", r->resource_id);
    put_text(b, "service", r->service);
    put_text(b, "attributes", r->attributes);
    put_text(b, "schema_url", r->schema_url);
    put_int(b, "dropped", r->n_dropped_attributes);
    buf_putc(b, '\n');
}

static void put_scope(struct buf *b, const struct db_scope *s)
{
    BUF_LITERAL(b, "scope");
    put_int(b, "id", s->scope_id);
    put_text(b, "name", s->name);
    put_text(b, "version", s->version);
    put_text(b, "attributes", s->attributes);
    put_text(b, "schema_url", s->schema_url);
    put_int(b, "dropped", s->n_dropped_attributes);
    buf_putc(b, '\n');
}

static void put_metric(struct buf *b, const struct db_metric *m)
{
    BUF_LITERAL(b, "metric");
    put_int(b, "id", m->metric_id);
    put_text(b, "name", m->name);
    put_text(b, "unit", m->unit);
    put_text(b, "description", m->description);
    put_int(b, "kind", m->kind);
    put_int(b, "temporality", m->temporality);
    put_int(b, "monotonic", m->is_monotonic);
    put_text(b, "metadata", m->metadata);
    buf_putc(b, '\n');
}

static void put_span(struct buf *b, const struct db_span *s)
{
    BUF_LITERAL(b, "span");
    put_id(b, "trace", s->trace_id, sizeof s->trace_id);
    put_id(b, "span", s->span_id, sizeof s->span_id);
    put_id(b, "parent", s->parent_span_id, s->has_parent ? sizeof s->parent_span_id : 0);
    put_text(b, "name", s->name);
    put_int(b, "kind", s->kind);
    put_int(b, "status", s->status);
    put_text(b, "message", s->status_message);
    put_text(b, "state", s->trace_state);
    put_int(b, "flags", s->flags);
    put_int(b, "dropped", s->n_dropped_attributes);
    put_int(b, "dropped_events", s->n_dropped_events);
    put_int(b, "dropped_links", s->n_dropped_links);
    put_int(b, "start", s->start_ns);
    put_int(b, "end", s->end_ns);
    put_int(b, "resource", s->resource);
    put_int(b, "scope", s->scope);
    put_text(b, "attributes", s->attributes);
    put_text(b, "events", s->events);
    put_text(b, "links", s->links);
    buf_putc(b, '\n');
}

static void put_log(struct buf *b, const struct db_log *l)
{
    BUF_LITERAL(b, "log");
    put_id(b, "id", l->log_id, sizeof l->log_id);
    put_id(b, "trace", l->trace_id, l->has_trace ? sizeof l->trace_id : 0);
    put_id(b, "span", l->span_id, l->has_span ? sizeof l->span_id : 0);
    put_int(b, "time", l->time_ns);
    put_int(b, "observed", l->observed_ns);
    put_int(b, "severity", l->severity);
    put_text(b, "severity_text", l->severity_text);
    put_text(b, "event", l->event_name);
    put_int(b, "flags", l->flags);
    put_int(b, "dropped", l->n_dropped_attributes);
    put_int(b, "resource", l->resource);
    put_int(b, "scope", l->scope);
    put_text(b, "body", l->body);
    put_text(b, "body_json", l->body_json);
    put_text(b, "attributes", l->attributes);
    buf_putc(b, '\n');
}

static void put_point(struct buf *b, const struct db_point *p)
{
    BUF_LITERAL(b, "point");
    put_id(b, "id", p->point_id, sizeof p->point_id);
    put_int(b, "time", p->time_ns);
    put_int(b, "start", p->start_ns);
    put_int(b, "metric", p->metric);
    put_int(b, "resource", p->resource);
    put_int(b, "scope", p->scope);
    put_int(b, "flags", p->flags);
    put_number(b, "value", p->has_value, p->value);
    put_int(b, "int", p->value_is_int ? p->value_int : 0);
    put_number(b, "count", p->has_count, (double)p->count);
    put_number(b, "sum", p->has_sum, p->sum);
    put_number(b, "min", p->has_min, p->min);
    put_number(b, "max", p->has_max, p->max);
    put_text(b, "attributes", p->attributes);
    put_text(b, "detail", p->detail);
    put_text(b, "exemplars", p->exemplars);
    for (size_t i = 0; i < p->n_trace_ids; i++)
        put_id(b, "of", (const uint8_t *)p->trace_ids[i].ptr, p->trace_ids[i].len);
    buf_putc(b, '\n');
}

void tests_otlp_put_batch(struct buf *out, const struct db_batch *b)
{
    for (size_t i = 0; i < b->resources.n; i++)
        put_resource(out, &b->resources.items[i]);
    for (size_t i = 0; i < b->scopes.n; i++)
        put_scope(out, &b->scopes.items[i]);
    for (size_t i = 0; i < b->metrics.n; i++)
        put_metric(out, &b->metrics.items[i]);
    for (size_t i = 0; i < b->spans.n; i++)
        put_span(out, &b->spans.items[i]);
    for (size_t i = 0; i < b->logs.n; i++)
        put_log(out, &b->logs.items[i]);
    for (size_t i = 0; i < b->points.n; i++)
        put_point(out, &b->points.items[i]);
    buf_putc(out, '\0');
}
