/* A borrowed slice of bytes: not NUL-terminated, may hold any byte, valid as long as what it points into.
 * {NULL, 0} means "absent"; {p, 0} with p not NULL means "present and empty". */
#ifndef TRACEKIN_CORE_STR_H
#define TRACEKIN_CORE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *ptr;
    size_t len;
};

/* From a string literal, at compile time. */
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
/* For printf: printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).len, (s).ptr == NULL ? "" : (s).ptr

static inline struct str str_of(const char *c_string)
{
    return (struct str){c_string, c_string == NULL ? 0 : strlen(c_string)};
}

static inline bool str_equal(struct str a, struct str b)
{
    /* Only an empty one may be NULL. NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* By bytes, a prefix first: below, at or above 0. */
int str_compare(struct str a, struct str b);
/* ASCII letters compare without case. */
bool str_equal_nocase(struct str a, struct str b);
bool str_starts_with(struct str s, struct str prefix);
/* Whether needle occurs in s; an empty needle always does. */
bool str_contains(struct str s, struct str needle);
/* Without leading and trailing spaces, tabs, CR and LF. */
struct str str_trim(struct str s);
/* Splits s at the first sep: returns what is before it and leaves what is after it in *rest; when there is no sep,
 * returns s and leaves *rest absent. */
struct str str_split(struct str s, char sep, struct str *rest);
/* Whole decimal integer, optional leading '-'; false when s is not one or does not fit. */
bool str_to_i64(struct str s, int64_t *out);
bool str_to_u64(struct str s, uint64_t *out);
/* A finite decimal number as C's strtod reads it, without hex, inf or nan, whatever the locale; false when s is not one. */
bool str_to_double(struct str s, double *out);

#endif
