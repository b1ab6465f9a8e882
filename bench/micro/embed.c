#include <stdlib.h>

#include "bench/micro/cases.h"
#include "core/embedding.h"

enum { SCRATCH_MAX_BYTES = 1 << 26 };

struct work {
    struct shape_trace *traces;
    size_t n_traces;
};

/* The only type of exception that the traces have. */
#define EXCEPTION "java.net.SocketTimeoutException"

/* --- what is measured, of all traces */

static enum err fingerprint(const void *arg, struct err_info *e)
{
    const struct work *const w = arg;
    for (size_t i = 0; i < w->n_traces; i++) {
        AUTO(arena) struct arena scratch;
        arena_init(&scratch, SCRATCH_MAX_BYTES);
        uint64_t number = 0;
        TRY(shape_fingerprint(&w->traces[i], &scratch, &number, e));
    }
    return OK;
}

static enum err embed(const void *arg, struct err_info *e)
{
    const struct work *const w = arg;
    for (size_t i = 0; i < w->n_traces; i++) {
        AUTO(arena) struct arena scratch;
        arena_init(&scratch, SCRATCH_MAX_BYTES);
        float vector[EMBEDDING_DIMENSIONS];
        TRY(embedding_of_trace(&w->traces[i], &scratch, vector, e));
    }
    return OK;
}

static enum err embed_text(const void *arg, struct err_info *e)
{
    (void)arg;
    float vector[EMBEDDING_DIMENSIONS];
    return embedding_of_text(STR("order 48213: upstream connect error: deadline exceeded after 2000 ms at 10.0.3.17:8080"), vector, e);
}

/* --- the spans as the traces they are of */

static int compare_traces(const void *left, const void *right)
{
    const struct db_span *const a = left;
    const struct db_span *const b = right;
    return memcmp(a->trace_id, b->trace_id, sizeof a->trace_id);
}

static int32_t parent_of(const struct db_span *spans, size_t n, const struct db_span *child)
{
    for (size_t i = 0; child->has_parent && i < n; i++)
        if (memcmp(spans[i].span_id, child->parent_span_id, sizeof spans[i].span_id) == 0)
            return (int32_t)i;
    return SHAPE_NO_PARENT;
}

static void set_trace(struct shape_trace *trace, struct shape_span *shapes, const struct micro_input *in, const struct db_span *spans,
                      size_t n)
{
    *trace = (struct shape_trace){.spans = shapes, .n_spans = n};
    for (size_t i = 0; i < n; i++) {
        const bool has_failed = spans[i].status == SHAPE_STATUS_ERROR;
        shapes[i] = (struct shape_span){.service = in->traces.resources.items[spans[i].resource].service,
                                        .operation = spans[i].name,
                                        .parent = parent_of(spans, n, &spans[i]),
                                        .kind = spans[i].kind,
                                        .status = spans[i].status,
                                        .error_type = has_failed ? STR(EXCEPTION) : (struct str){NULL, 0},
                                        .error_message = has_failed ? spans[i].status_message : (struct str){NULL, 0}};
        if (shapes[i].parent != SHAPE_NO_PARENT)
            continue;
        trace->root_service = shapes[i].service;
        trace->root_operation = shapes[i].operation;
    }
}

static enum err group(struct work *w, const struct micro_input *in, struct arena *arena, struct err_info *e)
{
    const size_t n_spans = in->traces.spans.n;
    struct db_span *const spans = arena_calloc(arena, n_spans, sizeof *spans);
    struct shape_span *const shapes = arena_calloc(arena, n_spans, sizeof *shapes);
    w->traces = arena_calloc(arena, n_spans, sizeof *w->traces);
    if (spans == NULL || shapes == NULL || w->traces == NULL)
        return ERR_SET_NOMEM(e);
    memcpy(spans, in->traces.spans.items, n_spans * sizeof *spans);
    qsort(spans, n_spans, sizeof *spans, compare_traces);
    for (size_t i = 0, n = 0; i < n_spans; i += n) {
        for (n = 1; i + n < n_spans && compare_traces(&spans[i], &spans[i + n]) == 0;)
            n++;
        set_trace(&w->traces[w->n_traces++], shapes + i, in, spans + i, n);
    }
    return OK;
}

enum err micro_embed_add(struct micro_list *list, const struct micro_input *in, struct arena *arena, struct err_info *e)
{
    struct work *const w = arena_calloc(arena, 1, sizeof *w);
    if (w == NULL)
        return ERR_SET_NOMEM(e);
    TRY(group(w, in, arena, e));
    micro_list_add(list, &(struct micro_case){"traces fingerprinted", "tracekin", "traces", 0, w->n_traces, fingerprint, w});
    micro_list_add(list, &(struct micro_case){"traces embedded", "tracekin", "traces", 0, w->n_traces, embed, w});
    micro_list_add(list, &(struct micro_case){"error text embedded", "tracekin", "texts", 0, 1, embed_text, NULL});
    return OK;
}
