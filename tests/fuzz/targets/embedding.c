/* core/embedding.c, core/shape.c, core/mask.c, core/token.c, by the first byte: of a text; of a trace, a line a span (service, tab,
 * operation, tab, kind, status and parent, tab, error); of a masked text; of a vector in JSON (api/request/body.c). Vectors have the length
 * 1, are the same again, and those of traces whatever the order of spans. */
#include "core/embedding.h"

#include <jansson.h>
#include <math.h>

#include "api/json/jsonload.h"
#include "api/request/body.h"
#include "core/mask.h"
#include "core/utf8.h"
#include "tests/fuzz/fuzz.h"

enum { ARENA_BYTES = 64 << 20, SPANS_MAX = 12, N_KINDS = 6, N_STATUSES = 3, BUDGET_BYTES = 64 << 20 };

static void check_vector(const float v[EMBEDDING_DIMENSIONS])
{
    double squares = 0;
    for (size_t i = 0; i < EMBEDDING_DIMENSIONS; i++)
        squares += (double)v[i] * (double)v[i];
    FUZZ_CHECK(embedding_is_valid(v) && embedding_has_direction(v), "the vector points nowhere");
    FUZZ_CHECK(fabs(sqrt(squares) - 1) < 1e-3, "the vector has the length %g", sqrt(squares));
}

static void of_text(struct str text)
{
    float v[EMBEDDING_DIMENSIONS], again[EMBEDDING_DIMENSIONS];
    struct err_info e = {0};
    const enum err code = embedding_of_text(text, v, &e);
    FUZZ_CHECK(code == OK || code == ERR_INVALID, "%s", e.message);
    FUZZ_CHECK(embedding_of_text(text, again, NULL) == code, "the same text is not");
    if (code != OK)
        return;
    check_vector(v);
    FUZZ_CHECK(memcmp(v, again, sizeof v) == 0, "the same text has two vectors");
}

static struct shape_span span_of(struct str line, size_t i)
{
    struct str rest, error;
    const struct str service = str_split(line, '\t', &rest);
    const struct str operation = str_split(rest, '\t', &rest);
    const struct str numbers = str_split(rest, '\t', &error);
    const uint8_t kind = numbers.len > 0 ? (uint8_t)numbers.ptr[0] % N_KINDS : 0, status = numbers.len > 1 ? (uint8_t)numbers.ptr[1] % N_STATUSES : 0;
    const int32_t parent = numbers.len > 2 && i > 0 ? (int32_t)((size_t)(uint8_t)numbers.ptr[2] % i) : SHAPE_NO_PARENT;
    return (struct shape_span){.service = service, .operation = operation.ptr == NULL ? STR("") : operation, .kind = kind,
                               .status = status, .parent = parent, .error_message = error};
}

static void embed(const struct shape_span *spans, size_t n, uint64_t *fingerprint, float v[EMBEDDING_DIMENSIONS], size_t root)
{
    AUTO(arena) struct arena scratch;
    arena_init(&scratch, ARENA_BYTES);
    struct err_info e = {0};
    const struct shape_trace trace = {spans, n, spans[root].service, spans[root].operation, NULL, 0};
    FUZZ_CHECK(shape_fingerprint(&trace, &scratch, fingerprint, &e) == OK, "%s", e.message);
    FUZZ_CHECK(embedding_of_trace(&trace, &scratch, v, &e) == OK, "%s", e.message);
    check_vector(v);
}

static void of_trace(struct fuzz_input *in)
{
    struct shape_span spans[SPANS_MAX], reversed[SPANS_MAX];
    float v[EMBEDDING_DIMENSIONS], other[EMBEDDING_DIMENSIONS];
    uint64_t fingerprint = 0, fingerprint_reversed = 0;
    size_t n = 0;
    while (n < SPANS_MAX && in->rest.len > 0) {
        spans[n] = span_of(fuzz_line(in), n);
        n++;
    }
    for (size_t i = 0; i < n; i++) {
        reversed[n - 1 - i] = spans[i];
        if (spans[i].parent != SHAPE_NO_PARENT)
            reversed[n - 1 - i].parent = (int32_t)n - 1 - spans[i].parent;
    }
    if (n == 0)
        return;
    embed(spans, n, &fingerprint, v, 0);
    embed(reversed, n, &fingerprint_reversed, other, n - 1);
    FUZZ_CHECK(fingerprint == fingerprint_reversed, "the order of spans makes another shape");
    FUZZ_CHECK(memcmp(v, other, sizeof v) == 0, "the order of spans makes another vector");
}

static void of_mask(struct str text)
{
    AUTO(buf) struct buf out;
    AUTO(buf) struct buf again;
    buf_init(&out, SIZE_MAX);
    buf_init(&again, SIZE_MAX);
    mask_put(&out, text);
    mask_put(&again, text);
    FUZZ_CHECK(out.len <= text.len * MASK_GROWTH_MAX, "%zu bytes became %zu", text.len, out.len);
    FUZZ_CHECK(str_equal(buf_str(&out), buf_str(&again)), "the same text is masked in two ways");
    FUZZ_CHECK(!utf8_is_clean(text) || utf8_is_clean(buf_str(&out)), "a clean text is masked to one that is not");
    (void)mask_placeholder_at(buf_str(&out));
}

static void of_json(struct str text)
{
    struct budget_share share;
    float v[EMBEDDING_DIMENSIONS];
    budget_share_init(&share, NULL, BUDGET_BYTES);
    json_t *const value = api_jsonload(text, JSON_DECODE_ANY, &share, NULL);
    if (value != NULL && api_body_embedding(value, "embedding", v, NULL) == OK)
        FUZZ_CHECK(embedding_is_valid(v) && embedding_has_direction(v), "the vector points nowhere");
    json_decref(value);
    FUZZ_CHECK(share.used_bytes == 0, "%zu bytes are still paid for", share.used_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_input_of(data, size);
    switch (fuzz_byte(&in) % 4) {
    case 0: of_text(in.rest); break;
    case 1: of_trace(&in); break;
    case 2: of_mask(in.rest); break;
    default: of_json(in.rest); break;
    }
    return 0;
}
