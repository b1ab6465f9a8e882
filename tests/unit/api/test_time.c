/* Times, levels and percent-encoding as requests write them. */
#include "api/request/values.h"
#include "core/clock.h"
#include "tests/check_main.h"

#define NOW (INT64_C(1674981729) * NS_PER_S)

START_TEST(times_in_every_form)
{
    static const struct {
        const char *text;
        int64_t wall_ns;
    } cases[] = {
        {"1674981729", NOW},
        {"1674981729487", INT64_C(1674981729487) * NS_PER_MS},
        {"1674981729487160", INT64_C(1674981729487160) * NS_PER_US},
        {"1674981729487160534", INT64_C(1674981729487160534)},
        {"0", 0},
        {"2023-01-29T08:42:09Z", NOW},
        {"2023-01-29T09:42:09+01:00", NOW},
        {"2023-01-29T08:42:09.000000001Z", NOW + 1},
        {"now", NOW},
        {"now-15m", NOW - 15 * 60 * NS_PER_S},
        {"now-1h30m", NOW - 90 * 60 * NS_PER_S},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t wall_ns = -1;
        ck_assert_msg(api_time_parse(str_of(cases[i].text), NOW, &wall_ns), "%s", cases[i].text);
        ck_assert_msg(wall_ns == cases[i].wall_ns, "%s gives %lld", cases[i].text, (long long)wall_ns);
    }
}
END_TEST

START_TEST(what_is_no_time)
{
    static const char *const cases[] = {
        "", "-1", "yesterday", "now-", "now+1h", "now-15", "nowish", "2023-13-01T00:00:00Z", "12345678901234567890",
        "99999999999", "1e9", "16749 81729", "2023-01-29",
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t wall_ns = 7;
        ck_assert_msg(!api_time_parse(str_of(cases[i]), NOW, &wall_ns), "'%s'", cases[i]);
        ck_assert_int_eq(wall_ns, 7);
    }
}
END_TEST

START_TEST(levels)
{
    static const struct {
        const char *text;
        int64_t severity; /* 0: none */
    } cases[] = {{"trace", 1}, {"INFO", 9}, {"Warning", 13}, {"error", 17}, {"fatal", 21}, {"1", 1}, {"24", 24},
                 {"0", 0},     {"25", 0},   {"loud", 0},     {"", 0},       {"-1", 0}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t severity = 0;
        ck_assert_int_eq(api_level_parse(str_of(cases[i].text), &severity), cases[i].severity != 0);
        ck_assert_int_eq(severity, cases[i].severity);
    }
}
END_TEST

START_TEST(percent_encoding)
{
    static const struct {
        const char *text, *in_query, *in_path; /* NULL: refused */
    } cases[] = {
        {"plain", "plain", "plain"}, {"a+b", "a b", "a+b"},       {"a%20b", "a b", "a b"},
        {"%C3%A9", "\xc3\xa9", "\xc3\xa9"}, {"%00", NULL, NULL},  {"a%00b", NULL, NULL},
        {"%", NULL, NULL},           {"%4", NULL, NULL},          {"%zz", NULL, NULL},
        {"%ff", NULL, NULL},         {"%2B", "+", "+"},           {"", "", ""},
    };
    struct arena arena;
    arena_init(&arena, 65536);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (int is_query = 0; is_query < 2; is_query++) {
            const char *expected = is_query ? cases[i].in_query : cases[i].in_path;
            struct str out = {NULL, 0};
            ck_assert_int_eq(api_url_decode(str_of(cases[i].text), is_query, &arena, &out), expected != NULL);
            ck_assert(str_equal(out, str_of(expected)));
        }
    arena_close(&arena);
}
END_TEST

static TCase *values_case(void)
{
    TCase *tc = tcase_create("values");
    tcase_add_test(tc, times_in_every_form);
    tcase_add_test(tc, what_is_no_time);
    tcase_add_test(tc, levels);
    tcase_add_test(tc, percent_encoding);
    return tc;
}

CHECK_MAIN("api/values", values_case)
