#include "db/question/regex.h"

#include "db/question/like.h"
#include "tests/check_main.h"

enum { GRAMS_MAX = 4096 };

static struct grams *wanted, *expected;

static void setup(void)
{
    wanted = grams_new();
    expected = grams_new();
}

static void teardown(void)
{
    grams_free(wanted);
    grams_free(expected);
}

/* The parts, apart by a line's end, are what is wanted. */
static void expect(const char *what, const char *parts)
{
    static int32_t a[GRAMS_MAX], b[GRAMS_MAX];
    for (struct str rest = str_of(parts), part; rest.ptr != NULL;) {
        part = str_split(rest, '\n', &rest);
        grams_add_part(expected, part, false, false);
    }
    const size_t n_a = grams_last(wanted, a, GRAMS_MAX);
    const size_t n_b = grams_last(expected, b, GRAMS_MAX);
    ck_assert_msg(n_a == n_b && memcmp(a, b, n_a * sizeof *a) == 0, "%s wants other than %s", what, parts);
}

static const struct {
    const char *text, *parts;
} REGEXES[] = {
    {"plain text", "plain text"},
    {"^started in [0-9]+ ms$", "started in \n ms"},
    {"one.two", "one\ntwo"},
    {"colou?r and flavou*r", "colo\nr and flavo\nr"},
    {"abc+def", "abc\ndef"},
    {"abcd{2,3}efg", "abc\nefg"},
    {"abcd*?efg+?hij", "abc\nefg\nhij"},
    {"a\\.b\\(c\\) def", "a.b(c) def"},
    {"id=\\d+ status=\\w+ end", "id=\n status=\n end"},
    {"\\mword\\M", "word"},
    {"before(abc|def)?after", "before\nafter"},
    {"before(ab(cd)|[)]e\\)f)after", "before\nafter"},
    {"[]abc]xyz[^]abc]uvw", "xyz\nuvw"},
    {"caf\xc3\xa9* closed", "caf\n closed"},
    {"(?:x)", ""}, /* options begin so too */
    {"(?i)abc", ""},
    {"***=abc.def", ""},
    {"***:abc", ""},
    {"abc|def", ""},
    {"abc\\x41def", ""},
    {"abc\\Bdef", ""},
    {"(abc)\\1def", ""},
    {"abc[[:alpha:]]def", ""},
    {"abc[\\]]def", ""},
    {"abc(def", ""},
    {"abc)def", ""},
    {"abc\\", ""},
    {"", ""},
};

START_TEST(parts_that_every_match_has)
{
    db_regex_want(wanted, str_of(REGEXES[_i].text));
    expect(REGEXES[_i].text, REGEXES[_i].parts);
}
END_TEST

static const struct {
    const char *text, *parts;
} PATTERNS[] = {
    {"plain", "plain"},
    {"%timeout after % ms%", "timeout after \n ms"},
    {"one_two", "one\ntwo"},
    {"100\\% of a\\_b\\\\c", "100% of a_b\\c"},
    {"%", ""},
    {"abc\\", "abc\\"},
    {"", ""},
};

START_TEST(what_stands_between_wildcards)
{
    db_like_want(wanted, str_of(PATTERNS[_i].text));
    expect(PATTERNS[_i].text, PATTERNS[_i].parts);
}
END_TEST

static TCase *tcase_regex(void)
{
    TCase *t = tcase_create("regex");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, parts_that_every_match_has, 0, sizeof REGEXES / sizeof *REGEXES);
    tcase_add_loop_test(t, what_stands_between_wildcards, 0, sizeof PATTERNS / sizeof *PATTERNS);
    return t;
}

CHECK_MAIN("regex", tcase_regex)
