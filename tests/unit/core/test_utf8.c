#include "core/utf8.h"

#include "tests/check_main.h"

#define BAD "\xef\xbf\xbd"

static const struct {
    struct str text, repaired;
} cases_of_text[] = {
    {STR(""), STR("")},
    {STR("plain ASCII, longer than a word\x7f"), STR("plain ASCII, longer than a word\x7f")},
    {STR("\xc2\x80 \xdf\xbf"), STR("\xc2\x80 \xdf\xbf")},
    {STR("\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf"), STR("\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf")},
    {STR("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"), STR("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf")},
    {STR("a\0b"), STR("a" BAD "b")},
    {STR("12345678\0"), STR("12345678" BAD)},
    {STR("\x80"), STR(BAD)},
    {STR("a\xbf\xbf"), STR("a" BAD BAD)},
    {STR("\xc0\x80"), STR(BAD BAD)},             /* NUL in two bytes */
    {STR("\xc1\xbf"), STR(BAD BAD)},             /* overlong */
    {STR("\xe0\x9f\xbf"), STR(BAD BAD BAD)},     /* overlong */
    {STR("\xf0\x8f\xbf\xbf"), STR(BAD BAD BAD BAD)},
    {STR("\xed\xa0\x80"), STR(BAD BAD BAD)},     /* a surrogate */
    {STR("\xf4\x90\x80\x80"), STR(BAD BAD BAD BAD)}, /* past U+10FFFF */
    {STR("\xf5\x80"), STR(BAD BAD)},
    {STR("\xfe\xff"), STR(BAD BAD)},
    {STR("\xc3"), STR(BAD)},                     /* cut off */
    {STR("\xc3x"), STR(BAD "x")},
    {STR("\xe2\x82"), STR(BAD)},
    {STR("\xe2\x82x"), STR(BAD "x")},
    {STR("\xf0\x9f\x98"), STR(BAD)},
    {STR("\xf0\x9f\x98\xf0\x9f\x98\x80"), STR(BAD "\xf0\x9f\x98\x80")},
    {STR("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"), STR(BAD BAD BAD BAD "A")}, /* Unicode 15, table 3-11 */
};

START_TEST(cleans_and_repairs)
{
    for (size_t i = 0; i < ARRAY_LEN(cases_of_text); i++) {
        const struct str text = cases_of_text[i].text;
        AUTO(buf) struct buf b;
        buf_init(&b, 200);
        utf8_put_repaired(&b, text);
        ck_assert_msg(str_equal(buf_str(&b), cases_of_text[i].repaired), "case %zu", i);
        ck_assert_msg(utf8_is_clean(text) == str_equal(text, cases_of_text[i].repaired), "case %zu", i);
        ck_assert(utf8_is_clean(buf_str(&b)));
    }
}
END_TEST

START_TEST(finds_one_bad_byte_at_every_place)
{
    static const char bad[] = {'\0', '\x80', '\xc3', '\xff'};
    for (size_t len = 1; len <= 40; len++)
        for (size_t at = 0; at < len; at++)
            for (size_t i = 0; i < sizeof bad; i++) {
                char text[40];
                memset(text, 'a', len);
                ck_assert(utf8_is_clean((struct str){text, len}));
                text[at] = bad[i];
                ck_assert(!utf8_is_clean((struct str){text, len}));
            }
}
END_TEST

START_TEST(character_at_every_place)
{
    static const char character[] = "\xf0\x9f\x98\x80";
    for (size_t len = 4; len <= 40; len++)
        for (size_t at = 0; at + 4 <= len; at++) {
            char text[40];
            memset(text, 'a', len);
            memcpy(text + at, character, 4);
            ck_assert(utf8_is_clean((struct str){text, len}));
        }
}
END_TEST

START_TEST(repair_copies_only_what_is_not_clean)
{
    AUTO(arena) struct arena a;
    arena_init(&a, 8192);
    const struct str clean = STR("h\xc3\xa9");
    ck_assert_ptr_eq(utf8_repair(&a, clean).ptr, clean.ptr);
    ck_assert_uint_eq(a.used_bytes, 0);
    ck_assert_ptr_null(utf8_repair(&a, (struct str){NULL, 0}).ptr);
    ck_assert(str_equal(utf8_repair(&a, STR("a\xff")), STR("a" BAD)));
    char large[8192];
    memset(large, '\xff', sizeof large);
    ck_assert_ptr_null(utf8_repair(&a, (struct str){large, sizeof large}).ptr);
}
END_TEST

START_TEST(cuts_between_characters)
{
    static const struct {
        struct str text;
        size_t max_bytes, want;
    } cases[] = {
        {STR("abc"), 3, 3},
        {STR("abc"), 9, 3},
        {STR("abc"), 2, 2},
        {STR("abc"), 0, 0},
        {STR("a\xc3\xa9"), 2, 1},
        {STR("a\xc3\xa9"), 3, 3},
        {STR("\xe2\x82\xac"), 2, 0},
        {STR("\xe2\x82\xac"), 1, 0},
        {STR("a\xf0\x9f\x98\x80z"), 4, 1},
        {STR("a\xf0\x9f\x98\x80z"), 5, 5},
        {STR("\x80\x80\x80\x80\x80\x80\x80\x80"), 6, 6},
        {{NULL, 0}, 5, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(utf8_cut(cases[i].text, cases[i].max_bytes).len == cases[i].want, "case %zu", i);
}
END_TEST

static TCase *all_tests(void)
{
    TCase *c = tcase_create("utf8");
    tcase_add_test(c, cleans_and_repairs);
    tcase_add_test(c, finds_one_bad_byte_at_every_place);
    tcase_add_test(c, character_at_every_place);
    tcase_add_test(c, repair_copies_only_what_is_not_clean);
    tcase_add_test(c, cuts_between_characters);
    return c;
}

CHECK_MAIN("utf8", all_tests)
