/* db/question/log_query.c: the q of log search. What is taken has the terms that are there, each part is the pattern of its text, each
 * regular expression is of its text alone and readable. */
#include "db/question/log_query.h"

#include "tests/fuzz/fuzz.h"

enum { ARENA_BYTES = 1 << 20 };
#define EDGE STR("(?:(?<!\\w)|(?!\\w))")

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* How many terms a human counts; phrases may hold spaces and escaped quotes. */
static size_t count_terms(struct str q)
{
    size_t n = 0;
    for (size_t i = 0; i < q.len;) {
        if (is_space(q.ptr[i])) {
            i++;
            continue;
        }
        n++;
        i += q.ptr[i] == '-';
        if (i < q.len && q.ptr[i] == '"') {
            for (i++; i < q.len && q.ptr[i] != '"'; i++)
                i += q.ptr[i] == '\\' && i + 1 < q.len;
            i += i < q.len;
        } else {
            while (i < q.len && !is_space(q.ptr[i]))
                i++;
        }
    }
    return n;
}

/* Without the backslash before what it escapes. */
static void check_part(struct str pattern, struct str text)
{
    size_t n = 0;
    FUZZ_CHECK(pattern.len >= 2 && pattern.ptr[0] == '%' && pattern.ptr[pattern.len - 1] == '%', "no pattern: %.*s", STR_ARG(pattern));
    for (size_t i = 1; i + 1 < pattern.len; i++) {
        i += pattern.ptr[i] == '\\';
        FUZZ_CHECK(i + 1 < pattern.len && n < text.len && pattern.ptr[i] == text.ptr[n], "%.*s is not of %.*s", STR_ARG(pattern), STR_ARG(text));
        n++;
    }
    FUZZ_CHECK(n == text.len, "%.*s is not all of %.*s", STR_ARG(pattern), STR_ARG(text));
}

/* But for word boundaries every character stands for itself: no repetition, no group, nothing that takes long. */
static void check_regex(struct str regex)
{
    if (str_starts_with(regex, EDGE))
        regex = (struct str){regex.ptr + EDGE.len, regex.len - EDGE.len};
    if (regex.len >= EDGE.len && str_equal((struct str){regex.ptr + regex.len - EDGE.len, EDGE.len}, EDGE))
        regex.len -= EDGE.len;
    for (size_t i = 0; i < regex.len; i++) {
        const char c = regex.ptr[i];
        if (c == '\\')
            FUZZ_CHECK(++i < regex.len, "a backslash escapes nothing: %.*s", STR_ARG(regex));
        else
            FUZZ_CHECK(c != '\0' && strchr(".*+?{}()[]|^$", c) == NULL, "'%c' is not escaped: %.*s", c, STR_ARG(regex));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) struct arena arena;
    struct db_log_query q;
    struct err_info e = {0};
    const struct str text = fuzz_input_of(data, size).rest;
    arena_init(&arena, ARENA_BYTES);
    /* As parameters are. */
    if (!fuzz_is_clean(text))
        return 0;
    const enum err code = db_log_query_parse(text, &arena, &q, &e);
    FUZZ_CHECK(code == OK || (code == ERR_INVALID && strcmp(e.parameter, "q") == 0), "%s", e.message);
    if (code != OK)
        return 0;
    FUZZ_CHECK(q.n_parts + q.n_excluded == count_terms(text) && q.n_parts + q.n_excluded <= DB_LOG_QUERY_TERMS_MAX, "%zu and %zu terms of %zu",
               q.n_parts, q.n_excluded, count_terms(text));
    FUZZ_CHECK(q.n_regexes <= q.n_parts, "more words than terms");
    for (size_t i = 0; i < q.n_parts; i++)
        check_part(q.parts[i], q.texts[i].text);
    for (size_t i = 0; i < q.n_regexes; i++)
        check_regex(q.regexes[i]);
    for (size_t i = 0; i < q.n_excluded; i++)
        check_regex(q.excluded[i]);
    return 0;
}
