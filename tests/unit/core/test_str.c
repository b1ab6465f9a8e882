#include "core/str.h"

#include "core/attr.h"
#include "tests/check_main.h"

START_TEST(absent_and_empty_are_told_apart)
{
    ck_assert_ptr_null(str_of(NULL).ptr);
    ck_assert_uint_eq(str_of(NULL).len, 0);
    ck_assert_ptr_nonnull(str_of("").ptr);
    ck_assert(str_equal(str_of(NULL), STR("")));
}
END_TEST

START_TEST(compares_and_searches)
{
    static const struct {
        struct str s, other;
        bool equal_nocase, starts_with, contains;
    } cases[] = {
        {STR("Gzip"), STR("gZIP"), true, false, false},
        {STR("gzip"), STR("gzip"), true, true, true},
        {STR("gzip"), STR("gz"), false, true, true},
        {STR("gzip"), STR("zi"), false, false, true},
        {STR("gz"), STR("gzip"), false, false, false},
        {STR("gzip"), STR(""), false, true, true},
        {STR(""), STR(""), true, true, true},
        {{NULL, 0}, {NULL, 0}, true, true, true},
        {{NULL, 0}, STR("a"), false, false, false},
        {STR("a@"), STR("A`"), false, false, false},
        {STR("a\0b"), STR("A\0B"), true, false, false},
    };
    const size_t i = (size_t)_i;
    ck_assert_uint_lt(i, ARRAY_LEN(cases));
    ck_assert_int_eq(str_equal_nocase(cases[i].s, cases[i].other), cases[i].equal_nocase);
    ck_assert_int_eq(str_starts_with(cases[i].s, cases[i].other), cases[i].starts_with);
    ck_assert_int_eq(str_contains(cases[i].s, cases[i].other), cases[i].contains);
}
END_TEST

START_TEST(trims)
{
    static const struct {
        struct str s, want;
    } cases[] = {{STR(" \t\r\na b\n "), STR("a b")}, {STR("a"), STR("a")}, {STR(" \n"), STR("")}, {STR(""), STR("")}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(str_equal(str_trim(cases[i].s), cases[i].want), "case %zu", i);
    ck_assert_ptr_null(str_trim((struct str){NULL, 0}).ptr);
}
END_TEST

START_TEST(splits)
{
    struct str rest;
    ck_assert(str_equal(str_split(STR("a,b,c"), ',', &rest), STR("a")));
    ck_assert(str_equal(rest, STR("b,c")));
    ck_assert(str_equal(str_split(STR("a,"), ',', &rest), STR("a")));
    ck_assert_uint_eq(rest.len, 0);
    ck_assert_ptr_nonnull(rest.ptr);
    ck_assert(str_equal(str_split(STR(",a"), ',', &rest), STR("")));
    ck_assert(str_equal(rest, STR("a")));
    ck_assert(str_equal(str_split(STR("abc"), ',', &rest), STR("abc")));
    ck_assert_ptr_null(rest.ptr);
    ck_assert_uint_eq(str_split((struct str){NULL, 0}, ',', &rest).len, 0);
    ck_assert_ptr_null(rest.ptr);
}
END_TEST

START_TEST(splits_in_place)
{
    struct str rest = STR("a b c");
    size_t n_words = 0;
    for (; rest.ptr != NULL; n_words++)
        ck_assert_uint_eq(str_split(rest, ' ', &rest).len, 1);
    ck_assert_uint_eq(n_words, 3);
}
END_TEST

START_TEST(reads_integers)
{
    static const struct {
        struct str s;
        bool is_i64;
        int64_t i64;
        bool is_u64;
        uint64_t u64;
    } cases[] = {
        {STR("0"), true, 0, true, 0},
        {STR("-0"), true, 0, false, 0},
        {STR("007"), true, 7, true, 7},
        {STR("9223372036854775807"), true, INT64_MAX, true, INT64_MAX},
        {STR("9223372036854775808"), false, 0, true, UINT64_C(9223372036854775808)},
        {STR("-9223372036854775808"), true, INT64_MIN, false, 0},
        {STR("-9223372036854775809"), false, 0, false, 0},
        {STR("18446744073709551615"), false, 0, true, UINT64_MAX},
        {STR("18446744073709551616"), false, 0, false, 0},
        {STR("99999999999999999999999"), false, 0, false, 0},
        {STR(""), false, 0, false, 0},
        {STR("-"), false, 0, false, 0},
        {STR("+1"), false, 0, false, 0},
        {STR(" 1"), false, 0, false, 0},
        {STR("1 "), false, 0, false, 0},
        {STR("1.0"), false, 0, false, 0},
        {STR("0x10"), false, 0, false, 0},
        {STR("1\0"), false, 0, false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t i64 = 42;
        uint64_t u64 = 42;
        ck_assert_msg(str_to_i64(cases[i].s, &i64) == cases[i].is_i64, "i64 of %s", cases[i].s.ptr);
        ck_assert_msg(str_to_u64(cases[i].s, &u64) == cases[i].is_u64, "u64 of %s", cases[i].s.ptr);
        ck_assert_int_eq(i64, cases[i].is_i64 ? cases[i].i64 : 42);
        ck_assert_uint_eq(u64, cases[i].is_u64 ? cases[i].u64 : 42);
    }
}
END_TEST

START_TEST(reads_doubles)
{
    static const struct {
        struct str s;
        double want;
    } cases[] = {{STR("0"), 0},          {STR("-1.5"), -1.5},      {STR("+2"), 2},        {STR(".5"), 0.5},
                 {STR("5."), 5},         {STR("1e3"), 1000},       {STR("1E-2"), 0.01},   {STR("1e+2"), 100},
                 {STR("1e-400"), 0},     {STR("0.1"), 0.1},        {STR("1e308"), 1e308}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double value = 42;
        ck_assert_msg(str_to_double(cases[i].s, &value), "%s", cases[i].s.ptr);
        ck_assert_double_eq(value, cases[i].want);
    }
}
END_TEST

START_TEST(refuses_what_is_not_a_double)
{
    static const struct str cases[] = {STR(""),    STR("."),    STR("-"),   STR("e1"),    STR("1e"),   STR("1e+"),
                                       STR("inf"), STR("nan"),  STR("0x1"), STR("1,5"),   STR(" 1"),   STR("1 "),
                                       STR("--1"), STR("1.2.3"), STR("1e309"), STR("-1e999"), STR("1\0"), {NULL, 0}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double value = 42;
        ck_assert_msg(!str_to_double(cases[i], &value), "case %zu", i);
        ck_assert_double_eq(value, 42);
    }
}
END_TEST

START_TEST(reads_no_further_than_the_slice)
{
    double value = 0;
    ck_assert(str_to_double((struct str){"1234", 2}, &value));
    ck_assert_double_eq(value, 12);
    char zeros[4096];
    memset(zeros, '0', sizeof zeros);
    ck_assert(!str_to_double((struct str){zeros, sizeof zeros}, &value));
}
END_TEST

static TCase *all_tests(void)
{
    TCase *c = tcase_create("str");
    tcase_add_test(c, absent_and_empty_are_told_apart);
    tcase_add_loop_test(c, compares_and_searches, 0, 11);
    tcase_add_test(c, trims);
    tcase_add_test(c, splits);
    tcase_add_test(c, splits_in_place);
    tcase_add_test(c, reads_integers);
    tcase_add_test(c, reads_doubles);
    tcase_add_test(c, refuses_what_is_not_a_double);
    tcase_add_test(c, reads_no_further_than_the_slice);
    return c;
}

CHECK_MAIN("str", all_tests)
