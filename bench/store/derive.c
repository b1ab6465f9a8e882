#include "bench/store/derive.h"

#include <stdlib.h>

#include "db/assemble/assemble_operations.h"

enum { SEVERITY_ERROR = 17 };

static int by_start(const void *a, const void *b)
{
    const struct db_assemble_span *const x = a, *const y = b;
    return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

static int by_id(const void *a, const void *b)
{
    const struct db_assemble_resource *const x = a, *const y = b;
    return (x->resource_id > y->resource_id) - (x->resource_id < y->resource_id);
}

static struct db_assemble_span span_of(const struct trace *t, const struct db_span *s, struct db_assemble_event *event)
{
    const struct db_resource *const resource = &t->batch.resources.items[s->resource];
    struct db_assemble_span span = {
        .span_id = {(const char *)s->span_id, sizeof s->span_id},
        .start_ns = s->start_ns,
        .end_ns = s->end_ns,
        .resource_id = resource->resource_id,
        .kind = s->kind,
        .status = s->status,
        .service = resource->service,
        .name = s->name,
        .status_message = s->status_message,
        .attributes = s->attributes,
    };
    if (s->has_parent)
        span.parent_span_id = (struct str){(const char *)s->parent_span_id, sizeof s->parent_span_id};
    if (s->events.ptr != NULL) {
        *event = (struct db_assemble_event){s->end_ns, t->error->type, t->error->message};
        span.events = event;
        span.n_events = 1;
    }
    return span;
}

static bool read_spans(const struct trace *t, struct arena *arena, struct db_assemble_input *in)
{
    const size_t n = t->batch.spans.n;
    struct db_assemble_span *const spans = arena_calloc(arena, n, sizeof *spans);
    struct db_assemble_event *const event = arena_calloc(arena, 1, sizeof *event);
    if (spans == NULL || event == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        spans[i] = span_of(t, &t->batch.spans.items[i], event);
    qsort(spans, n, sizeof *spans, by_start);
    in->spans = spans;
    in->n_spans = n;
    return true;
}

/* Of the error's log; there is no more than one. */
static bool read_logs(const struct trace *t, struct arena *arena, struct db_assemble_input *in)
{
    struct db_assemble_log *const log = arena_calloc(arena, 1, sizeof *log);
    for (size_t i = 0; log != NULL && i < t->batch.logs.n; i++) {
        const struct db_log *const l = &t->batch.logs.items[i];
        if (l->severity < SEVERITY_ERROR)
            continue;
        *log = (struct db_assemble_log){
            .log_id = {(const char *)l->log_id, sizeof l->log_id},
            .span_id = {(const char *)l->span_id, sizeof l->span_id},
            .time_ns = l->time_ns,
            .service = t->batch.resources.items[l->resource].service,
            .name = STR(""),
            .type = STR(""),
            .message = l->body,
        };
        in->n_logs = 1;
    }
    in->logs = log;
    return log != NULL;
}

static bool read_resources(const struct trace *t, struct arena *arena, struct db_assemble_input *in)
{
    const size_t n = t->batch.resources.n;
    struct db_assemble_resource *const resources = arena_calloc(arena, n, sizeof *resources);
    for (size_t i = 0; resources != NULL && i < n; i++)
        resources[i] = (struct db_assemble_resource){t->batch.resources.items[i].resource_id, t->batch.resources.items[i].attributes};
    if (resources != NULL)
        qsort(resources, n, sizeof *resources, by_id);
    in->resources = resources;
    in->n_resources = n;
    return resources != NULL;
}

bool derive_number(struct store *store, uint64_t number, bool with_operations, struct arena *arena, struct trace *t,
                   struct db_assemble_output *out)
{
    if (!trace_make(t, store, number, arena))
        return false;
    struct db_assemble_input in = {.trace_id = {(const char *)t->trace_id, sizeof t->trace_id}};
    return read_spans(t, arena, &in) && read_logs(t, arena, &in) && read_resources(t, arena, &in) &&
           db_assemble_trace(&in, false, arena, out, NULL) == OK &&
           (!with_operations || db_assemble_operations(&in, arena, &out->row, NULL) == OK);
}
