#include "core/shape.h"

#include <stdlib.h>

#include "core/hash.h"
#include "core/mask.h"
#include "core/utf8.h"

bool shape_span_has_error(const struct shape_span *span)
{
    return span->status == SHAPE_STATUS_ERROR || span->error_type.len > 0 || span->error_message.len > 0;
}

static uint64_t hash_masked(struct str text, uint64_t seed, struct buf *scratch)
{
    buf_clear(scratch);
    mask_put(scratch, utf8_cut(text, SHAPE_TEXT_MAX));
    return hash64(buf_str(scratch), seed);
}

static uint64_t hash_number(uint64_t number, uint64_t seed)
{
    char bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(number >> (8 * i) & 0xff);
    return hash64((struct str){bytes, sizeof(bytes)}, seed);
}

static enum err check(const struct shape_trace *trace, struct err_info *e)
{
    if (trace->n_spans == 0)
        return ERR_SET(e, ERR_INVALID, "a trace without spans has no shape");
    for (size_t i = 0; i < trace->n_spans; i++) {
        const int32_t parent = trace->spans[i].parent;
        if (parent != SHAPE_NO_PARENT && (parent < 0 || (size_t)parent >= trace->n_spans))
            return ERR_SET(e, ERR_INVALID, "the parent of span %zu is %d: neither an index below %zu nor %d", i,
                           (int)parent, trace->n_spans, (int)SHAPE_NO_PARENT);
    }
    return OK;
}

static int compare_facts(const void *left, const void *right)
{
    const struct shape_fact *a = left;
    const struct shape_fact *b = right;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return 0;
}

static void sort_distinct(struct shape_facts *facts)
{
    qsort(facts->items, facts->n_items, sizeof(facts->items[0]), compare_facts);
    size_t n = 0;
    for (size_t i = 0; i < facts->n_items; i++)
        if (n == 0 || compare_facts(&facts->items[n - 1], &facts->items[i]) != 0)
            facts->items[n++] = facts->items[i];
    facts->n_items = n;
}

static void add(struct shape_facts *facts, enum shape_fact_kind kind, uint64_t hash, size_t span)
{
    facts->items[facts->n_items++] = (struct shape_fact){.hash = hash, .span = (uint32_t)span, .kind = kind};
}

/* nodes[i] is the hash of span i's service and masked operation. */
static void add_span(struct shape_facts *facts, const struct shape_span *span, size_t i, const uint64_t *nodes,
                     struct buf *scratch)
{
    const uint64_t parent = span->parent == SHAPE_NO_PARENT ? 0 : nodes[span->parent];
    add(facts, SHAPE_SERVICE, hash64(span->service, SHAPE_SERVICE), i);
    add(facts, SHAPE_OPERATION, nodes[i], i);
    add(facts, SHAPE_EDGE, hash_number(span->kind, hash_number(nodes[i], parent)), i);
    if (shape_span_has_error(span))
        add(facts, SHAPE_ERROR, hash_masked(span->error_message, hash64(span->error_type, nodes[i]), scratch), i);
}

enum err shape_facts_of(const struct shape_trace *trace, struct arena *scratch, struct shape_facts *out,
                        struct err_info *e)
{
    TRY(check(trace, e));
    AUTO(buf) struct buf masked;
    buf_init(&masked, SHAPE_TEXT_MAX * MASK_GROWTH_MAX);
    uint64_t *nodes = arena_calloc(scratch, trace->n_spans, sizeof(nodes[0]));
    struct shape_facts facts = {0};
    facts.items = arena_calloc(scratch, trace->n_spans, SHAPE_FACT_KINDS * sizeof(facts.items[0]));
    if (nodes == NULL || facts.items == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < trace->n_spans; i++)
        nodes[i] = hash_masked(trace->spans[i].operation, hash64(trace->spans[i].service, SHAPE_OPERATION), &masked);
    for (size_t i = 0; i < trace->n_spans; i++)
        add_span(&facts, &trace->spans[i], i, nodes, &masked);
    if (!buf_is_ok(&masked))
        return ERR_SET_NOMEM(e);
    sort_distinct(&facts);
    *out = facts;
    return OK;
}

/* A sum, for attributes come in any order. */
static uint64_t hash_attributes(const struct shape_trace *trace)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < trace->n_attributes; i++)
        sum += hash64(trace->attributes[i].value, hash64(trace->attributes[i].key, SHAPE_FACT_KINDS));
    return sum;
}

static enum err hash_root(const struct shape_trace *trace, uint64_t *out, struct err_info *e)
{
    AUTO(buf) struct buf masked;
    buf_init(&masked, SHAPE_TEXT_MAX * MASK_GROWTH_MAX);
    *out = hash_masked(trace->root_operation, hash64(trace->root_service, SHAPE_FACT_KINDS), &masked);
    return buf_is_ok(&masked) ? OK : ERR_SET_NOMEM(e);
}

enum err shape_fingerprint(const struct shape_trace *trace, struct arena *scratch, uint64_t *out, struct err_info *e)
{
    struct shape_facts facts;
    uint64_t fingerprint = 0;
    TRY(shape_facts_of(trace, scratch, &facts, e));
    TRY(hash_root(trace, &fingerprint, e));
    for (size_t i = 0; i < facts.n_items; i++)
        if (facts.items[i].kind == SHAPE_EDGE || facts.items[i].kind == SHAPE_ERROR)
            fingerprint = hash_number(facts.items[i].hash, fingerprint);
    *out = hash_number(hash_attributes(trace), fingerprint);
    return OK;
}
