/* db/question/like.c, db/question/regex.c: a byte, a line with a pattern, then a text. What a LIKE pattern or a regular expression wants of a text is
 * in every text that it matches, as told by another matcher; the pattern of a text matches it. */
#include "db/question/like.h"

#include <regex.h>

#include "db/question/regex.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/support/subset.h"

enum { ARENA_BYTES = 1 << 20, PATTERN_MAX = 64, TEXT_MAX = 128 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* ILIKE of bytes: by rows, so that no pattern takes long. */
static bool like_matches(struct str pattern, struct str text)
{
    bool row[TEXT_MAX + 1] = {true};
    for (size_t p = 0; p < pattern.len; p++) {
        const bool is_any = pattern.ptr[p] == '%', is_one = pattern.ptr[p] == '_';
        if (!is_any && !is_one && pattern.ptr[p] == '\\' && p + 1 < pattern.len)
            p++;
        if (is_any) {
            for (size_t i = 1; i <= text.len; i++)
                row[i] = row[i] || row[i - 1];
            continue;
        }
        for (size_t i = text.len; i > 0; i--)
            row[i] = row[i - 1] && (is_one || lower(pattern.ptr[p]) == lower(text.ptr[i - 1]));
        row[0] = false;
    }
    return row[text.len];
}

static void check_like(struct str pattern, struct str text)
{
    struct subset *const s = subset_begin();
    db_like_want(s->wanted, pattern);
    if (text.len > TEXT_MAX || !like_matches(pattern, text))
        return;
    grams_add_text(s->had, text);
    subset_check(s, pattern, text);
}

static void check_contains(struct str part, struct str text)
{
    AUTO(arena) struct arena arena;
    arena_init(&arena, ARENA_BYTES);
    const struct str pattern = db_like_contains(part, &arena);
    FUZZ_CHECK(pattern.ptr != NULL, "out of memory");
    if (part.len <= TEXT_MAX)
        FUZZ_CHECK(like_matches(pattern, part), "'%.*s' is not like '%.*s'", STR_ARG(part), STR_ARG(pattern));
    check_like(pattern, text);
}

/* Where an ARE of PostgreSQL and an ERE of POSIX mean the same, and no repetition makes glibc slow. */
static bool is_common(struct str regex)
{
    static const char others[] = " _.*+?|()^$\"=:;,'<>!@#%&~`-/";
    for (size_t i = 0; i < regex.len; i++) {
        const char c = regex.ptr[i], next = i + 1 < regex.len ? regex.ptr[i + 1] : '\0';
        const bool is_plain = (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || (c != '\0' && strchr(others, c) != NULL);
        if (!is_plain || (c == '(' && next == '?'))
            return false;
        if (strchr("*+?", c) != NULL && (i == 0 || strchr("*+?|(^", regex.ptr[i - 1]) != NULL))
            return false;
    }
    return regex.len <= PATTERN_MAX && !str_starts_with(regex, STR("***"));
}

static bool regex_matches(struct str regex, struct str text)
{
    char pattern[PATTERN_MAX + 1] = "", subject[TEXT_MAX + 1] = "";
    regex_t compiled;
    memcpy(pattern, regex.ptr, regex.len);
    memcpy(subject, text.ptr, text.len);
    if (regcomp(&compiled, pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0)
        return false;
    const bool is_match = regexec(&compiled, subject, 0, NULL, 0) == 0;
    regfree(&compiled);
    return is_match;
}

static void check_regex(struct str regex, struct str text)
{
    struct subset *const s = subset_begin();
    db_regex_want(s->wanted, regex);
    if (!is_common(regex) || text.len > TEXT_MAX || memchr(text.ptr, '\0', text.len) != NULL || !regex_matches(regex, text))
        return;
    grams_add_text(s->had, text);
    subset_check(s, regex, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_input_of(data, size);
    const uint8_t way = fuzz_byte(&in);
    const struct str pattern = fuzz_line(&in);
    if (way % 3 == 0)
        check_like(pattern, in.rest);
    else if (way % 3 == 1)
        check_contains(pattern, in.rest);
    else
        check_regex(pattern, in.rest);
    return 0;
}
