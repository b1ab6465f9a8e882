#include "core/clock.h"

#include <limits.h>

#include "tests/check_main.h"

#define S NS_PER_S

static const struct {
    const char *text;
    int64_t wall_ns;
} instants[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2023-01-29T08:42:09.487160534Z", INT64_C(1674981729487160534)},
    {"2023-01-29T08:42:09.487160Z", INT64_C(1674981729487160000)},
    {"2023-01-29T08:42:09.487Z", INT64_C(1674981729487000000)},
    {"2000-02-29T23:59:59Z", INT64_C(951868799) * S},
    {"2024-12-31T23:59:59.000000001Z", INT64_C(1735689599000000001)},
    {"1969-12-31T23:59:59.999999999Z", -1},
    {"1900-03-01T00:00:00Z", INT64_C(-2203891200) * S},
    {"2262-04-11T23:47:16.854775807Z", INT64_MAX},
    {"1677-09-21T00:12:43.145224192Z", INT64_MIN},
};

START_TEST(instants_are_written_and_read)
{
    for (size_t i = 0; i < ARRAY_LEN(instants); i++) {
        AUTO(buf) struct buf b;
        int64_t wall_ns = 0;
        buf_init(&b, CLOCK_RFC3339_MAX);
        clock_put_rfc3339(&b, instants[i].wall_ns);
        ck_assert_msg(str_equal(buf_str(&b), str_of(instants[i].text)), "%.*s is not %s", STR_ARG(buf_str(&b)),
                      instants[i].text);
        ck_assert_msg(clock_parse_rfc3339(str_of(instants[i].text), &wall_ns), "%s", instants[i].text);
        ck_assert_int_eq(wall_ns, instants[i].wall_ns);
    }
}
END_TEST

START_TEST(other_spellings_are_read)
{
    static const struct {
        const char *text;
        int64_t wall_ns;
    } cases[] = {
        {"1970-01-01t00:00:01z", S},
        {"1970-01-01 00:00:01Z", S},
        {"1970-01-01T01:00:01+01:00", S},
        {"1969-12-31T18:30:01-05:30", S},
        {"1970-01-01T00:00:01-00:00", S},
        {"1970-01-01T00:00:01.5Z", S + 500 * NS_PER_MS},
        {"1970-01-01T00:00:01.12Z", S + 120 * NS_PER_MS},
        {"1970-01-01T00:00:00.000000001Z", 1},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800) * S},
        {"2016-12-31T15:59:60.5-08:00", INT64_C(1483228800) * S + 500 * NS_PER_MS},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t wall_ns = 0;
        ck_assert_msg(clock_parse_rfc3339(str_of(cases[i].text), &wall_ns), "%s", cases[i].text);
        ck_assert_int_eq(wall_ns, cases[i].wall_ns);
    }
}
END_TEST

START_TEST(no_instants)
{
    static const char *const cases[] = {
        "", "now", "2023-01-29", "2023-01-29T08:42Z", "2023-01-29T08:42:09", "2023-1-29T08:42:09Z",
        "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2023-00-10T00:00:00Z", "2023-13-10T00:00:00Z",
        "2023-04-31T00:00:00Z", "2023-01-00T00:00:00Z", "2023-01-01T24:00:00Z", "2023-01-01T00:60:00Z",
        "2023-01-01T00:00:61Z", "2023-01-01T12:00:60Z", "2016-12-31T23:59:60+01:00", "2023-01-01T00:00:00.Z",
        "2023-01-01T00:00:00.1234567890Z", "2023-01-01T00:00:00,5Z", "2023-01-01T00:00:00+1:00",
        "2023-01-01T00:00:00+0100", "2023-01-01T00:00:00+24:00", "2023-01-01T00:00:00+00:60", "2023-01-01T00:00:00ZZ",
        " 2023-01-01T00:00:00Z", "2023-01-01T00:00:00Z ", "2023-01-01X00:00:00Z", "12023-01-01T00:00:00Z",
        "-2023-01-01T00:00:00Z", "2262-04-11T23:47:16.854775808Z", "1677-09-21T00:12:43.145224191Z",
        "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z",
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t wall_ns = 42;
        ck_assert_msg(!clock_parse_rfc3339(str_of(cases[i]), &wall_ns), "%s", cases[i]);
        ck_assert_int_eq(wall_ns, 42);
    }
    int64_t wall_ns = 42;
    ck_assert(!clock_parse_rfc3339(STR("2023-01-01\0" "00:00:00Z"), &wall_ns));
    ck_assert(!clock_parse_rfc3339((struct str){NULL, 0}, &wall_ns));
}
END_TEST

START_TEST(durations)
{
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"0", 0},
        {"0s", 0},
        {"15m", 900 * S},
        {"1h30m", 5400 * S},
        {"1.5s", 1500 * NS_PER_MS},
        {".5s", 500 * NS_PER_MS},
        {"1.s", S},
        {"250ms", 250 * NS_PER_MS},
        {"500us", 500 * NS_PER_US},
        {"500\xc2\xb5s", 500 * NS_PER_US},
        {"500\xce\xbcs", 500 * NS_PER_US},
        {"7ns", 7},
        {"7d", 7 * NS_PER_DAY},
        {"1d12h", 36 * 3600 * S},
        {"1m1m", 120 * S},
        {"0.000000001s", 1},
        {"0.0000000001s", 0},
        {"1.000000000000000000000000000001h", 3600 * S},
        {"0.3h", 1080 * S},
        {"9223372036854775807ns", INT64_MAX},
        {"2562047h47m16.854775807s", INT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t ns = -1;
        ck_assert_msg(clock_parse_duration(str_of(cases[i].text), &ns), "%s", cases[i].text);
        ck_assert_msg(ns == cases[i].ns, "%s is %lld", cases[i].text, (long long)ns);
    }
}
END_TEST

START_TEST(no_durations)
{
    static const char *const cases[] = {"",    "s",    ".s",     "5",      "-5s",   "+5s",    "5 s",  " 5s",
                                        "5s ", "5S",   "5y",     "1.2.3s", "1e3s",  "5sm",    "00",   "1h30",
                                        "5\xc2s", "9223372036854775808ns", "18446744073709551616ns", "106752d",
                                        "2562047h47m16.854775808s"};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t ns = 42;
        ck_assert_msg(!clock_parse_duration(str_of(cases[i]), &ns), "%s", cases[i]);
        ck_assert_int_eq(ns, 42);
    }
}
END_TEST

START_TEST(days)
{
    static const struct {
        int64_t wall_ns, day;
        const char *text;
    } cases[] = {
        {0, 0, "19700101"},
        {NS_PER_DAY - 1, 0, "19700101"},
        {NS_PER_DAY, 1, "19700102"},
        {-1, -1, "19691231"},
        {-NS_PER_DAY, -1, "19691231"},
        {INT64_C(1674981729487160534), 19386, "20230129"},
        {INT64_C(951782400) * S, 11016, "20000229"},
        {INT64_MIN, -106752, "16770921"},
        {INT64_MAX, 106751, "22620411"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(buf) struct buf b;
        buf_init(&b, 16);
        ck_assert_int_eq(clock_day(cases[i].wall_ns), cases[i].day);
        clock_put_day(&b, cases[i].day);
        ck_assert_msg(str_equal(buf_str(&b), str_of(cases[i].text)), "%s", cases[i].text);
    }
}
END_TEST

START_TEST(every_day_follows_the_one_before)
{
    int64_t wall_ns = 0, before_ns = -200 * 366 * NS_PER_DAY;
    for (int64_t day = -200 * 366 + 1; day < 200 * 366; day++) {
        AUTO(buf) struct buf b;
        buf_init(&b, CLOCK_RFC3339_MAX);
        clock_put_rfc3339(&b, day * NS_PER_DAY);
        ck_assert(clock_parse_rfc3339(buf_str(&b), &wall_ns));
        ck_assert_int_eq(wall_ns - before_ns, NS_PER_DAY);
        before_ns = wall_ns;
    }
}
END_TEST

START_TEST(clocks_and_deadlines)
{
    const int64_t now_ns = clock_mono_ns();
    ck_assert_int_ge(clock_mono_ns(), now_ns);
    ck_assert_int_gt(clock_wall_ns(), INT64_C(1577836800) * S);
    ck_assert_int_eq(clock_left_ms(now_ns), 0);
    ck_assert_int_eq(clock_left_ms(INT64_MIN), 0);
    ck_assert_int_eq(clock_left_ms(INT64_MAX), INT_MAX);
    const int left_ms = clock_left_ms(clock_mono_ns() + 1000 * S);
    ck_assert_int_gt(left_ms, 990 * 1000);
    ck_assert_int_le(left_ms, 1000 * 1000);
    ck_assert_int_ge(clock_left_ms(clock_mono_ns() + 100 * NS_PER_MS + 1), 1);
}
END_TEST

static TCase *all_tests(void)
{
    TCase *c = tcase_create("clock");
    tcase_add_test(c, instants_are_written_and_read);
    tcase_add_test(c, other_spellings_are_read);
    tcase_add_test(c, no_instants);
    tcase_add_test(c, durations);
    tcase_add_test(c, no_durations);
    tcase_add_test(c, days);
    tcase_add_test(c, every_day_follows_the_one_before);
    tcase_add_test(c, clocks_and_deadlines);
    return c;
}

CHECK_MAIN("clock", all_tests)
