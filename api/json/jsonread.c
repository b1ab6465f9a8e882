#include "api/json/jsonread.h"

#include <endian.h>

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

enum { JSON_UNICODE_DIGITS = 4, JSON_CONTROL_END = 0x20, JSON_DEPTH_WORDS = API_JSONREAD_DEPTH_MAX / 64 };

void api_jsonread_init(struct api_jsonread *r, struct str text)
{
    const char *const start = text.ptr == NULL ? "" : text.ptr;
    *r = (struct api_jsonread){.start = start, .at = start, .end = start + text.len};
}

bool api_jsonread_fail(struct api_jsonread *r, const char *why)
{
    if (r->why == NULL) {
        r->why = why;
        r->end = r->at;
    }
    return false;
}

static inline char skip_blank(struct api_jsonread *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
    return r->at < r->end ? *r->at : '\0';
}

char api_jsonread_peek(struct api_jsonread *r)
{
    const char c = skip_blank(r);
    if (c == '{' || c == '[' || c == '"' || c == '-' || (c >= '0' && c <= '9') || c == 't' || c == 'f' || c == 'n')
        return c;
    (void)api_jsonread_fail(r, r->at == r->end ? "it ends where a value is due" : "here a value is due");
    return '\0';
}

bool api_jsonread_open(struct api_jsonread *r, char bracket)
{
    if (skip_blank(r) != bracket)
        return api_jsonread_fail(r, bracket == '{' ? "here an object is due" : "here an array is due");
    if (r->depth == API_JSONREAD_DEPTH_MAX)
        return api_jsonread_fail(r, "it is nested deeper than 4096 levels");
    r->at++;
    r->depth++;
    r->is_first = true;
    return true;
}

/* Moves to the next member or element; false at the closing bracket, which is read, and on failure. */
static bool next_in(struct api_jsonread *r, char closing)
{
    const char c = skip_blank(r);
    if (c == closing) {
        r->at++;
        r->depth--;
        r->is_first = false;
        return false;
    }
    if (!r->is_first) {
        if (c != ',')
            return api_jsonread_fail(r, closing == '}' ? "here ',' or '}' is due" : "here ',' or ']' is due");
        r->at++;
    }
    r->is_first = false;
    return true;
}

bool api_jsonread_member(struct api_jsonread *r, struct str *key)
{
    struct api_json_string s;
    if (r->why != NULL || !next_in(r, '}') || !api_jsonread_string(r, &s))
        return false;
    if (skip_blank(r) != ':')
        return api_jsonread_fail(r, "here ':' is due");
    r->at++;
    *key = s.raw;
    return true;
}

bool api_jsonread_element(struct api_jsonread *r)
{
    return r->why == NULL && next_in(r, ']');
}

/* The bits of the bytes that end a plain run: quote, backslash, control characters. Exact for the lowest one. */
static inline uint64_t stops_of(uint64_t word)
{
    const uint64_t quote = word ^ ONES * '"', backslash = word ^ ONES * '\\';
    return (((quote - ONES) & ~quote) | ((backslash - ONES) & ~backslash) |
            ((word - ONES * JSON_CONTROL_END) & ~word)) & HIGHS;
}

/* Moves *p past the plain bytes there. */
static void skip_plain(const char **p, const char *end, bool *has_high)
{
    while (end - *p >= (ptrdiff_t)sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, *p, sizeof word);
        word = le64toh(word);
        const uint64_t stops = stops_of(word);
        if (stops != 0) {
            const unsigned n_bits = (unsigned)__builtin_ctzll(stops) & ~7U;
            *has_high |= (word & HIGHS & ((UINT64_C(1) << n_bits) - 1)) != 0;
            *p += n_bits / 8;
            return;
        }
        *has_high |= (word & HIGHS) != 0;
        *p += sizeof word;
    }
    while (*p < end && **p != '"' && **p != '\\' && (unsigned char)**p >= JSON_CONTROL_END) {
        *has_high |= (unsigned char)**p >= 0x80;
        ++*p;
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The code unit of four digits; -1 when they are not. */
static int32_t unicode_unit(const char *p, const char *end)
{
    int32_t unit = 0;
    if (end - p < JSON_UNICODE_DIGITS)
        return -1;
    for (int i = 0; i < JSON_UNICODE_DIGITS; i++) {
        const int digit = hex_value(p[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Moves past the escape at r->at. */
static bool skip_escape(struct api_jsonread *r)
{
    if (r->end - r->at < 2)
        return api_jsonread_fail(r, "it ends inside a string");
    const char c = r->at[1];
    if (c == 'u' ? unicode_unit(r->at + 2, r->end) < 0 : c == '\0' || strchr("\"\\/bfnrt", c) == NULL)
        return api_jsonread_fail(r, "here is an escape that JSON does not have");
    r->at += c == 'u' ? 2 + JSON_UNICODE_DIGITS : 2;
    return true;
}

bool api_jsonread_string(struct api_jsonread *r, struct api_json_string *out)
{
    if (skip_blank(r) != '"')
        return api_jsonread_fail(r, "here a string is due");
    struct api_json_string s = {.raw = {++r->at, 0}};
    for (;;) {
        skip_plain(&r->at, r->end, &s.has_high);
        if (r->at == r->end)
            return api_jsonread_fail(r, "it ends inside a string");
        if (*r->at == '"')
            break;
        if (*r->at != '\\')
            return api_jsonread_fail(r, "a string holds a control character that is not escaped");
        s.has_escape = true;
        if (!skip_escape(r))
            return false;
    }
    s.raw.len = (size_t)(r->at++ - s.raw.ptr);
    *out = s;
    return true;
}

static size_t skip_digits(struct api_jsonread *r)
{
    const char *const start = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return (size_t)(r->at - start);
}

static bool skip_one_of(struct api_jsonread *r, char a, char b)
{
    const bool is_there = r->at < r->end && (*r->at == a || *r->at == b);
    r->at += is_there;
    return is_there;
}

static bool skip_number(struct api_jsonread *r)
{
    (void)skip_one_of(r, '-', '-');
    const char *const digits = r->at;
    const size_t n_digits = skip_digits(r);
    if (n_digits == 0 || (n_digits > 1 && *digits == '0'))
        return false;
    if (skip_one_of(r, '.', '.') && skip_digits(r) == 0)
        return false;
    if (skip_one_of(r, 'e', 'E')) {
        (void)skip_one_of(r, '+', '-');
        return skip_digits(r) > 0;
    }
    return true;
}

bool api_jsonread_number(struct api_jsonread *r, struct str *out)
{
    (void)skip_blank(r);
    const char *const start = r->at;
    if (!skip_number(r))
        return api_jsonread_fail(r, "here a number is due");
    *out = (struct str){start, (size_t)(r->at - start)};
    return true;
}

static bool skip_word(struct api_jsonread *r, struct str word)
{
    (void)skip_blank(r);
    if ((size_t)(r->end - r->at) < word.len || memcmp(r->at, word.ptr, word.len) != 0)
        return false;
    r->at += word.len;
    return true;
}

bool api_jsonread_bool(struct api_jsonread *r, bool *out)
{
    const bool is_true = skip_word(r, STR("true"));
    if (!is_true && !skip_word(r, STR("false")))
        return api_jsonread_fail(r, "here true or false is due");
    *out = is_true;
    return true;
}

bool api_jsonread_null(struct api_jsonread *r)
{
    return skip_word(r, STR("null")) || api_jsonread_fail(r, "here null is due");
}

/* Reads past a value that is not a bracket. */
static bool skip_scalar(struct api_jsonread *r, char c)
{
    struct api_json_string string;
    struct str number;
    bool truth;
    if (c == '"')
        return api_jsonread_string(r, &string);
    if (c == 't' || c == 'f')
        return api_jsonread_bool(r, &truth);
    return c == 'n' ? api_jsonread_null(r) : api_jsonread_number(r, &number);
}

/* One bit for each open bracket: whether it is an object. */
struct nest {
    uint64_t words[JSON_DEPTH_WORDS + 1];
};

static void nest_set(struct nest *n, unsigned depth, bool is_object)
{
    const uint64_t bit = UINT64_C(1) << depth % 64;
    n->words[depth / 64] = is_object ? n->words[depth / 64] | bit : n->words[depth / 64] & ~bit;
}

static bool nest_is_object(const struct nest *n, unsigned depth)
{
    return (n->words[depth / 64] >> depth % 64 & 1) != 0;
}

/* Moves to the next value inside the brackets deeper than outer, closing those that end; false when all are closed. */
static bool next_value(struct api_jsonread *r, const struct nest *nest, unsigned outer)
{
    while (r->depth > outer && r->why == NULL) {
        struct str key;
        if (nest_is_object(nest, r->depth) ? api_jsonread_member(r, &key) : api_jsonread_element(r))
            return true;
    }
    return false;
}

static void skip_nested(struct api_jsonread *r)
{
    struct nest nest = {{0}};
    const unsigned outer = r->depth;
    do {
        const char c = api_jsonread_peek(r);
        if (c != '{' && c != '[')
            (void)(c != '\0' && skip_scalar(r, c));
        else if (api_jsonread_open(r, c))
            nest_set(&nest, r->depth, c == '{');
    } while (next_value(r, &nest, outer));
}

struct str api_jsonread_skip(struct api_jsonread *r)
{
    const char c = api_jsonread_peek(r);
    const char *const start = r->at;
    if (c == '{' || c == '[')
        skip_nested(r);
    else if (c != '\0')
        (void)skip_scalar(r, c);
    return r->why == NULL ? (struct str){start, (size_t)(r->at - start)} : (struct str){NULL, 0};
}

bool api_jsonread_end(struct api_jsonread *r)
{
    (void)skip_blank(r);
    return r->why == NULL && (r->at == r->end || api_jsonread_fail(r, "more follows after the value"));
}
