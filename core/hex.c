#include "core/hex.h"

/* The value of a digit plus one; 0 for what is not a digit. */
static const uint8_t hex_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

static const char standard_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum { BASE64_BAD = 64 };

void hex_put(struct buf *b, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    char *out = buf_reserve(b, n > SIZE_MAX / 2 ? SIZE_MAX : n * 2);
    if (out == NULL)
        return;
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    buf_advance(b, n * 2);
}

static bool is_hex(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (hex_values[(uint8_t)text.ptr[i]] == 0)
            return false;
    return true;
}

/* The value of the digit that is i_from_end places before the last; 0 where there is none. */
static unsigned digit_at(struct str text, size_t i_from_end)
{
    return i_from_end < text.len ? hex_values[(uint8_t)text.ptr[text.len - 1 - i_from_end]] - 1U : 0;
}

bool hex_parse_padded(struct str text, uint8_t *out, size_t n)
{
    if (text.len == 0 || text.len / 2 + text.len % 2 > n || !is_hex(text))
        return false;
    for (size_t i = 0; i < n; i++)
        out[n - 1 - i] = (uint8_t)(digit_at(text, 2 * i + 1) << 4 | digit_at(text, 2 * i));
    return true;
}

bool hex_parse(struct str text, uint8_t *out, size_t n)
{
    if (n == 0)
        return text.len == 0;
    return text.len / 2 == n && text.len % 2 == 0 && hex_parse_padded(text, out, n);
}

/* Appends up to three bytes as n_bytes + 1 characters. */
static void put_group(struct buf *b, const char *alphabet, const uint8_t *bytes, size_t n_bytes)
{
    uint32_t bits = (uint32_t)bytes[0] << 16;
    if (n_bytes > 1)
        bits |= (uint32_t)bytes[1] << 8;
    if (n_bytes > 2)
        bits |= bytes[2];
    const char text[4] = {alphabet[bits >> 18], alphabet[bits >> 12 & 63], alphabet[bits >> 6 & 63],
                          alphabet[bits & 63]};
    buf_put(b, text, n_bytes + 1);
}

static void put_base64(struct buf *b, const char *alphabet, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i += 3)
        put_group(b, alphabet, bytes + i, n - i < 3 ? n - i : 3);
}

void base64_put(struct buf *b, const uint8_t *bytes, size_t n)
{
    put_base64(b, standard_alphabet, bytes, n);
    if (n % 3 != 0)
        buf_put(b, "==", 3 - n % 3);
}

void base64_put_url(struct buf *b, const uint8_t *bytes, size_t n)
{
    put_base64(b, url_alphabet, bytes, n);
}

static unsigned base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0') + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : BASE64_BAD;
}

/* Takes the padding off; false when it is not what the length asks for. */
static bool strip_padding(struct str *text)
{
    const size_t n_padded = text->len;
    while (text->len > 0 && n_padded - text->len < 2 && text->ptr[text->len - 1] == '=')
        text->len--;
    return text->len % 4 != 1 && (text->len == n_padded || n_padded % 4 == 0);
}

bool base64_parse(struct str text, struct buf *out)
{
    const size_t start = out->len;
    if (!strip_padding(&text))
        return false;
    uint32_t bits = 0;
    unsigned n_bits = 0;
    for (size_t i = 0; i < text.len; i++) {
        const unsigned value = base64_value(text.ptr[i]);
        if (value == BASE64_BAD) {
            out->len = start;
            return false;
        }
        bits = bits << 6 | value;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            buf_putc(out, (char)(uint8_t)(bits >> n_bits));
        }
    }
    return true;
}

bool base64_is_canonical(struct str text)
{
    struct str digits = text;
    if (text.len % 4 != 0 || !strip_padding(&digits))
        return false;
    unsigned last = 0;
    for (size_t i = 0; i < digits.len; i++) {
        last = base64_value(digits.ptr[i]);
        if (last == BASE64_BAD || digits.ptr[i] == '-' || digits.ptr[i] == '_')
            return false;
    }
    /* The bits past the last whole byte are zero. */
    static const unsigned spare_bits[] = {0, 0, 15, 3};
    return (last & spare_bits[digits.len % 4]) == 0;
}
