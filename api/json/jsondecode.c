/* The text of a JSON string that has escapes. */
#include "api/json/jsonread.h"

enum { UNIT_DIGITS = 4, HIGH_FIRST = 0xd800, LOW_FIRST = 0xdc00, LOW_LAST = 0xdfff, REPLACEMENT = 0xfffd };

static uint32_t unit_at(const char *p)
{
    uint32_t unit = 0;
    for (int i = 0; i < UNIT_DIGITS; i++) {
        const uint32_t c = (unsigned char)p[i];
        unit = unit << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return unit;
}

static char *put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
        return out;
    }
    const int n_tail = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t heads[] = {0, 0xc0, 0xe0, 0xf0};
    *out++ = (char)(heads[n_tail] | c >> 6 * n_tail);
    for (int i = n_tail - 1; i >= 0; i--)
        *out++ = (char)(0x80 | (c >> 6 * i & 0x3f));
    return out;
}

/* Decodes the \u escapes whose first digit is at *p, a surrogate pair as one, and moves *p past them. */
static char *put_unicode(char *out, const char **p, const char *end)
{
    uint32_t c = unit_at(*p);
    *p += UNIT_DIGITS;
    if (c >= HIGH_FIRST && c < LOW_FIRST && end - *p >= 2 + UNIT_DIGITS && (*p)[0] == '\\' && (*p)[1] == 'u') {
        const uint32_t low = unit_at(*p + 2);
        if (low >= LOW_FIRST && low <= LOW_LAST) {
            *p += 2 + UNIT_DIGITS;
            return put_utf8(out, 0x10000 + ((c - HIGH_FIRST) << 10) + (low - LOW_FIRST));
        }
    }
    if (c == 0 || (c >= HIGH_FIRST && c <= LOW_LAST))
        c = REPLACEMENT;
    return put_utf8(out, c);
}

static char *put_escape(char *out, const char **p, const char *end)
{
    static const char meanings[256] = {['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};
    const char c = *(*p)++;
    if (c == 'u')
        return put_unicode(out, p, end);
    const char meaning = meanings[(unsigned char)c];
    *out++ = meaning == 0 ? c : meaning;
    return out;
}

struct str api_json_decode(struct arena *arena, const struct api_json_string *s)
{
    if (!s->has_escape)
        return s->raw;
    /* No escape is shorter than what it stands for. */
    char *const start = arena_alloc(arena, s->raw.len);
    if (start == NULL)
        return (struct str){NULL, 0};
    char *out = start;
    const char *p = s->raw.ptr, *const end = p + s->raw.len;
    while (p < end) {
        const char *const escape = memchr(p, '\\', (size_t)(end - p));
        const size_t n_plain = (size_t)((escape == NULL ? end : escape) - p);
        memcpy(out, p, n_plain);
        out += n_plain;
        p += n_plain;
        if (escape != NULL) {
            p++;
            out = put_escape(out, &p, end);
        }
    }
    return (struct str){start, (size_t)(out - start)};
}
