#include "bench/quality/corpus.h"

#include <jansson.h>
#include <stdlib.h>

#include "core/hash.h"
#include "core/mask.h"
#include "core/mem.h"

#define CORPUS_MAX_BYTES ((size_t)8 << 30)
#define SCRATCH_MAX_BYTES ((size_t)256 << 20)

void corpus_init(struct corpus *c)
{
    *c = (struct corpus){0};
    arena_init(&c->arena, CORPUS_MAX_BYTES);
}

void corpus_close(struct corpus *c)
{
    arena_close(&c->arena);
    mem_free(c->spans);
    mem_free(c->traces);
}

static struct str copy(struct corpus *c, const json_t *text)
{
    const char *const value = json_string_value(text);
    return value == NULL || value[0] == '\0' ? (struct str){NULL, 0} : arena_copy(&c->arena, str_of(value));
}

static const json_t *attribute(const json_t *attributes, const char *key)
{
    size_t i;
    const json_t *item;
    json_array_foreach(attributes, i, item) {
        const char *const name = json_string_value(json_object_get(item, "key"));
        if (name != NULL && strcmp(name, key) == 0)
            return json_object_get(json_object_get(item, "value"), "stringValue");
    }
    return NULL;
}

static struct corpus_span *add_span(struct corpus *c)
{
    if (c->n_spans == c->spans_cap) {
        const size_t cap = c->spans_cap == 0 ? 1024 : 2 * c->spans_cap;
        struct corpus_span *const spans = mem_resize(c->spans, cap, sizeof(spans[0]));
        if (spans == NULL)
            return NULL;
        c->spans = spans;
        c->spans_cap = cap;
    }
    return &c->spans[c->n_spans++];
}

static enum err read_span(struct corpus *c, const json_t *item, struct str service, struct err_info *e)
{
    struct corpus_span *const span = add_span(c);
    if (span == NULL)
        return ERR_SET_NOMEM(e);
    const json_t *const status = json_object_get(item, "status");
    const json_t *const event = json_array_get(json_object_get(item, "events"), 0);
    *span = (struct corpus_span){
        .trace_id = copy(c, json_object_get(item, "traceId")),
        .span_id = copy(c, json_object_get(item, "spanId")),
        .parent_span_id = copy(c, json_object_get(item, "parentSpanId")),
        .shape = {.service = service,
                  .operation = copy(c, json_object_get(item, "name")),
                  .parent = SHAPE_NO_PARENT,
                  .kind = (uint8_t)json_integer_value(json_object_get(item, "kind")),
                  .status = (uint8_t)json_integer_value(json_object_get(status, "code")),
                  .error_type = copy(c, attribute(json_object_get(event, "attributes"), "exception.type")),
                  .error_message = copy(c, json_object_get(status, "message"))},
    };
    const char *const start = json_string_value(json_object_get(item, "startTimeUnixNano"));
    if (span->trace_id.len == 0 || span->span_id.len == 0 || !str_to_u64(str_of(start), &span->start_ns))
        return ERR_SET(e, ERR_INVALID, "a span lacks its traceId, spanId or startTimeUnixNano");
    return OK;
}

static enum err read_resource(struct corpus *c, const json_t *resource, struct err_info *e)
{
    const json_t *const attributes = json_object_get(json_object_get(resource, "resource"), "attributes");
    const struct str service = copy(c, attribute(attributes, "service.name"));
    size_t i;
    const json_t *scope;
    json_array_foreach(json_object_get(resource, "scopeSpans"), i, scope) {
        size_t j;
        const json_t *item;
        json_array_foreach(json_object_get(scope, "spans"), j, item)
            TRY(read_span(c, item, service, e));
    }
    return OK;
}

static enum err read_resources(struct corpus *c, const json_t *request, struct err_info *e)
{
    size_t i;
    const json_t *resource;
    json_array_foreach(json_object_get(request, "resourceSpans"), i, resource)
        TRY(read_resource(c, resource, e));
    return OK;
}

static bool is_at_end(FILE *in)
{
    int c = ' ';
    while (c == ' ' || c == '\n' || c == '\r')
        c = getc(in);
    return c == EOF || ungetc(c, in) == EOF;
}

enum err corpus_read(struct corpus *c, FILE *in, struct err_info *e)
{
    for (size_t n_requests = 1; !is_at_end(in); n_requests++) {
        json_error_t error;
        json_auto_t *request = json_loadf(in, JSON_DISABLE_EOF_CHECK, &error);
        if (request == NULL)
            return ERR_SET(e, ERR_INVALID, "request %zu is not JSON: %s", n_requests, error.text);
        TRY(read_resources(c, request, e));
    }
    return ferror(in) ? ERR_SET(e, ERR_UNAVAILABLE, "reading failed") : OK;
}

static int compare(struct str a, struct str b)
{
    const int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_spans(const void *left, const void *right)
{
    const struct corpus_span *const a = left;
    const struct corpus_span *const b = right;
    const int order = compare(a->trace_id, b->trace_id);
    if (order != 0 || a->start_ns == b->start_ns)
        return order != 0 ? order : compare(a->span_id, b->span_id);
    return a->start_ns < b->start_ns ? -1 : 1;
}

struct named {
    struct str span_id;
    int32_t index;
};

static int compare_named(const void *left, const void *right)
{
    const struct named *const a = left;
    const struct named *const b = right;
    return compare(a->span_id, b->span_id);
}

static enum err link_parents(struct corpus_span *spans, size_t n_spans, struct arena *scratch, struct err_info *e)
{
    struct named *const index = arena_calloc(scratch, n_spans, sizeof(index[0]));
    if (index == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < n_spans; i++)
        index[i] = (struct named){spans[i].span_id, (int32_t)i};
    qsort(index, n_spans, sizeof(index[0]), compare_named);
    for (size_t i = 0; i < n_spans; i++) {
        const struct named key = {spans[i].parent_span_id, 0};
        const struct named *const parent =
            key.span_id.len == 0 ? NULL : bsearch(&key, index, n_spans, sizeof(index[0]), compare_named);
        spans[i].shape.parent = parent == NULL ? SHAPE_NO_PARENT : parent->index;
    }
    return OK;
}

enum err corpus_error_class(struct str message, uint64_t *out, struct err_info *e)
{
    AUTO(buf) struct buf masked;
    buf_init(&masked, MASK_GROWTH_MAX * message.len + 1);
    mask_put(&masked, message);
    if (!buf_is_ok(&masked))
        return ERR_SET_NOMEM(e);
    *out = hash64(buf_str(&masked), 1);
    return OK;
}

/* The spans are by start, so the first of a kind is the earliest. */
static const struct shape_span *first_root(const struct corpus_trace *trace)
{
    for (size_t i = 0; i < trace->n_spans; i++)
        if (trace->spans[i].shape.parent == SHAPE_NO_PARENT)
            return &trace->spans[i].shape;
    return &trace->spans[0].shape;
}

static enum err label(struct corpus_trace *trace, const struct shape_span *root, struct err_info *e)
{
    const struct shape_span *entry = root;
    for (size_t i = 0; i < trace->n_spans && entry == root; i++)
        if (!str_equal(trace->spans[i].shape.service, root->service))
            entry = &trace->spans[i].shape;
    trace->entry = hash64(entry->operation, hash64(entry->service, 0));
    for (size_t i = 0; i < trace->n_spans; i++) {
        const struct shape_span *const span = &trace->spans[i].shape;
        if (!shape_span_has_error(span))
            continue;
        trace->error_message = span->error_message;
        return corpus_error_class(span->error_message, &trace->error_class, e);
    }
    return OK;
}

static enum err embed(struct corpus_trace *trace, struct corpus_span *spans, size_t n_spans, struct err_info *e)
{
    AUTO(arena) struct arena scratch;
    arena_init(&scratch, SCRATCH_MAX_BYTES);
    TRY(link_parents(spans, n_spans, &scratch, e));
    *trace = (struct corpus_trace){.spans = spans, .n_spans = n_spans};
    struct shape_span *const shapes = arena_calloc(&scratch, n_spans, sizeof(shapes[0]));
    if (shapes == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < n_spans; i++)
        shapes[i] = spans[i].shape;
    const struct shape_span *const root = first_root(trace);
    const struct shape_trace shape = {
        .spans = shapes, .n_spans = n_spans, .root_service = root->service, .root_operation = root->operation};
    TRY(shape_fingerprint(&shape, &scratch, &trace->fingerprint, e));
    TRY(embedding_of_trace(&shape, &scratch, trace->vector, e));
    return label(trace, root, e);
}

enum err corpus_embed(struct corpus *c, struct err_info *e)
{
    if (c->n_spans == 0)
        return ERR_SET(e, ERR_INVALID, "the input has no span: give OTLP/JSON lines with resourceSpans");
    qsort(c->spans, c->n_spans, sizeof(c->spans[0]), compare_spans);
    c->traces = mem_calloc(c->n_spans, sizeof(c->traces[0]));
    if (c->traces == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0, n = 0; i < c->n_spans; i += n) {
        for (n = 1; i + n < c->n_spans && str_equal(c->spans[i].trace_id, c->spans[i + n].trace_id);)
            n++;
        TRY(embed(&c->traces[c->n_traces], c->spans + i, n, e));
        c->n_traces++;
    }
    return OK;
}
