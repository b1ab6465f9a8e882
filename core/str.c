#include "core/str.h"

#include <math.h>
#include <stdlib.h>

/* The longest exact form of a double ("%f" of the least denormal) has 1,077 characters. */
enum { STR_NUMBER_MAX = 1100 };

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int str_compare(struct str a, struct str b)
{
    const size_t len = a.len < b.len ? a.len : b.len;
    const int order = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool str_equal_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

bool str_starts_with(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

bool str_contains(struct str s, struct str needle)
{
    return needle.len == 0 || (s.len >= needle.len && memmem(s.ptr, s.len, needle.ptr, needle.len) != NULL);
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

struct str str_split(struct str s, char sep, struct str *rest)
{
    const char *at = s.len == 0 ? NULL : memchr(s.ptr, sep, s.len);
    if (at == NULL) {
        *rest = (struct str){NULL, 0};
        return s;
    }
    const size_t n_before = (size_t)(at - s.ptr);
    *rest = (struct str){at + 1, s.len - n_before - 1};
    return (struct str){s.ptr, n_before};
}

bool str_to_u64(struct str s, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.ptr[i]))
            return false;
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value))
            return false;
    }
    if (s.len == 0)
        return false;
    *out = value;
    return true;
}

bool str_to_i64(struct str s, int64_t *out)
{
    const bool is_negative = s.len > 0 && s.ptr[0] == '-';
    const uint64_t bound = (uint64_t)INT64_MAX + (is_negative ? 1 : 0);
    uint64_t magnitude = 0;
    if (!str_to_u64(is_negative ? (struct str){s.ptr + 1, s.len - 1} : s, &magnitude) || magnitude > bound)
        return false;
    /* Negating in uint64_t is defined for INT64_MIN too. */
    *out = (int64_t)(is_negative ? UINT64_C(0) - magnitude : magnitude);
    return true;
}

/* Moves *i past the digits there; returns how many. */
static size_t skip_digits(struct str s, size_t *i)
{
    const size_t start = *i;
    while (*i < s.len && is_digit(s.ptr[*i]))
        ++*i;
    return *i - start;
}

static void skip_sign(struct str s, size_t *i)
{
    if (*i < s.len && (s.ptr[*i] == '+' || s.ptr[*i] == '-'))
        ++*i;
}

static bool is_decimal(struct str s)
{
    size_t i = 0;
    skip_sign(s, &i);
    size_t n_digits = skip_digits(s, &i);
    if (i < s.len && s.ptr[i] == '.') {
        i++;
        n_digits += skip_digits(s, &i);
    }
    if (n_digits == 0)
        return false;
    if (i < s.len && lower(s.ptr[i]) == 'e') {
        i++;
        skip_sign(s, &i);
        if (skip_digits(s, &i) == 0)
            return false;
    }
    return i == s.len;
}

bool str_to_double(struct str s, double *out)
{
    char text[STR_NUMBER_MAX + 1];
    if (s.len > STR_NUMBER_MAX || !is_decimal(s))
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    /* The program never leaves the C locale, so the point is a point. */
    const double value = strtod(text, NULL);
    if (!isfinite(value))
        return false;
    *out = value;
    return true;
}
