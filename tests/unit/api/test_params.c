/* The strict parser of query strings: what it takes, and what it says of what it does not take. */
#include "api/request/params.h"
#include "core/clock.h"
#include "tests/check_main.h"

static const char *const colours[] = {"red", "green", NULL};
static const struct api_param_spec specs[] = {
    {.name = "text", .type = API_PARAM_TEXT},
    {.name = "pattern", .type = API_PARAM_PATTERN},
    {.name = "limit", .type = API_PARAM_LIMIT, .by_default = 10, .max = 100},
    {.name = "colour", .type = API_PARAM_ENUM, .by_default = 1, .values = colours},
    {.name = "flag", .type = API_PARAM_BOOL},
    {.name = "share", .type = API_PARAM_UNIT, .unit_default = 0.85},
    {.name = "trace_id", .type = API_PARAM_TRACE_ID},
    {.name = "span_id", .type = API_PARAM_SPAN_ID},
    {.name = "level", .type = API_PARAM_LEVEL},
    {.name = "attr", .type = API_PARAM_ATTR},
    {.name = "longest", .type = API_PARAM_DURATION},
    {.name = "new_since", .type = API_PARAM_SINCE},
    API_PARAMS_WINDOW,
    {0},
};
static const struct api_param_spec needy[] = {{.name = "name", .type = API_PARAM_TEXT, .is_required = true}, {0}};

static struct arena arena;

static void setup(void)
{
    arena_init(&arena, 1 << 20);
}

static void teardown(void)
{
    arena_close(&arena);
}

static const struct api_params *parsed(const char *query)
{
    const struct api_params *p = NULL;
    struct err_info e = {0};
    const enum err failed = api_params_parse(str_of(query), specs, 0, &arena, &p, &e);
    ck_assert_msg(failed == OK, "%s: %s", query, e.message);
    return p;
}

START_TEST(values_of_every_type)
{
    const struct api_params *p = parsed("text=a+b%26c&limit=7&colour=red&flag=true&share=0.5&trace_id=AbC&span_id=1&level=warn"
                                        "&attr=k:v&attr=http.url:http://x&longest=1.5s&start=10&&");
    ck_assert(str_equal(api_param(p, "text")->text, STR("a b&c")));
    ck_assert_int_eq(api_param(p, "limit")->number, 7);
    ck_assert_int_eq(api_param(p, "colour")->number, 0);
    ck_assert_int_eq(api_param(p, "flag")->number, 1);
    ck_assert_double_eq(api_param(p, "share")->real, 0.5);
    ck_assert_int_eq(api_param(p, "trace_id")->id[14], 0x0a);
    ck_assert_int_eq(api_param(p, "trace_id")->id[15], 0xbc);
    ck_assert_int_eq(api_param(p, "span_id")->id[7], 1);
    ck_assert_int_eq(api_param(p, "level")->number, 13);
    ck_assert_uint_eq(p->n_attrs, 2);
    ck_assert(str_equal(p->attr_values[1], STR("http://x")));
    ck_assert_int_eq(api_param(p, "longest")->number, 1500000000);
    ck_assert_int_eq(api_param(p, "start")->number, 10000000000);
}
END_TEST

START_TEST(a_time_or_how_long_ago)
{
    static const struct {
        const char *query;
        int64_t ns;
    } cases[] = {
        {"new_since=90s", 10 * NS_PER_S},
        {"new_since=now-90s", 10 * NS_PER_S},
        {"new_since=0", 0},
        {"new_since=1700000000", 1700000000 * NS_PER_S},
        {"new_since=1970-01-01T00:00:07Z", 7 * NS_PER_S},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct api_params *p = NULL;
        ck_assert_int_eq(api_params_parse(str_of(cases[i].query), specs, 100 * NS_PER_S, &arena, &p, NULL), OK);
        ck_assert_int_eq(api_param(p, "new_since")->number, cases[i].ns);
    }
}
END_TEST

START_TEST(defaults_when_nothing_is_sent)
{
    const struct api_params *p = parsed(NULL);
    ck_assert_int_eq(api_param(p, "limit")->number, 10);
    ck_assert_int_eq(api_param(p, "colour")->number, 1);
    ck_assert_double_eq(api_param(p, "share")->real, 0.85);
    ck_assert(!api_param(p, "text")->is_given);
    ck_assert_ptr_null(api_param(p, "text")->text.ptr);
    ck_assert_ptr_null(api_param_find(p, "nothing"));
}
END_TEST

START_TEST(limits_are_clamped_and_say_so)
{
    const struct api_value *limit = api_param(parsed("limit=100000"), "limit");
    ck_assert_int_eq(limit->number, 100);
    ck_assert(limit->is_clamped);
    ck_assert(!api_param(parsed("limit=100"), "limit")->is_clamped);
}
END_TEST

START_TEST(bad_input_names_the_parameter_and_what_it_may_be)
{
    static const struct {
        const char *query, *parameter, *says;
    } cases[] = {
        {"colours=red", "colours", "text, pattern, limit"},
        {"limit=0", "limit", "from 1 to 100"},
        {"limit=-3", "limit", "from 1 to 100"},
        {"limit=ten", "limit", "from 1 to 100"},
        {"limit=", "limit", "from 1 to 100"},
        {"limit", "limit", "from 1 to 100"},
        {"limit=99999999999999999999", "limit", "from 1 to 100"},
        {"limit=1&limit=2", "limit", "twice"},
        {"colour=blue", "colour", "red, green"},
        {"flag=1", "flag", "true or false"},
        {"share=1.01", "share", "from 0 to 1"},
        {"share=-0.1", "share", "from 0 to 1"},
        {"share=nan", "share", "from 0 to 1"},
        {"share=inf", "share", "from 0 to 1"},
        {"trace_id=000000000000000000000000000000000", "trace_id", "1 to 32"},
        {"trace_id=xyz", "trace_id", "1 to 32"},
        {"trace_id=", "trace_id", "1 to 32"},
        {"span_id=12345678901234567", "span_id", "1 to 16"},
        {"level=loud", "level", "warn"},
        {"attr=novalue", "attr", "key:value"},
        {"attr=:v", "attr", "key:value"},
        {"longest=5", "longest", "1h30m"},
        {"new_since=yesterday", "new_since", "15m"},
        {"new_since=15parsecs", "new_since", "RFC 3339"},
        {"start=yesterday", "start", "RFC 3339"},
        {"end=12345678901234567890", "end", "RFC 3339"},
        {"since=now", "since", "15m"},
        {"text=%00", "text", "NUL"},
        {"text=%", "text", "percent"},
        {"text=%ff", "text", "UTF-8"},
        {"%00=1", "query", "NUL"},
        {"text=", "text", "not empty"},
        {"pattern=a\\", "pattern", "lone backslash"},
        {"pattern=a%5C%5C%5C", "pattern", "lone backslash"},
        {"attr=a:1&attr=b:1&attr=c:1&attr=d:1&attr=e:1&attr=f:1&attr=g:1&attr=h:1&attr=i:1", "attr", "at most 8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct api_params *p = NULL;
        struct err_info e = {0};
        ck_assert_int_eq(api_params_parse(str_of(cases[i].query), specs, 0, &arena, &p, &e), ERR_INVALID);
        ck_assert_str_eq(e.parameter, cases[i].parameter);
        ck_assert_msg(strstr(e.message, cases[i].says) != NULL, "%s: %s", cases[i].query, e.message);
        ck_assert_ptr_null(p);
    }
}
END_TEST

START_TEST(an_escaped_backslash_may_end_a_pattern)
{
    ck_assert(str_equal(api_param(parsed("pattern=a%5C%5C"), "pattern")->text, STR("a\\\\")));
    ck_assert(str_equal(api_param(parsed("pattern=50%25"), "pattern")->text, STR("50%")));
}
END_TEST

START_TEST(required_and_none)
{
    const struct api_params *p = NULL;
    struct err_info e = {0}, none = {0}, longer = {0};
    ck_assert_int_eq(api_params_parse(STR(""), needy, 0, &arena, &p, &e), ERR_INVALID);
    ck_assert_str_eq(e.parameter, "name");
    ck_assert_int_eq(api_params_parse(STR("a=1"), NULL, 0, &arena, &p, &none), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(none.message, "takes none"));
    static char query[API_QUERY_MAX_BYTES + 2];
    memset(query, 'a', sizeof query - 1);
    ck_assert_int_eq(api_params_parse(str_of(query), specs, 0, &arena, &p, &longer), ERR_INVALID);
    ck_assert_str_eq(longer.parameter, "query");
}
END_TEST

static TCase *params_case(void)
{
    TCase *tc = tcase_create("params");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, values_of_every_type);
    tcase_add_test(tc, a_time_or_how_long_ago);
    tcase_add_test(tc, defaults_when_nothing_is_sent);
    tcase_add_test(tc, limits_are_clamped_and_say_so);
    tcase_add_test(tc, bad_input_names_the_parameter_and_what_it_may_be);
    tcase_add_test(tc, an_escaped_backslash_may_end_a_pattern);
    tcase_add_test(tc, required_and_none);
    return tc;
}

CHECK_MAIN("api/params", params_case)
