#include "api/otlp/span_otlp.h"

#include "api/json/items.h"
#include "api/otlp/anyvalue.h"

static void put_attributes(struct api_json *w, struct str attributes, int64_t n_dropped)
{
    api_json_key(w, "attributes");
    api_put_attributes(w, attributes);
    if (n_dropped != 0)
        api_put_i64(w, "droppedAttributesCount", n_dropped);
}

static void put_nanos(struct api_json *w, const char *key, int64_t wall_ns)
{
    api_json_key(w, key);
    api_json_i64_text(w, wall_ns);
}

static void open_resource(struct api_json *w, const struct db_span_row *row)
{
    api_json_open(w, '{');
    api_put_str(w, "schemaUrl", row->resource_schema_url.ptr == NULL ? STR("") : row->resource_schema_url);
    api_json_key(w, "resource");
    api_json_open(w, '{');
    put_attributes(w, row->resource_attributes, row->n_resource_dropped_attributes);
    api_json_close(w, '}');
    api_json_key(w, "scopeSpans");
    api_json_open(w, '[');
}

static void open_scope(struct api_json *w, const struct db_span_row *row)
{
    api_json_open(w, '{');
    api_put_str(w, "schemaUrl", row->scope_schema_url.ptr == NULL ? STR("") : row->scope_schema_url);
    api_json_key(w, "scope");
    api_json_open(w, '{');
    api_put_str(w, "name", row->scope_name.ptr == NULL ? STR("") : row->scope_name);
    api_put_str(w, "version", row->scope_version.ptr == NULL ? STR("") : row->scope_version);
    put_attributes(w, row->scope_attributes, row->n_scope_dropped_attributes);
    api_json_close(w, '}');
    api_json_key(w, "spans");
    api_json_open(w, '[');
}

static void close_group(struct api_json *w)
{
    api_json_close(w, ']');
    api_json_close(w, '}');
}

static void put_status(struct api_json *w, const struct db_span_row *row)
{
    api_json_key(w, "status");
    api_json_open(w, '{');
    api_put_i64(w, "code", row->status);
    if (row->status_message.len > 0)
        api_put_str(w, "message", row->status_message);
    api_json_close(w, '}');
}

static void put_span(struct api_json *w, const struct db_span_row *row)
{
    api_json_open(w, '{');
    api_put_id(w, "traceId", row->trace_id);
    api_put_id(w, "spanId", row->span_id);
    if (row->parent_span_id.ptr != NULL)
        api_put_id(w, "parentSpanId", row->parent_span_id);
    if (row->trace_state.len > 0)
        api_put_str(w, "traceState", row->trace_state);
    api_put_i64(w, "flags", row->flags);
    api_put_str(w, "name", row->name);
    api_put_i64(w, "kind", row->kind);
    put_nanos(w, "startTimeUnixNano", row->start_ns);
    put_nanos(w, "endTimeUnixNano", row->end_ns);
    put_attributes(w, row->attributes, row->n_dropped_attributes);
    api_json_key(w, "events");
    api_put_span_parts(w, row->events);
    api_put_i64(w, "droppedEventsCount", row->n_dropped_events);
    api_json_key(w, "links");
    api_put_span_parts(w, row->links);
    api_put_i64(w, "droppedLinksCount", row->n_dropped_links);
    put_status(w, row);
    api_json_close(w, '}');
}

void api_span_otlp_begin(struct api_span_otlp *o, struct buf *out)
{
    *o = (struct api_span_otlp){.is_open = false};
    api_json_init(&o->json, out);
    api_json_open(&o->json, '{');
    api_json_key(&o->json, "resourceSpans");
    api_json_open(&o->json, '[');
}

void api_span_otlp_put(struct api_span_otlp *o, const struct db_span_row *row)
{
    const bool is_same_resource = o->is_open && o->resource_id == row->resource_id;
    const bool is_same_scope = is_same_resource && o->scope_id == row->scope_id;
    if (o->is_open && !is_same_scope)
        close_group(&o->json);
    if (o->is_open && !is_same_resource)
        close_group(&o->json);
    if (!is_same_resource)
        open_resource(&o->json, row);
    if (!is_same_scope)
        open_scope(&o->json, row);
    put_span(&o->json, row);
    o->is_open = true;
    o->resource_id = row->resource_id;
    o->scope_id = row->scope_id;
}

void api_span_otlp_end(struct api_span_otlp *o)
{
    if (o->is_open) {
        close_group(&o->json);
        close_group(&o->json);
    }
    close_group(&o->json);
}
