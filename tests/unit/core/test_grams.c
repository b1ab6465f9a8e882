#include "core/grams.h"

#include "tests/check_main.h"

static struct grams *text, *part;

static void setup(void)
{
    text = grams_new();
    part = grams_new();
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(part);
}

static void teardown(void)
{
    grams_free(text);
    grams_free(part);
}

/* Whether each gram of the part is one of the text. */
static bool is_within(void)
{
    static int32_t in_text[1 << 16], in_part[1 << 16];
    const size_t n_text = grams_last(text, in_text, sizeof in_text / sizeof *in_text);
    const size_t n_part = grams_last(part, in_part, sizeof in_part / sizeof *in_part);
    size_t i = 0;
    for (size_t p = 0; p < n_part; p++) {
        while (i < n_text && in_text[i] < in_part[p])
            i++;
        if (i == n_text || in_text[i] != in_part[p])
            return false;
    }
    return true;
}

static const struct {
    const char *text, *part;
    bool begins, ends; /* the part, where a word does */
    bool is_held, is_told; /* is_told: the grams say so when it is not held */
} CASES[] = {
    {"Connection refused by 10.0.0.1:8080", "CONNECTION REF", false, false, true, false},
    {"Connection refused by 10.0.0.1:8080", "connection", true, true, true, false},
    {"Connection refused by 10.0.0.1:8080", "nect", true, true, false, true},
    {"Connection refused by 10.0.0.1:8080", "0.0.1:80", false, false, true, false},
    {"Connection refused by 10.0.0.1:8080", "10.0.0.1", true, true, true, false},
    {"Connection refused by 10.0.0.1:8080", "timeout", false, false, false, true},
    {"order 87201 received", "87201", true, true, true, false},
    {"order 87201 received", "87202", true, true, false, true},
    {"id 6f3cbf058c2765548a39ad724905d6a1.", "58C2765548a", false, false, true, false},
    {"id 6f3cbf058c2765548a39ad724905d6a1.", "58c2765548b", false, false, false, true},
    {"id 550e8400-e29b-41d4-a716-446655440000", "E29B-41d4-a716-446655440000", false, false, true, false},
    {"id 550e8400-e29b-41d4-a716-446655440000", "e29b-41d5-a716", false, false, false, true},
    /* A word with a letter that is not ASCII beside it is whole in some locales and not in others. */
    {"Gr\xc3\xb6\xc3\x9f" "e42x", "e42x", true, true, true, false},
    {"\xc3\x96" "abc", "\xc3\xb6" "abc", true, true, true, false},
    {"abc\xc3\x96", "abc\xc3\xb6", true, true, true, false},
    /* What a locale may take for an ASCII letter, in any mixture with ASCII. */
    {"FA\xc4\xb0L \xe2\x84\xaa" "elvin", "fail kelvin", true, true, true, false},
    {"\xc4\xb1nput \xc3\x8c\xc3\x8d\xc4\xa8x", "INPUT IIIX", true, true, true, false},
    {"me\xc5\xbf\xc5\xbf" "age I\xcc\x87stanbul", "message istanbul", true, true, true, false},
    {"x fa\xc4\xb0l y", "fa", true, true, true, false},
    {"abc\xc4\xb1", "abc\xc4\xb1", true, true, true, false},
    {"tab\there", "b\the", false, false, true, false},
};

START_TEST(a_text_has_what_its_parts_want)
{
    grams_add_text(text, str_of(CASES[_i].text));
    grams_add_part(part, str_of(CASES[_i].part), CASES[_i].begins, CASES[_i].ends);
    if (CASES[_i].is_held || CASES[_i].is_told)
        ck_assert_int_eq(is_within(), CASES[_i].is_held);
    ck_assert(grams_is_ok(text));
}
END_TEST

static unsigned seed;

static unsigned next(unsigned below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

static const char *const alphabet[] = {
    "a",    "B",        "c",        "1",        "2",        "f",        "9",            "_",        "-",
    " ",    ".",        "%",        "i",        "k",        "S",        "\xc3\xb6",     "\xc3\x96", "\xc4\xb0",
    "\xc4\xb1", "\xe2\x84\xaa", "\xcc\x87", "\xe6\x97\xa5", "\xc5\xbf", "\t",
};

/* Characters, not bytes: offsets of their beginnings, and of the end. */
static size_t make_text(char *out, size_t *offsets, size_t n)
{
    const unsigned n_used = next(2) == 0 ? 8 : sizeof alphabet / sizeof *alphabet;
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        const char *const c = alphabet[next(n_used)];
        offsets[i] = len;
        memcpy(out + len, c, strlen(c));
        len += strlen(c);
    }
    offsets[n] = len;
    return len;
}

/* Other case for ASCII letters: the part is found in any. */
static void swap_case(char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z') && next(2) == 0)
            s[i] = (char)(s[i] ^ 0x20);
}

START_TEST(any_part_of_any_text_is_within)
{
    enum { TRIES = 4000, CHARACTERS = 60 };
    char whole[4 * CHARACTERS], some[4 * CHARACTERS];
    size_t offsets[CHARACTERS + 1];
    seed = 1;
    for (int i = 0; i < TRIES; i++) {
        const size_t n = 1 + next(CHARACTERS - 1);
        const size_t len = make_text(whole, offsets, n);
        const size_t from = next((unsigned)n);
        const size_t to = from + 1 + next((unsigned)(n - from));
        const size_t part_len = offsets[to] - offsets[from];
        memcpy(some, whole + offsets[from], part_len);
        swap_case(some, part_len);
        grams_clear(text);
        grams_clear(part);
        grams_add_text(text, (struct str){whole, len});
        grams_add_part(part, (struct str){some, part_len}, from == 0, to == n);
        ck_assert_msg(is_within(), "'%.*s' in '%.*s'", (int)part_len, some, (int)len, whole);
    }
}
END_TEST

START_TEST(tags_are_equal_or_not)
{
    grams_add_tag(text, 1, STR("shop"));
    grams_add_tag(part, 1, STR("shop"));
    ck_assert(is_within());
    grams_add_tag(part, 2, STR("shop"));
    ck_assert(!is_within());
    grams_clear(part);
    grams_add_tag(part, 1, STR("Shop"));
    ck_assert(!is_within());
}
END_TEST

START_TEST(the_last_are_those_of_words)
{
    int32_t all[64], some[2];
    grams_add_text(text, STR("order abc"));
    const size_t n = grams_last(text, all, 64);
    ck_assert_uint_eq(n, grams_count(text));
    ck_assert_uint_eq(n, 7 + 2);
    for (size_t i = 1; i < n; i++)
        ck_assert_int_lt(all[i - 1], all[i]);
    ck_assert_int_ge(all[n - 2], 1 << 18);
    ck_assert_int_lt(all[n - 3], 1 << 18);
    ck_assert_uint_eq(grams_last(text, some, 2), 2);
    ck_assert_int_eq(some[1], all[n - 1]);
    grams_clear(text);
    ck_assert_uint_eq(grams_count(text), 0);
}
END_TEST

static TCase *tcase_grams(void)
{
    TCase *t = tcase_create("grams");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, a_text_has_what_its_parts_want, 0, sizeof CASES / sizeof *CASES);
    tcase_add_test(t, any_part_of_any_text_is_within);
    tcase_add_test(t, tags_are_equal_or_not);
    tcase_add_test(t, the_last_are_those_of_words);
    return t;
}

CHECK_MAIN("grams", tcase_grams)
