#include "db/assemble/assemble_trace.h"

#include <stdlib.h>

#include "core/hash.h"
#include "core/shape.h"
#include "db/assemble/assemble_attrs.h"
#include "db/assemble/assemble_errors.h"

enum { STATUS_OK = 1, SERVICES_MAX = 256, SHAPE_VALUES_MAX = 4 };

/* Attributes that tell kinds of traces apart and have few values. */
static const char *const shape_keys[] = {
    "\"deployment.environment\"",    "\"deployment.environment.name\"", "\"service.namespace\"", "\"telemetry.sdk.language\"",
    "\"http.request.method\"",       "\"http.method\"",                 "\"http.route\"",        "\"http.status_code\"",
    "\"http.response.status_code\"", "\"rpc.system\"",                  "\"rpc.grpc.status_code\"", "\"db.system\"",
    "\"db.system.name\"",            "\"messaging.system\"",            "\"error.type\"",
};

/* Spans by their id, open addressing; the earliest of several with one id. */
struct span_index {
    const struct db_assemble_input *in;
    size_t *slots; /* index + 1, 0: free */
    size_t mask;
};

/* The work on one trace. */
struct work {
    const struct db_assemble_input *in;
    bool embeds_later;
    struct arena *arena;
    struct span_index index;
    size_t *parents; /* of each span: an index, SIZE_MAX for none */
    size_t *first_error;
    struct db_assemble_attrs *attrs;
};

static size_t *slot_of(const struct span_index *x, struct str span_id)
{
    size_t at = (size_t)hash64(span_id, 0) & x->mask;
    while (x->slots[at] != 0 && !str_equal(x->in->spans[x->slots[at] - 1].span_id, span_id))
        at = (at + 1) & x->mask;
    return &x->slots[at];
}

static enum err index_init(struct span_index *x, const struct db_assemble_input *in, struct arena *arena, struct err_info *e)
{
    size_t n_slots = 16;
    while (n_slots < 2 * in->n_spans)
        n_slots *= 2;
    *x = (struct span_index){in, arena_calloc(arena, n_slots, sizeof *x->slots), n_slots - 1};
    if (x->slots == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < in->n_spans; i++) {
        size_t *const slot = slot_of(x, in->spans[i].span_id);
        if (*slot == 0)
            *slot = i + 1;
    }
    return OK;
}

static size_t index_find(const struct span_index *x, struct str span_id)
{
    return span_id.len == 0 ? SIZE_MAX : *slot_of(x, span_id) - 1; /* 0 - 1 is SIZE_MAX */
}

static enum err link_spans(struct work *w, struct err_info *e)
{
    w->parents = arena_calloc(w->arena, w->in->n_spans, sizeof *w->parents);
    w->first_error = arena_calloc(w->arena, w->in->n_spans, sizeof *w->first_error);
    w->attrs = arena_calloc(w->arena, 1, sizeof *w->attrs);
    if (w->parents == NULL || w->first_error == NULL || w->attrs == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < w->in->n_spans; i++) {
        const size_t parent = index_find(&w->index, w->in->spans[i].parent_span_id);
        w->parents[i] = parent == i ? SIZE_MAX : parent;
    }
    return OK;
}

static enum err find_errors(struct work *w, struct db_assemble_output *out, struct err_info *e)
{
    size_t *const span_of_log = arena_calloc(w->arena, w->in->n_logs, sizeof *span_of_log);
    if (span_of_log == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < w->in->n_logs; i++)
        span_of_log[i] = index_find(&w->index, w->in->logs[i].span_id);
    return db_assemble_errors(w->in, span_of_log, w->arena, w->first_error, out, e);
}

/* The earliest span without a parent; else the earliest whose parent did not come; else, in a ring, the earliest. */
static const struct db_assemble_span *root_of(const struct work *w)
{
    const struct db_assemble_span *orphan = NULL;
    for (size_t i = 0; i < w->in->n_spans; i++) {
        if (w->in->spans[i].parent_span_id.len == 0)
            return &w->in->spans[i];
        if (orphan == NULL && w->parents[i] == SIZE_MAX)
            orphan = &w->in->spans[i];
    }
    return orphan == NULL ? &w->in->spans[0] : orphan;
}

static const struct db_trace_error *first_error(const struct db_assemble_output *out)
{
    const struct db_trace_error *first = NULL;
    for (size_t i = 0; i < out->n_errors; i++)
        if (out->errors[i].message.len > 0 && (first == NULL || out->errors[i].told_ns < first->told_ns))
            first = &out->errors[i];
    return first;
}

static int compare_str(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

static enum err list_services(struct work *w, struct db_trace_row *row, struct err_info *e)
{
    struct str *const services = arena_calloc(w->arena, SERVICES_MAX, sizeof *services);
    if (services == NULL)
        return ERR_SET_NOMEM(e);
    size_t n = 0;
    for (size_t i = 0; i < w->in->n_spans && n < SERVICES_MAX; i++) {
        size_t at = n;
        while (at > 0 && !str_equal(services[at - 1], w->in->spans[i].service))
            at--;
        if (at == 0)
            services[n++] = w->in->spans[i].service;
    }
    qsort(services, n, sizeof *services, compare_str);
    row->services = services;
    row->n_services = n;
    return OK;
}

static int compare_resource(const void *key, const void *member)
{
    const int64_t a = *(const int64_t *)key;
    const int64_t b = ((const struct db_assemble_resource *)member)->resource_id;
    return (a > b) - (a < b);
}

static enum err unite_attributes(struct work *w, struct db_trace_row *row, struct err_info *e)
{
    const struct db_assemble_input *const in = w->in;
    for (size_t i = 0; i < in->n_spans; i++) {
        db_assemble_attrs_add(w->attrs, in->spans[i].attributes);
        if (i > 0 && in->spans[i].resource_id == in->spans[i - 1].resource_id)
            continue;
        const struct db_assemble_resource *const resource = bsearch(
            &in->spans[i].resource_id, in->resources, in->n_resources, sizeof *in->resources, compare_resource);
        if (resource != NULL)
            db_assemble_attrs_add(w->attrs, resource->attributes);
    }
    AUTO(buf) struct buf json;
    buf_init(&json, 2 * DB_ASSEMBLE_ATTRS_MAX_BYTES);
    db_assemble_attrs_put(&json, w->attrs);
    row->attributes = buf_is_ok(&json) ? arena_copy(w->arena, buf_str(&json)) : (struct str){NULL, 0};
    return row->attributes.ptr == NULL ? ERR_SET_NOMEM(e) : OK;
}

static struct str unquote(struct str json)
{
    const bool is_quoted = json.len >= 2 && json.ptr[0] == '"';
    return is_quoted ? (struct str){json.ptr + 1, json.len - 2} : json;
}

static bool is_of_shape(const struct db_assemble_attr *attr)
{
    if (attr->n_values > SHAPE_VALUES_MAX)
        return false;
    for (size_t key = 0; key < ARRAY_LEN(shape_keys); key++)
        if (str_equal(attr->key, str_of(shape_keys[key])))
            return true;
    return false;
}

/* A key with many values tells nothing of the shape, and which of them came first would be chance. */
static size_t pick_shape_attributes(const struct db_assemble_attrs *attrs, struct shape_attribute *picked)
{
    size_t n = 0;
    for (size_t i = 0; i < attrs->n_items; i++) {
        const struct db_assemble_attr *const attr = &attrs->items[i];
        for (size_t v = 0; is_of_shape(attr) && v < attr->n_values; v++)
            picked[n++] = (struct shape_attribute){unquote(attr->key), unquote(attr->values[v])};
    }
    return n;
}

static struct shape_span shape_span_of(const struct work *w, const struct db_assemble_output *out, size_t i)
{
    const struct db_assemble_span *const s = &w->in->spans[i];
    struct shape_span shape = {
        .service = s->service,
        .operation = s->name,
        .parent = w->parents[i] == SIZE_MAX ? SHAPE_NO_PARENT : (int32_t)w->parents[i],
        .kind = s->kind,
        .status = s->status,
    };
    if (w->first_error[i] != SIZE_MAX) {
        const struct db_trace_error *const error = &out->errors[w->first_error[i]];
        shape.error_type = error->type.len > 0 ? error->type : (struct str){NULL, 0};
        shape.error_message = error->message.len > 0 ? error->message : (struct str){NULL, 0};
    }
    return shape;
}

static enum err embed(struct work *w, const struct db_assemble_output *out, struct db_trace_row *row, struct err_info *e)
{
    struct shape_span *const spans = arena_calloc(w->arena, w->in->n_spans, sizeof *spans);
    float *const embedding = arena_calloc(w->arena, EMBEDDING_DIMENSIONS, sizeof *embedding);
    if (spans == NULL || embedding == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < w->in->n_spans; i++)
        spans[i] = shape_span_of(w, out, i);
    struct shape_attribute attributes[ARRAY_LEN(shape_keys) * SHAPE_VALUES_MAX];
    const struct shape_trace shape = {
        .spans = spans,
        .n_spans = w->in->n_spans,
        .root_service = row->service,
        .root_operation = row->name,
        .attributes = attributes,
        .n_attributes = pick_shape_attributes(w->attrs, attributes),
    };
    uint64_t fingerprint = 0;
    TRY(shape_fingerprint(&shape, w->arena, &fingerprint, e));
    row->has_pattern = true;
    row->pattern_id = (int64_t)fingerprint;
    if (w->embeds_later)
        return OK;
    TRY(embedding_of_trace(&shape, w->arena, embedding, e));
    row->embedding = embedding_is_valid(embedding) ? embedding : NULL;
    row->embedding_model = STR(EMBEDDING_MODEL);
    return OK;
}

static struct str status_of(const struct db_assemble_output *out, const struct db_assemble_span *root)
{
    if (out->n_errors > 0)
        return STR("error");
    return root->status == STATUS_OK ? STR("ok") : STR("unset");
}

static struct db_assemble_totals totals_of(const struct db_assemble_input *in)
{
    struct db_assemble_totals totals = {in->spans[0].start_ns, in->spans[0].end_ns, in->n_spans, 0};
    for (size_t i = 0; i < in->n_spans; i++) {
        if (in->spans[i].end_ns > totals.end_ns)
            totals.end_ns = in->spans[i].end_ns;
        totals.n_failed += in->spans[i].status == SHAPE_STATUS_ERROR ? 1 : 0;
    }
    return totals;
}

static enum err make_row(struct work *w, struct db_assemble_output *out, struct err_info *e)
{
    const struct db_assemble_input *const in = w->in;
    const struct db_assemble_span *const root = root_of(w);
    const struct db_trace_error *const error = first_error(out);
    const struct db_assemble_totals read = totals_of(in);
    const struct db_assemble_totals *const all = in->totals == NULL ? &read : in->totals;
    struct db_trace_row *const row = &out->row;
    *row = (struct db_trace_row){
        .trace_id = in->trace_id,
        .service = root->service,
        .name = root->name,
        .start_ns = all->start_ns,
        .end_ns = all->end_ns,
        .status = status_of(out, root),
        .n_spans = (int32_t)all->n_spans,
        .n_errors = (int32_t)(out->n_errors + all->n_failed - read.n_failed), /* each failed span has one at least */
    };
    if (error != NULL)
        row->error_message = error->message;
    TRY(list_services(w, row, e));
    TRY(unite_attributes(w, row, e));
    return embed(w, out, row, e);
}

enum err db_assemble_trace(const struct db_assemble_input *in, bool embeds_later, struct arena *arena,
                           struct db_assemble_output *out, struct err_info *e)
{
    struct work w = {.in = in, .embeds_later = embeds_later, .arena = arena};
    *out = (struct db_assemble_output){.has_row = in->n_spans > 0};
    TRY(index_init(&w.index, in, arena, e));
    TRY(link_spans(&w, e));
    TRY(find_errors(&w, out, e));
    return out->has_row ? make_row(&w, out, e) : OK;
}
