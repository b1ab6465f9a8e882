#include "api/request/values.h"

#include <string.h>

#include "core/clock.h"
#include "core/hex.h"
#include "core/utf8.h"

/* The unit of a bare number by its digits: seconds reach 11 digits in the year 5138, milliseconds 14, microseconds 17. */
static int64_t unit_of_digits(size_t n_digits)
{
    static const struct {
        size_t n_digits_max;
        int64_t unit_ns;
    } units[] = {{11, NS_PER_S}, {14, NS_PER_MS}, {17, NS_PER_US}, {19, 1}};
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (n_digits <= units[i].n_digits_max)
            return units[i].unit_ns;
    return 0;
}

static bool parse_epoch(struct str text, int64_t *wall_ns)
{
    int64_t number, ns;
    if (text.len == 0 || text.ptr[0] == '-' || !str_to_i64(text, &number))
        return false;
    const int64_t unit_ns = unit_of_digits(text.len);
    if (unit_ns == 0 || __builtin_mul_overflow(number, unit_ns, &ns))
        return false;
    *wall_ns = ns;
    return true;
}

static bool parse_now(struct str text, int64_t now_ns, int64_t *wall_ns)
{
    const struct str now = STR("now");
    if (!str_starts_with(text, now))
        return false;
    if (text.len == now.len) {
        *wall_ns = now_ns;
        return true;
    }
    int64_t ago_ns;
    const struct str ago = {text.ptr + now.len + 1, text.len - now.len - 1};
    if (text.ptr[now.len] != '-' || !clock_parse_duration(ago, &ago_ns))
        return false;
    *wall_ns = now_ns - ago_ns;
    return true;
}

bool api_time_parse(struct str text, int64_t now_ns, int64_t *wall_ns)
{
    return parse_epoch(text, wall_ns) || parse_now(text, now_ns, wall_ns) || clock_parse_rfc3339(text, wall_ns);
}

bool api_level_parse(struct str text, int64_t *severity)
{
    static const struct {
        const char *name;
        int64_t severity;
    } levels[] = {
        {"trace", 1}, {"debug", 5},  {"info", 9},      {"information", 9}, {"notice", 10}, {"warn", 13},
        {"warning", 13}, {"error", 17}, {"err", 17}, {"fatal", 21},     {"critical", 21},
    };
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (str_equal_nocase(text, str_of(levels[i].name))) {
            *severity = levels[i].severity;
            return true;
        }
    int64_t number;
    if (!str_to_i64(text, &number) || number < 1 || number > 24)
        return false;
    *severity = number;
    return true;
}

static bool decode_into(struct str text, bool is_query, char *out, size_t *len)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = (uint8_t)text.ptr[i];
        if (byte == '%') {
            if (text.len - i < 3 || !hex_parse((struct str){text.ptr + i + 1, 2}, &byte, 1))
                return false;
            i += 2;
        } else if (byte == '+' && is_query) {
            byte = ' ';
        }
        out[n++] = (char)byte;
    }
    *len = n;
    return true;
}

static bool is_encoded(struct str text, bool is_query)
{
    return text.len > 0 && (memchr(text.ptr, '%', text.len) != NULL || (is_query && memchr(text.ptr, '+', text.len) != NULL));
}

bool api_url_decode(struct str text, bool is_query, struct arena *arena, struct str *out)
{
    struct str decoded = text;
    if (is_encoded(text, is_query)) {
        char *copy = arena_alloc(arena, text.len);
        if (copy == NULL || !decode_into(text, is_query, copy, &decoded.len))
            return false;
        decoded.ptr = copy;
    }
    if (!utf8_is_clean(decoded))
        return false;
    *out = decoded;
    return true;
}
