#include "api/otlp/otlp_value.h"

#include <math.h>

#include "api/json/jsonwrite.h"
#include "core/hex.h"
#include "core/utf8.h"

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)
/* Doubles are exact integers below this. */
#define EXACT_MAX 9007199254740992.0

enum { DECIMALS_MAX = 17 };

/* --- strings */

/* Whether a byte of the word is a control character, a quote or a backslash. */
static inline bool has_special(uint64_t word)
{
    const uint64_t quote = word ^ ONES * '"', backslash = word ^ ONES * '\\';
    return ((((quote - ONES) & ~quote) | ((backslash - ONES) & ~backslash) | ((word - ONES * ' ') & ~word)) & HIGHS) != 0;
}

/* Whether s means itself between the quotes of JSON. */
static bool is_plain(struct str s)
{
    size_t i = 0;
    for (; s.len - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, s.ptr + i, sizeof word);
        if (has_special(word))
            return false;
    }
    for (; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == '"' || s.ptr[i] == '\\')
            return false;
    return true;
}

struct str api_otlp_text(struct api_otlp_state *o, struct str s, size_t max_bytes)
{
    if (s.len > max_bytes) {
        s = utf8_cut(s, max_bytes);
        o->rejects->n_cut++;
    }
    const struct str clean = utf8_repair(o->arena, s);
    if (clean.ptr == NULL) {
        api_otlp_full(o);
        return STR("");
    }
    /* A repaired byte has become three. */
    return utf8_cut(clean, max_bytes);
}

void api_otlp_comma(struct buf *b)
{
    if (b->len > 0 && b->data[b->len - 1] != '{' && b->data[b->len - 1] != '[')
        buf_putc(b, ',');
}

void api_otlp_put_text(struct buf *b, struct str clean)
{
    if (!is_plain(clean)) {
        struct api_json w;
        api_json_init(&w, b);
        api_json_str(&w, clean);
        return;
    }
    char *const out = buf_reserve(b, clean.len + 2);
    if (out == NULL)
        return;
    out[0] = '"';
    memcpy(out + 1, clean.ptr, clean.len);
    out[clean.len + 1] = '"';
    buf_advance(b, clean.len + 2);
}

void api_otlp_put_bytes(struct buf *b, struct str bytes)
{
    BUF_LITERAL(b, "{\"bytesValue\":\"");
    base64_put(b, (const uint8_t *)bytes.ptr, bytes.len);
    BUF_LITERAL(b, "\"}");
}

/* --- numbers */

/* Writes value as digits / 10^n when both are exact: their quotient is then rounded once, as reading the text would be.
 * False when no n will do. */
static bool put_decimal(struct buf *b, double value)
{
    double scale = 1;
    const double magnitude = fabs(value);
    for (int n = 0; n <= DECIMALS_MAX && magnitude * scale < EXACT_MAX; n++, scale *= 10) {
        const double digits = nearbyint(magnitude * scale);
        if (digits / scale != magnitude)
            continue;
        const uint64_t whole = (uint64_t)digits / (uint64_t)scale;
        const uint64_t rest = (uint64_t)digits % (uint64_t)scale;
        buf_printf(b, "%s%llu.%0*llu", signbit(value) ? "-" : "", (unsigned long long)whole, n == 0 ? 1 : n,
                   (unsigned long long)rest);
        return true;
    }
    return false;
}

static void put_exact(struct buf *b, double value)
{
    struct api_json w;
    api_json_init(&w, b);
    api_json_real(&w, value);
}

void api_otlp_put_double(struct buf *b, double value)
{
    if (isnan(value))
        BUF_LITERAL(b, "{\"doubleValue\":\"NaN\"}");
    else if (isinf(value))
        buf_puts(b, value > 0 ? STR("{\"doubleValue\":\"Infinity\"}") : STR("{\"doubleValue\":\"-Infinity\"}"));
    else if (!put_decimal(b, value))
        put_exact(b, value);
}

void api_otlp_put_number(struct buf *b, const struct api_otlp_number *n)
{
    if (!n->has)
        BUF_LITERAL(b, "null");
    else if (n->is_int)
        buf_put_i64(b, n->integer);
    else
        api_otlp_put_double(b, n->real);
}

/* --- where values go */

bool api_otlp_sink_enter(struct api_otlp_sink *s)
{
    if (++s->depth <= API_OTLP_DEPTH_MAX)
        return true;
    *s->too_deep = true;
    BUF_LITERAL(s->json, "null");
    return false;
}

void api_otlp_sink_text(struct api_otlp_sink *s, struct str clean)
{
    if (s->text != NULL && s->depth == 1)
        *s->text = clean;
    else
        api_otlp_put_text(s->json, clean);
}

void api_otlp_sink_restart(struct api_otlp_sink *s, size_t start)
{
    if (!s->json->failed)
        s->json->len = start;
    if (s->text != NULL && s->depth == 1)
        *s->text = (struct str){NULL, 0};
}

/* --- what is kept */

struct str api_otlp_keep(struct api_otlp_state *o, const struct buf *b)
{
    if (!buf_is_ok(b)) {
        api_otlp_full(o);
        return (struct str){NULL, 0};
    }
    if (b->len == 0)
        return (struct str){NULL, 0};
    const struct str kept = arena_copy(o->arena, buf_str(b));
    if (kept.ptr == NULL)
        api_otlp_full(o);
    return kept;
}

struct str api_otlp_keep_in(struct api_otlp_state *o, const struct buf *b, char open, char close)
{
    if (buf_is_ok(b) && b->len == 0)
        return open == '{' ? STR("{}") : STR("[]");
    char *const text = buf_is_ok(b) ? arena_alloc(o->arena, b->len + 2) : NULL;
    if (text == NULL) {
        api_otlp_full(o);
        return (struct str){NULL, 0};
    }
    text[0] = open;
    memcpy(text + 1, b->data, b->len);
    text[b->len + 1] = close;
    return (struct str){text, b->len + 2};
}

void api_otlp_clear(struct api_otlp_attributes *a)
{
    buf_clear(&a->text);
    a->watched = (struct str){NULL, 0};
    a->too_deep = false;
}

void api_otlp_put_id(struct buf *b, struct str key, const struct api_otlp_id *id, size_t n)
{
    api_otlp_comma(b);
    api_otlp_put_text(b, key);
    BUF_LITERAL(b, ":\"");
    if (api_otlp_id_is_good(id, n))
        hex_put(b, id->bytes, n);
    buf_putc(b, '"');
}

void api_otlp_put_attributes(struct buf *b, struct str key, const struct api_otlp_attributes *a)
{
    api_otlp_comma(b);
    api_otlp_put_text(b, key);
    BUF_LITERAL(b, ":{");
    buf_puts(b, buf_str(&a->text));
    buf_putc(b, '}');
    b->failed = b->failed || !buf_is_ok(&a->text);
}

void api_otlp_hash_text(struct buf *b, struct str s)
{
    buf_put_be64(b, s.len);
    buf_puts(b, s);
}

struct str api_otlp_hashed(struct api_otlp_state *o)
{
    if (!buf_is_ok(&o->scratch))
        api_otlp_full(o);
    return buf_str(&o->scratch);
}
