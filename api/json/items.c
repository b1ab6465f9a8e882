#include "api/json/items.h"

#include <string.h>

#include "core/clock.h"
#include "db/assemble/assemble_operations.h"

enum { TIME_KEY_MAX = 64, SEVERITIES_PER_LEVEL = 4 };

void api_put_str(struct api_json *w, const char *key, struct str value)
{
    api_json_key(w, key);
    api_json_str(w, value);
}

void api_put_i64(struct api_json *w, const char *key, int64_t value)
{
    api_json_key(w, key);
    api_json_i64(w, value);
}

void api_put_f64(struct api_json *w, const char *key, double value)
{
    api_json_key(w, key);
    api_json_f64(w, value);
}

void api_put_bool(struct api_json *w, const char *key, bool value)
{
    api_json_key(w, key);
    api_json_bool(w, value);
}

void api_put_id(struct api_json *w, const char *key, struct str bytes)
{
    api_json_key(w, key);
    if (bytes.ptr == NULL)
        api_json_null(w);
    else
        api_json_hex(w, (const uint8_t *)bytes.ptr, bytes.len);
}

void api_put_raw(struct api_json *w, const char *key, struct str json)
{
    api_json_key(w, key);
    api_json_raw(w, json);
}

void api_put_time(struct api_json *w, const char *key, int64_t wall_ns)
{
    static const char suffix[] = "_unix_nano";
    char nano_key[TIME_KEY_MAX];
    const size_t n = strnlen(key, sizeof nano_key - sizeof suffix);
    memcpy(mempcpy(nano_key, key, n), suffix, sizeof suffix);
    api_json_key(w, key);
    api_json_time(w, wall_ns);
    api_json_key(w, nano_key);
    api_json_i64_text(w, wall_ns);
}

const char *api_kind_name(int64_t kind)
{
    static const char *const names[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};
    return kind >= 0 && kind < (int64_t)ARRAY_LEN(names) ? names[kind] : names[0];
}

static const char *status_name(int64_t status)
{
    static const char *const names[] = {"unset", "ok", "error"};
    return status >= 0 && status < (int64_t)ARRAY_LEN(names) ? names[status] : names[0];
}

static const char *temporality_name(int64_t temporality)
{
    static const char *const names[] = {"unspecified", "delta", "cumulative"};
    return temporality >= 0 && temporality < (int64_t)ARRAY_LEN(names) ? names[temporality] : names[0];
}

/* OpenTelemetry gives each level four numbers: 1 to 4 are trace, 21 to 24 fatal. */
static const char *level_name(int64_t severity)
{
    static const char *const names[] = {"trace", "debug", "info", "warn", "error", "fatal"};
    const int64_t i = (severity - 1) / SEVERITIES_PER_LEVEL;
    return severity >= 1 && i < (int64_t)ARRAY_LEN(names) ? names[i] : "unspecified";
}

void api_put_summary(struct api_json *w, const struct db_summary *s)
{
    api_put_id(w, "trace_id", s->trace_id);
    api_put_str(w, "service", s->service);
    api_put_str(w, "name", s->name);
    api_put_time(w, "start_time", s->start_ns);
    api_put_time(w, "end_time", s->end_ns);
    api_put_f64(w, "duration_ms", s->duration_ms);
    api_put_str(w, "status", s->status);
    api_put_i64(w, "span_count", s->span_count);
    api_put_i64(w, "error_count", s->error_count);
    api_json_key(w, "services");
    api_json_open(w, '[');
    for (size_t i = 0; i < s->n_services; i++)
        api_json_str(w, s->services[i]);
    api_json_close(w, ']');
    api_put_str(w, "error_message", s->error_message);
    api_put_raw(w, "attributes", s->attributes);
}

static void put_scope(struct api_json *w, const struct db_span_row *s)
{
    api_json_key(w, "scope");
    api_json_open(w, '{');
    api_put_str(w, "name", s->scope_name);
    api_put_str(w, "version", s->scope_version);
    api_put_raw(w, "attributes", s->scope_attributes);
    api_json_close(w, '}');
}

void api_put_span(struct api_json *w, const struct db_span_row *s)
{
    const struct str none = STR("[]");
    api_json_open(w, '{');
    api_put_id(w, "trace_id", s->trace_id);
    api_put_id(w, "span_id", s->span_id);
    api_put_id(w, "parent_span_id", s->parent_span_id);
    api_put_str(w, "service", s->service);
    api_put_str(w, "name", s->name);
    api_put_str(w, "kind", str_of(api_kind_name(s->kind)));
    api_put_time(w, "start_time", s->start_ns);
    api_put_time(w, "end_time", s->end_ns);
    api_put_f64(w, "duration_ms", (double)(s->end_ns - s->start_ns) / (double)NS_PER_MS);
    api_put_str(w, "status", str_of(status_name(s->status)));
    api_put_str(w, "status_message", s->status_message);
    api_put_str(w, "trace_state", s->trace_state);
    api_put_raw(w, "attributes", s->attributes);
    api_put_raw(w, "events", s->events.ptr == NULL ? none : s->events);
    api_put_raw(w, "links", s->links.ptr == NULL ? none : s->links);
    api_put_raw(w, "resource", s->resource_attributes);
    put_scope(w, s);
    api_json_close(w, '}');
}

void api_put_log(struct api_json *w, const struct db_log_row *l)
{
    api_json_open(w, '{');
    api_put_time(w, "time", l->key.time_ns);
    api_put_str(w, "level", str_of(level_name(l->severity)));
    api_put_i64(w, "severity_number", l->severity);
    api_put_str(w, "severity_text", l->severity_text);
    api_put_str(w, "service", l->service);
    api_put_str(w, "message", l->body);
    api_put_raw(w, "body", l->body_json);
    api_put_str(w, "event_name", l->event_name);
    api_put_id(w, "trace_id", l->trace_id);
    api_put_id(w, "span_id", l->span_id);
    api_put_raw(w, "attributes", l->attributes);
    api_put_raw(w, "resource", l->resource_attributes);
    api_json_close(w, '}');
}

static void put_if(struct api_json *w, const char *key, bool is_there, double value)
{
    if (is_there)
        api_put_f64(w, key, value);
}

static void put_value(struct api_json *w, const struct db_point_row *p)
{
    api_json_key(w, "value");
    if (!p->has_value)
        api_json_null(w);
    else if (p->has_value_int)
        api_json_i64(w, p->value_int);
    else
        api_json_f64(w, p->value);
    if (p->has_count)
        api_put_raw(w, "count", p->count);
    put_if(w, "sum", p->has_sum, p->sum);
    put_if(w, "min", p->has_min, p->min);
    put_if(w, "max", p->has_max, p->max);
}

void api_put_point(struct api_json *w, const struct db_point_row *p)
{
    api_json_open(w, '{');
    api_put_str(w, "name", p->name);
    api_put_str(w, "type", p->type);
    api_put_str(w, "unit", p->unit);
    api_put_str(w, "temporality", str_of(temporality_name(p->temporality)));
    api_put_bool(w, "is_monotonic", p->is_monotonic);
    api_put_str(w, "service", p->service);
    api_put_time(w, "time", p->key.time_ns);
    if (p->has_start)
        api_put_time(w, "start_time", p->start_ns);
    put_value(w, p);
    api_put_raw(w, "attributes", p->attributes);
    api_put_raw(w, "resource", p->resource_attributes);
    api_put_raw(w, "detail", p->detail);
    api_put_raw(w, "exemplars", p->exemplars.ptr == NULL ? STR("[]") : p->exemplars);
    api_json_close(w, '}');
}

void api_put_operation(struct api_json *w, struct str operation)
{
    struct str name;
    const struct str service = str_split(operation, DB_OPERATION_SEPARATOR, &name);
    api_json_open(w, '{');
    api_put_str(w, "service", service);
    api_put_str(w, "name", name);
    api_json_close(w, '}');
}

void api_put_pattern_id(struct api_json *w, bool has_pattern, int64_t pattern_id)
{
    uint8_t bytes[sizeof pattern_id];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)((uint64_t)pattern_id >> (8 * (sizeof bytes - 1 - i)));
    api_put_id(w, "pattern_id", has_pattern ? (struct str){(const char *)bytes, sizeof bytes} : (struct str){NULL, 0});
}

void api_put_similar(struct api_json *w, const struct db_find_similar_traces_row *r, bool by_pattern)
{
    api_put_f64(w, "similarity", r->similarity);
    api_put_summary(w, &r->summary);
    api_put_pattern_id(w, r->has_pattern, r->pattern_id);
    if (by_pattern) {
        api_put_i64(w, "trace_count", r->trace_count);
        api_put_i64(w, "pattern_error_count", r->error_count);
        api_put_time(w, "first_seen", r->first_seen_ns);
        api_put_time(w, "last_seen", r->last_seen_ns);
    }
}
