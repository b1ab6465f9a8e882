#include "api/jsonwrite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/hex.h"

/* One past the largest int64; exact as a double. */
#define INT64_END 9223372036854775808.0

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
    size_t run = 0; /* start of the bytes that go out as they are */
    for (size_t i = 0; i < s.len; i++) {
        if (is_plain((unsigned char)s.ptr[i]))
            continue;
        buf_put(out, s.ptr + run, i - run);
        put_escape(out, (unsigned char)s.ptr[i]);
        run = i + 1;
    }
    if (run < s.len)
        buf_put(out, s.ptr + run, s.len - run);
    buf_putc(out, '"');
}

void api_json_key_str(struct api_json *w, struct str key)
{
    json_value(w);
    put_quoted(w->out, key);
    buf_putc(w->out, ':');
    w->needs_comma = false;
}

void api_json_key(struct api_json *w, const char *key)
{
    api_json_key_str(w, str_of(key));
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

void api_json_f64(struct api_json *w, double value)
{
    if (!isfinite(value)) {
        api_json_null(w);
        return;
    }
    char text[DOUBLE_TEXT_MAX];
    int length = 0;
    for (int digits = DOUBLE_DIGITS_SAFE; digits <= DOUBLE_DIGITS_EXACT; digits++) {
        length = snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    json_value(w);
    buf_put(w->out, text, (size_t)length);
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
