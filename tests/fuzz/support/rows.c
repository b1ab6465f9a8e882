#include "tests/fuzz/support/rows.h"

#include "api/otlp/otlp.h"
#include "tests/fuzz/fuzz.h"

enum { SEVERITY_MAX = 24, KIND_MAX = 5, STATUS_MAX = 2 };

static void check_text(struct str text, size_t max_bytes)
{
    FUZZ_CHECK(text.ptr == NULL || (text.len <= max_bytes && fuzz_is_clean(text)), "a text of %zu bytes: %.*s", text.len, STR_ARG(text));
}

static void check_string(struct str text)
{
    check_text(text, API_OTLP_STRING_MAX_BYTES);
}

static void check_json(struct str json, char bracket)
{
    FUZZ_CHECK(json.ptr == NULL || (json.len > 0 && (bracket == '\0' || json.ptr[0] == bracket) && fuzz_is_json(json)), "no JSON: %.*s", STR_ARG(json));
}

static void check_object(struct str json)
{
    FUZZ_CHECK(json.ptr != NULL, "there are no attributes");
    check_json(json, '{');
}

static void check_resources(const struct db_batch *b)
{
    for (size_t i = 0; i < b->resources.n; i++) {
        const struct db_resource *const r = &b->resources.items[i];
        FUZZ_CHECK(r->service.len > 0, "a service has no name");
        check_text(r->service, API_OTLP_NAME_MAX_BYTES);
        check_string(r->schema_url);
        check_object(r->attributes);
    }
    for (size_t i = 0; i < b->scopes.n; i++) {
        const struct db_scope *const s = &b->scopes.items[i];
        check_string(s->name);
        check_string(s->version);
        check_string(s->schema_url);
        check_object(s->attributes);
    }
}

static void check_spans(const struct db_batch *b)
{
    for (size_t i = 0; i < b->spans.n; i++) {
        const struct db_span *const s = &b->spans.items[i];
        FUZZ_CHECK(s->resource < b->resources.n && s->scope < b->scopes.n, "a span belongs nowhere");
        FUZZ_CHECK(s->end_ns >= s->start_ns && s->start_ns > 0, "a span ends before it starts");
        FUZZ_CHECK(s->kind <= KIND_MAX && s->status <= STATUS_MAX, "kind %d, status %d", s->kind, s->status);
        check_text(s->name, API_OTLP_NAME_MAX_BYTES);
        check_string(s->status_message);
        check_string(s->trace_state);
        check_object(s->attributes);
        check_json(s->events, '[');
        check_json(s->links, '[');
    }
}

static void check_logs(const struct db_batch *b)
{
    for (size_t i = 0; i < b->logs.n; i++) {
        const struct db_log *const l = &b->logs.items[i];
        FUZZ_CHECK(l->resource < b->resources.n && l->scope < b->scopes.n, "a log belongs nowhere");
        FUZZ_CHECK(l->severity <= SEVERITY_MAX && l->time_ns > 0, "severity %d at %lld", l->severity, (long long)l->time_ns);
        check_string(l->severity_text);
        check_string(l->event_name);
        check_text(l->body, API_OTLP_BODY_MAX_BYTES);
        check_json(l->body_json, '\0');
        check_object(l->attributes);
    }
}

static void check_points(const struct db_batch *b)
{
    for (size_t i = 0; i < b->metrics.n; i++) {
        const struct db_metric *const m = &b->metrics.items[i];
        FUZZ_CHECK(m->kind >= DB_METRIC_GAUGE && m->kind <= DB_METRIC_SUMMARY && m->temporality <= 2, "kind %d", (int)m->kind);
        check_text(m->name, API_OTLP_NAME_MAX_BYTES);
        check_text(m->unit, API_OTLP_NAME_MAX_BYTES);
        check_string(m->description);
        check_json(m->metadata, '{');
    }
    for (size_t i = 0; i < b->points.n; i++) {
        const struct db_point *const p = &b->points.items[i];
        FUZZ_CHECK(p->resource < b->resources.n && p->scope < b->scopes.n && p->metric < b->metrics.n, "a point belongs nowhere");
        check_object(p->attributes);
        check_json(p->detail, '{');
        check_json(p->exemplars, '[');
        for (size_t k = 0; k < p->n_trace_ids; k++)
            FUZZ_CHECK(p->trace_ids[k].len == DB_TRACE_ID_BYTES, "a trace's id of %zu bytes", p->trace_ids[k].len);
    }
}

void rows_check(const struct db_batch *batch)
{
    check_resources(batch);
    check_spans(batch);
    check_logs(batch);
    check_points(batch);
}
