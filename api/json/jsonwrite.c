#include "api/json/jsonwrite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/hex.h"

/* One past the largest int64; exact as a double. */
#define INT64_END 9223372036854775808.0
/* 10^15: a number of at most fifteen digits is below it. */
#define MILLIONTHS_END 1e15
#define MILLION 1000000

enum { DOUBLE_TEXT_MAX = 32, DOUBLE_DIGITS_SAFE = 15, DOUBLE_DIGITS_EXACT = 17 };

static void json_value(struct api_json *w)
{
    if (w->needs_comma)
        buf_putc(w->out, ',');
    w->needs_comma = true;
}

void api_json_open(struct api_json *w, char bracket)
{
    json_value(w);
    buf_putc(w->out, bracket);
    w->needs_comma = false;
}

void api_json_close(struct api_json *w, char bracket)
{
    buf_putc(w->out, bracket);
    w->needs_comma = true;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* Whether a byte of the word is zero; a byte above such a one may be taken for zero too, which does no harm here ("Bit Twiddling
 * Hacks", S. E. Anderson, "Determine if a word has a zero byte"). */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - EACH_BYTE(1)) & ~word & EACH_BYTE(0x80);
}

/* Whether eight bytes are plain. */
static bool are_plain(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    const uint64_t controls = (word - EACH_BYTE(0x20)) & ~word & EACH_BYTE(0x80);
    return (controls | zero_bytes(word ^ EACH_BYTE('"')) | zero_bytes(word ^ EACH_BYTE('\\')) | zero_bytes(word ^ EACH_BYTE(0x7f))) == 0;
}

static size_t n_plain(struct str s)
{
    size_t n = 0;
    while (s.len - n >= sizeof(uint64_t) && are_plain(s.ptr + n))
        n += sizeof(uint64_t);
    while (n < s.len && is_plain((unsigned char)s.ptr[n]))
        n++;
    return n;
}

static void put_escape(struct buf *out, unsigned char c)
{
    static const char short_forms[256] = {
        ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
    };
    if (short_forms[c] == 0) {
        buf_printf(out, "\\u%04x", c);
        return;
    }
    buf_putc(out, '\\');
    buf_putc(out, short_forms[c]);
}

static void put_quoted(struct buf *out, struct str s)
{
    buf_putc(out, '"');
    while (s.len > 0) {
        size_t n = n_plain(s);
        buf_put(out, s.ptr, n);
        if (n < s.len)
            put_escape(out, (unsigned char)s.ptr[n++]);
        s = (struct str){s.ptr + n, s.len - n};
    }
    buf_putc(out, '"');
}

void api_json_key_str(struct api_json *w, struct str key)
{
    json_value(w);
    put_quoted(w->out, key);
    buf_putc(w->out, ':');
    w->needs_comma = false;
}

/* The comma, the quotes and the colon around a plain key. */
enum { KEY_FRAME = 4 };

void api_json_key(struct api_json *w, const char *key)
{
    const size_t n = strlen(key);
    char *out = buf_reserve(w->out, n + KEY_FRAME);
    if (out == NULL)
        return;
    char *const begin = out;
    if (w->needs_comma)
        *out++ = ',';
    *out++ = '"';
    out = mempcpy(out, key, n);
    *out++ = '"';
    *out++ = ':';
    buf_advance(w->out, (size_t)(out - begin));
    w->needs_comma = false;
}

void api_json_null(struct api_json *w)
{
    api_json_raw(w, STR("null"));
}

void api_json_bool(struct api_json *w, bool value)
{
    api_json_raw(w, value ? STR("true") : STR("false"));
}

void api_json_i64(struct api_json *w, int64_t value)
{
    json_value(w);
    buf_put_i64(w->out, value);
}

void api_json_i64_text(struct api_json *w, int64_t value)
{
    json_value(w);
    buf_putc(w->out, '"');
    buf_put_i64(w->out, value);
    buf_putc(w->out, '"');
}

/* A double that is a whole number of millionths, as a duration in milliseconds is, is written as that number: with at most fifteen
 * digits a decimal is the shortest of its double. */
static bool put_millionths(struct buf *out, double value)
{
    const double millionths = nearbyint(fabs(value) * MILLION);
    if (!(millionths < MILLIONTHS_END) || millionths / MILLION != fabs(value) || (value == 0 && signbit(value)))
        return false;
    const uint64_t n = (uint64_t)millionths;
    if (value < 0)
        buf_putc(out, '-');
    buf_put_u64(out, n / MILLION);
    char fraction[] = ".000000";
    uint64_t rest = n % MILLION;
    size_t n_digits = 0;
    for (size_t i = sizeof fraction - 2; i > 0; i--, rest /= 10) {
        fraction[i] = (char)('0' + rest % 10);
        if (n_digits == 0 && rest % 10 != 0)
            n_digits = i;
    }
    buf_put(out, fraction, n_digits == 0 ? 0 : n_digits + 1);
    return true;
}

static void put_shortest(struct buf *out, double value)
{
    char text[DOUBLE_TEXT_MAX];
    int length = 0;
    for (int digits = DOUBLE_DIGITS_SAFE; digits <= DOUBLE_DIGITS_EXACT; digits++) {
        length = snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    buf_put(out, text, (size_t)length);
}

void api_json_f64(struct api_json *w, double value)
{
    if (!isfinite(value)) {
        api_json_null(w);
        return;
    }
    json_value(w);
    if (!put_millionths(w->out, value))
        put_shortest(w->out, value);
}

/* A jsonb keeps ".0" and writes exponents out: 1e+17 would come back as the integer it equals. */
void api_json_real(struct api_json *w, double value)
{
    if (!isfinite(value) || value != trunc(value) || fabs(value) > INT64_END) {
        api_json_f64(w, value);
        return;
    }
    json_value(w);
    buf_printf(w->out, "%.1f", value);
}

void api_json_str(struct api_json *w, struct str value)
{
    if (value.ptr == NULL) {
        api_json_null(w);
        return;
    }
    json_value(w);
    put_quoted(w->out, value);
}

void api_json_cstr(struct api_json *w, const char *value)
{
    api_json_str(w, str_of(value));
}

void api_json_hex(struct api_json *w, const uint8_t *bytes, size_t n)
{
    json_value(w);
    buf_putc(w->out, '"');
    hex_put(w->out, bytes, n);
    buf_putc(w->out, '"');
}

void api_json_raw(struct api_json *w, struct str json)
{
    json_value(w);
    buf_puts(w->out, json.ptr == NULL ? STR("null") : json);
}

void api_json_time(struct api_json *w, int64_t wall_ns)
{
    json_value(w);
    buf_putc(w->out, '"');
    clock_put_rfc3339(w->out, wall_ns);
    buf_putc(w->out, '"');
}
