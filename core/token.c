#include "core/token.h"

#include "core/attr.h"

enum { HEX_RUN_MIN = 8, HEX_LETTERS_MIN = 16, UUID_LEN = 36, CORRELATION_ID_MIN = 8, BASE64_MIN = 32 };
/* Bounds that keep the whole linear: a longer address or number is no such thing. */
enum { IPV6_MAX = 39, NUMBER_PARTS_MAX = 8 };

bool token_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return token_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool token_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool token_is_word(char c)
{
    return token_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || ((unsigned char)c & 0x80) != 0;
}

size_t token_run(struct str s, size_t from, size_t max, bool (*holds)(char))
{
    size_t n = 0;
    while (n < max && from + n < s.len && holds(s.ptr[from + n]))
        n++;
    return n;
}

bool token_has(struct str s, size_t at, char c)
{
    return at < s.len && s.ptr[at] == c;
}

bool token_has_any(struct str s, size_t at, const char *chars)
{
    return at < s.len && s.ptr[at] != '\0' && strchr(chars, s.ptr[at]) != NULL;
}

struct str token_tail(struct str s, size_t from)
{
    return (struct str){s.ptr + from, s.len - from};
}

size_t token_uuid(struct str s)
{
    if (s.len < UUID_LEN)
        return 0;
    for (size_t i = 0; i < UUID_LEN; i++) {
        const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? s.ptr[i] != '-' : !is_hex(s.ptr[i]))
            return 0;
    }
    return token_run(s, UUID_LEN, 1, token_is_word) == 0 ? UUID_LEN : 0;
}

static size_t match_date(struct str s)
{
    const size_t first = token_run(s, 0, 5, token_is_digit);
    if (first == 0 || first == 3 || first > 4 || !token_has_any(s, first, first == 4 ? "-/" : "/"))
        return 0;
    const char separator = s.ptr[first];
    const size_t second = token_run(s, first + 1, 3, token_is_digit);
    const size_t third_at = first + 1 + second + 1;
    if (second == 0 || second > 2 || !token_has(s, third_at - 1, separator))
        return 0;
    const size_t third = token_run(s, third_at, 5, token_is_digit);
    const bool is_date = first == 4 ? third >= 1 && third <= 2 : third == 4;
    return is_date ? third_at + third : 0;
}

static size_t match_zone(struct str s)
{
    if (token_has_any(s, 0, "Zz") && token_run(s, 1, 1, token_is_word) == 0)
        return 1;
    const size_t sign = token_has(s, 0, ' ') ? 1 : 0;
    if (!token_has_any(s, sign, "+-") || token_run(s, sign + 1, 2, token_is_digit) != 2)
        return 0;
    const size_t minute = sign + 3 + (token_has(s, sign + 3, ':') ? 1 : 0);
    return token_run(s, minute, 3, token_is_digit) == 2 ? minute + 2 : 0;
}

/* Without seconds, "12:34" is as likely a line and a column: it counts only after a date. */
static size_t match_clock(struct str s, bool needs_seconds)
{
    const size_t hour = token_run(s, 0, 3, token_is_digit);
    if (hour == 0 || hour > 2 || !token_has(s, hour, ':') || token_run(s, hour + 1, 3, token_is_digit) != 2)
        return 0;
    size_t at = hour + 3;
    if (token_has(s, at, ':') && token_run(s, at + 1, 3, token_is_digit) == 2)
        at += 3;
    else if (needs_seconds)
        return 0;
    if (token_has_any(s, at, ".,") && token_run(s, at + 1, 1, token_is_digit) == 1)
        at += 1 + token_run(s, at + 1, s.len, token_is_digit);
    return at + match_zone(token_tail(s, at));
}

size_t token_time(struct str s)
{
    size_t at = match_date(s);
    if (at == 0)
        at = match_clock(s, true);
    else if (token_has_any(s, at, "Tt _")) {
        const size_t clock = match_clock(token_tail(s, at + 1), false);
        at += clock == 0 ? 0 : clock + 1;
    }
    return token_run(s, at, 1, token_is_word) == 0 ? at : 0;
}

size_t token_ipv4(struct str s)
{
    size_t at = 0;
    for (int i = 0; i < 4; i++) {
        if (i > 0 && !token_has(s, at++, '.'))
            return 0;
        const size_t digits = token_run(s, at, 4, token_is_digit);
        if (digits == 0 || digits > 3)
            return 0;
        at += digits;
    }
    const bool has_fifth = token_has(s, at, '.') && token_run(s, at + 1, 1, token_is_digit) == 1;
    if (has_fifth || token_run(s, at, 1, token_is_word) == 1)
        return 0;
    const size_t port = token_has_any(s, at, ":/") ? token_run(s, at + 1, 6, token_is_digit) : 0;
    return port > 0 && port <= 5 ? at + 1 + port : at;
}

static bool is_hex_or_colon(char c)
{
    return is_hex(c) || c == ':';
}

size_t token_ipv6(struct str s)
{
    const size_t len = token_run(s, 0, IPV6_MAX + 1, is_hex_or_colon);
    size_t n_groups = 0;
    size_t n_gaps = 0;
    size_t n_digits = 0;
    for (size_t i = 0; i < len; i++) {
        n_digits += token_is_digit(s.ptr[i]);
        n_groups += s.ptr[i] != ':' && (i == 0 || s.ptr[i - 1] == ':');
        n_gaps += s.ptr[i] == ':' && i > 0 && s.ptr[i - 1] == ':';
        if (token_run(s, i, 5, is_hex) == 5)
            return 0;
    }
    const bool is_whole = n_gaps == 0 && (n_groups == 8 || n_groups == 6);
    const bool is_short = n_gaps == 1 && n_groups >= 1 && n_groups < 8;
    return (is_whole || is_short) && n_digits > 0 && token_run(s, len, 1, token_is_word) == 0 ? len : 0;
}

size_t token_hex(struct str s)
{
    const size_t len = token_run(s, 0, s.len, token_is_word);
    const size_t n_digits = token_run(s, 0, len, token_is_digit);
    if (len < HEX_RUN_MIN || n_digits == len || token_run(s, 0, len, is_hex) != len)
        return 0;
    for (size_t i = 0; i < len; i++)
        if (token_is_digit(s.ptr[i]))
            return len;
    return len >= HEX_LETTERS_MIN ? len : 0;
}

static bool is_base64(char c)
{
    return (token_is_word(c) && ((unsigned char)c & 0x80) == 0) || c == '-' || c == '_';
}

/* The first bytes tell: names as long as that lack either digits or one of the cases. */
size_t token_base64(struct str s)
{
    if (token_run(s, 0, BASE64_MIN, is_base64) < BASE64_MIN)
        return 0;
    size_t n_digits = 0;
    size_t n_upper = 0;
    size_t n_lower = 0;
    for (size_t i = 0; i < BASE64_MIN; i++) {
        n_digits += token_is_digit(s.ptr[i]);
        n_upper += s.ptr[i] >= 'A' && s.ptr[i] <= 'Z';
        n_lower += s.ptr[i] >= 'a' && s.ptr[i] <= 'z';
    }
    return n_digits >= 2 && n_upper >= 2 && n_lower >= 2 ? token_run(s, 0, s.len, is_base64) : 0;
}

static bool is_unit(struct str word)
{
    static const char *const UNITS[] = {"ns", "us", "ms", "s",  "m",  "h",   "d",   "min", "sec",
                                        "b",  "k",  "kb", "mb", "gb", "kib", "mib", "gib"};
    for (size_t i = 0; i < ARRAY_LEN(UNITS); i++)
        if (str_equal_nocase(word, str_of(UNITS[i])))
            return true;
    return false;
}

size_t token_number(struct str s)
{
    const size_t sign = token_has_any(s, 0, "+-") ? 1 : 0;
    size_t at = sign + token_run(s, sign, s.len, token_is_digit);
    if (at == sign)
        return 0;
    for (int i = 0; i < NUMBER_PARTS_MAX && token_has_any(s, at, ".,"); i++) {
        const size_t digits = token_run(s, at + 1, s.len, token_is_digit);
        if (digits == 0 || (s.ptr[at] == ',' && digits != 3))
            break;
        at += 1 + digits;
    }
    if (token_has_any(s, at, "eE")) {
        const size_t exponent = at + 1 + (token_has_any(s, at + 1, "+-") ? 1 : 0);
        const size_t digits = token_run(s, exponent, 4, token_is_digit);
        at = digits > 0 && digits < 4 ? exponent + digits : at;
    }
    const size_t word = token_run(s, at, s.len, token_is_word);
    return word == 0 || is_unit((struct str){s.ptr + at, word}) ? at : 0;
}

size_t token_word_with_digits(struct str s, size_t n_digits_min)
{
    const size_t len = token_run(s, 0, s.len, token_is_word);
    size_t n_digits = 0;
    for (size_t i = 0; i < len; i++)
        n_digits += token_is_digit(s.ptr[i]);
    return n_digits >= n_digits_min || (len > 0 && token_is_digit(s.ptr[0])) ? len : 0;
}

size_t token_correlation(struct str s)
{
    static const char *const NAMES[] = {"trace", "span"};
    size_t at = 0;
    for (size_t i = 0; i < ARRAY_LEN(NAMES) && at == 0; i++) {
        const struct str name = str_of(NAMES[i]);
        if (s.len > name.len && str_equal_nocase((struct str){s.ptr, name.len}, name))
            at = name.len;
    }
    if (at == 0)
        return 0;
    at += token_has_any(s, at, "_- .") ? 1 : 0;
    if (s.len - at < 2 || !str_equal_nocase((struct str){s.ptr + at, 2}, STR("id")))
        return 0;
    at += 2;
    while (token_has_any(s, at, ":= \""))
        at++;
    const size_t digits = token_run(s, at, s.len, is_hex);
    if (digits < CORRELATION_ID_MIN || token_run(s, at + digits, 1, token_is_word) == 1)
        return 0;
    at += digits;
    at += token_has(s, at, '"') ? 1 : 0;
    return at + token_run(s, at, s.len, token_is_space);
}
