#include "core/embedding.h"

#include <float.h>
#include <math.h>

#include "core/hash.h"
#include "core/mask.h"
#include "core/token.h"
#include "core/utf8.h"

/* What is looked at: of a word, and of a trace's distinct errors. */
enum { WORD_MAX = 128, ERRORS_MAX = 64 };
enum { POSITIONS_PER_FEATURE = 16 };

/* Seeds keep features of different nature apart. */
enum seed { SEED_WORD = 101, SEED_MESSAGE, SEED_ROOT, SEED_ATTRIBUTE };

/* Each kind of feature takes part with one weight however many it has: one error among a hundred edges still decides. */
static const double WEIGHT_ERRORS = 2.0;
static const double WEIGHT_ROOT = 0.6;
static const double WEIGHT_ATTRIBUTES = 0.2;
static const double WEIGHT_OF_FACTS[SHAPE_FACT_KINDS] = {
    [SHAPE_SERVICE] = 0.4, [SHAPE_OPERATION] = 0.5, [SHAPE_EDGE] = 0.5, [SHAPE_ERROR] = 0.3};

/* Within one error. */
static const double WEIGHT_WORDS = 0.8;
static const double WEIGHT_MESSAGE = 0.6;
static const double WEIGHT_TYPE = 0.3;

struct vector {
    double v[EMBEDDING_DIMENSIONS];
};

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Whole-numbered weights keep these sums exact, whatever the order. */
static void add_feature(struct vector *sum, uint64_t feature, int weight)
{
    for (int i = 0; i < POSITIONS_PER_FEATURE; i++) {
        const uint64_t random = next_random(&feature);
        const size_t at = (size_t)((random >> 32) * EMBEDDING_DIMENSIONS >> 32);
        sum->v[at] += (random & 1) == 0 ? weight : -weight;
    }
}

/* Here and below, product and sum are separate statements so that no compiler fuses them into one rounding: a vector must
 * not depend on the machine. */
static double norm_of(const struct vector *x)
{
    double total = 0;
    for (size_t i = 0; i < EMBEDDING_DIMENSIONS; i++) {
        const double square = x->v[i] * x->v[i];
        total += square;
    }
    return sqrt(total);
}

/* Adds x at length weight to sum; the zero vector adds nothing. */
static void add_scaled(struct vector *sum, const struct vector *x, double weight)
{
    const double norm = norm_of(x);
    if (norm == 0)
        return;
    const double factor = weight / norm;
    for (size_t i = 0; i < EMBEDDING_DIMENSIONS; i++) {
        const double part = x->v[i] * factor;
        sum->v[i] += part;
    }
}

static void put_unit(const struct vector *x, float *out)
{
    const double norm = norm_of(x);
    for (size_t i = 0; i < EMBEDDING_DIMENSIONS; i++)
        out[i] = (float)(x->v[i] / norm);
}

static bool is_joiner(char c)
{
    return c == '-' || c == '.' || c == '_' || c == '/';
}

static uint64_t hash_lower(struct str word, uint64_t seed)
{
    char lower[WORD_MAX];
    const size_t len = word.len < WORD_MAX ? word.len : WORD_MAX;
    for (size_t i = 0; i < len; i++) {
        const char c = word.ptr[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return hash64((struct str){lower, len}, seed);
}

/* Short words are mostly articles and prepositions. */
static int weight_of_word(struct str word)
{
    static const int WEIGHT[] = {0, 1, 1, 2};
    return word.len < ARRAY_LEN(WEIGHT) ? WEIGHT[word.len] : 4;
}

/* The parts of "ts-order-service", and the whole: names differ in one part, and that is what matters. */
static void add_compound(struct vector *sum, struct str compound)
{
    size_t n_parts = 0;
    for (size_t at = 0, len = 0; at < compound.len; at += len + 1) {
        for (len = 0; at + len < compound.len && token_is_word(compound.ptr[at + len]);)
            len++;
        const struct str part = {compound.ptr + at, len};
        add_feature(sum, hash_lower(part, SEED_WORD), weight_of_word(part));
        n_parts += len > 0;
    }
    if (n_parts > 1)
        add_feature(sum, hash_lower(compound, SEED_WORD), 2 * weight_of_word(compound));
}

static void add_words(struct vector *sum, struct str masked)
{
    for (size_t at = 0; at < masked.len;) {
        const struct str rest = {masked.ptr + at, masked.len - at};
        size_t len = mask_placeholder_at(rest);
        if (len == 0) {
            while (len < rest.len && (token_is_word(rest.ptr[len]) || is_joiner(rest.ptr[len])))
                len++;
            add_compound(sum, (struct str){rest.ptr, len});
        }
        at += len == 0 ? 1 : len;
    }
}

/* Words make messages that differ in one word of many close; the message as a whole keeps them apart. Zero when no word
 * remains after masking. */
static void message_vector(struct str message, struct buf *masked, struct vector *out)
{
    buf_clear(masked);
    mask_put(masked, utf8_cut(message, SHAPE_TEXT_MAX));
    struct vector words = {{0}};
    add_words(&words, buf_str(masked));
    *out = (struct vector){{0}};
    if (norm_of(&words) == 0)
        return;
    struct vector whole = {{0}};
    add_feature(&whole, hash64(buf_str(masked), SEED_MESSAGE), 1);
    add_scaled(out, &words, WEIGHT_WORDS);
    add_scaled(out, &whole, WEIGHT_MESSAGE);
}

static void add_error(struct vector *sum, const struct shape_span *span, struct buf *masked)
{
    struct vector error;
    message_vector(span->error_message, masked, &error);
    struct vector type = {{0}};
    add_words(&type, span->error_type);
    add_scaled(&error, &type, WEIGHT_TYPE);
    add_scaled(sum, &error, 1);
}

/* Facts come sorted, so that even these rounded sums have one order. */
static enum err add_errors(struct vector *sum, const struct shape_trace *trace, const struct shape_facts *facts,
                           struct err_info *e)
{
    AUTO(buf) struct buf masked;
    buf_init(&masked, SHAPE_TEXT_MAX * MASK_GROWTH_MAX);
    struct vector errors = {{0}};
    size_t n_errors = 0;
    for (size_t i = 0; i < facts->n_items && n_errors < ERRORS_MAX; i++) {
        if (facts->items[i].kind != SHAPE_ERROR)
            continue;
        add_error(&errors, &trace->spans[facts->items[i].span], &masked);
        n_errors++;
    }
    if (!buf_is_ok(&masked))
        return ERR_SET_NOMEM(e);
    add_scaled(sum, &errors, WEIGHT_ERRORS);
    return OK;
}

static void add_facts(struct vector *sum, const struct shape_facts *facts)
{
    for (enum shape_fact_kind kind = SHAPE_SERVICE; kind <= SHAPE_ERROR; kind++) {
        struct vector group = {{0}};
        for (size_t i = 0; i < facts->n_items; i++)
            if (facts->items[i].kind == kind)
                add_feature(&group, facts->items[i].hash, 1);
        add_scaled(sum, &group, WEIGHT_OF_FACTS[kind]);
    }
}

static enum err add_root(struct vector *sum, const struct shape_trace *trace, struct err_info *e)
{
    AUTO(buf) struct buf masked;
    buf_init(&masked, SHAPE_TEXT_MAX * MASK_GROWTH_MAX);
    mask_put(&masked, utf8_cut(trace->root_operation, SHAPE_TEXT_MAX));
    if (!buf_is_ok(&masked))
        return ERR_SET_NOMEM(e);
    struct vector root = {{0}};
    const uint64_t service = hash64(trace->root_service, SEED_ROOT);
    add_feature(&root, service, 1);
    add_feature(&root, hash64(buf_str(&masked), service), 2);
    add_scaled(sum, &root, WEIGHT_ROOT);
    return OK;
}

static void add_attributes(struct vector *sum, const struct shape_trace *trace)
{
    struct vector attributes = {{0}};
    for (size_t i = 0; i < trace->n_attributes; i++) {
        const uint64_t key = hash64(trace->attributes[i].key, SEED_ATTRIBUTE);
        add_feature(&attributes, hash64(trace->attributes[i].value, key), 1);
    }
    add_scaled(sum, &attributes, WEIGHT_ATTRIBUTES);
}

enum err embedding_of_trace(const struct shape_trace *trace, struct arena *scratch, float out[EMBEDDING_DIMENSIONS],
                            struct err_info *e)
{
    struct shape_facts facts;
    TRY(shape_facts_of(trace, scratch, &facts, e));
    struct vector sum = {{0}};
    TRY(add_errors(&sum, trace, &facts, e));
    TRY(add_root(&sum, trace, e));
    add_facts(&sum, &facts);
    add_attributes(&sum, trace);
    put_unit(&sum, out);
    return OK;
}

enum err embedding_of_text(struct str text, float out[EMBEDDING_DIMENSIONS], struct err_info *e)
{
    AUTO(buf) struct buf masked;
    buf_init(&masked, SHAPE_TEXT_MAX * MASK_GROWTH_MAX);
    struct vector message;
    message_vector(text, &masked, &message);
    if (!buf_is_ok(&masked))
        return ERR_SET_NOMEM(e);
    if (norm_of(&message) == 0)
        return ERR_SET(e, ERR_INVALID, "the text has no word but numbers and ids: give some words of the message");
    put_unit(&message, out);
    return OK;
}

bool embedding_is_valid(const float *v)
{
    bool has_value = false;
    for (size_t i = 0; i < EMBEDDING_DIMENSIONS; i++) {
        if (!isfinite(v[i]))
            return false;
        has_value |= v[i] != 0;
    }
    return has_value;
}

bool embedding_has_direction(const float *v)
{
    float sum = 0;
    for (size_t i = 0; i < EMBEDDING_DIMENSIONS; i++)
        sum += v[i] * v[i];
    return embedding_is_valid(v) && isfinite(sum) && sum >= FLT_MIN;
}
