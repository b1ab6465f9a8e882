/* Cursors and windows: what comes out goes in again, and only where it came from. */
#include "api/request/cursor.h"
#include "api/request/params.h"
#include "api/request/route.h"
#include "tests/check_main.h"

#define NOW (INT64_C(1674981729) * NS_PER_S)

static const struct api_param_spec specs[] = {
    {.name = "service", .type = API_PARAM_TEXT}, {.name = "attr", .type = API_PARAM_ATTR}, API_PARAMS_WINDOW,
    API_PARAMS_PAGE(10, 100), {0},
};
static const struct api_route route = {.method = "GET", .path = "/a", .name = "list_a", .params = specs};
static const struct api_route other_route = {.method = "GET", .path = "/b", .name = "list_b", .params = specs};

static int64_t stopped_clock(void)
{
    return NOW;
}

static const struct api_world world = {.wall_ns = stopped_clock};
static struct arena arena;

static void setup(void)
{
    arena_init(&arena, 1 << 20);
}

static void teardown(void)
{
    arena_close(&arena);
}

static struct api_req request(const struct api_route *of, const char *query)
{
    struct api_req req = {.world = &world, .route = of, .arena = &arena};
    ck_assert_int_eq(api_params_parse(str_of(query), specs, NOW, &arena, &req.params, NULL), OK);
    return req;
}

static const struct api_cursor sample = {{{5, NOW}, true}, -42, {"\0key\xff", 5}};

/* A cursor of sample made under query, read under another query of a route. */
static enum err carry(const char *made_under, const struct api_route *read_by, const char *read_under, struct api_cursor *out,
                      struct err_info *e)
{
    const struct api_req made = request(&route, made_under);
    struct str text = {NULL, 0};
    ck_assert_int_eq(api_cursor_write(&made, &sample, &text, NULL), OK);
    const struct str query = arena_printf(&arena, "%s&cursor=%.*s", read_under, STR_ARG(text));
    const struct api_req read = request(read_by, query.ptr);
    bool is_given = false;
    const enum err failed = api_cursor_read(&read, &is_given, out, e);
    ck_assert(is_given);
    return failed;
}

START_TEST(comes_back_whole)
{
    struct api_cursor c;
    ck_assert_int_eq(carry("service=a&attr=k:v&limit=5", &route, "attr=k:v&service=a&limit=7", &c, NULL), OK);
    ck_assert_int_eq(c.window.range.start_ns, 5);
    ck_assert_int_eq(c.window.range.end_ns, NOW);
    ck_assert(c.window.is_default);
    ck_assert_int_eq(c.number, -42);
    ck_assert(str_equal(c.key, sample.key));
}
END_TEST

START_TEST(belongs_to_its_query)
{
    static const struct {
        const struct api_route *route;
        const char *query;
    } others[] = {
        {&other_route, "service=a"},     {&route, "service=b"},          {&route, ""},
        {&route, "service=a&start=1"},   {&route, "service=a&attr=k:v"},
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct api_cursor c;
        struct err_info e = {0};
        ck_assert_int_eq(carry("service=a", others[i].route, others[i].query, &c, &e), ERR_INVALID);
        ck_assert_str_eq(e.parameter, "cursor");
        ck_assert_ptr_nonnull(strstr(e.message, "another query"));
    }
}
END_TEST

START_TEST(every_changed_character_is_refused)
{
    const struct api_req made = request(&route, "");
    struct str text;
    ck_assert_int_eq(api_cursor_write(&made, &sample, &text, NULL), OK);
    for (size_t i = 0; i <= text.len; i++) { /* the last turn cuts the text instead */
        struct str changed = arena_copy(&arena, text);
        char *bytes = arena_alloc(&arena, text.len + 1);
        memcpy(bytes, changed.ptr, text.len + 1);
        const size_t at = i < text.len ? i : text.len / 2;
        bytes[at] = i < text.len ? (bytes[at] == 'A' ? 'B' : 'A') : '\0';
        const struct api_req read = request(&route, arena_printf(&arena, "cursor=%s", bytes).ptr);
        struct api_cursor c;
        bool is_given;
        struct err_info e = {0};
        ck_assert_msg(api_cursor_read(&read, &is_given, &c, &e) == ERR_INVALID, "at %zu of %zu", i, text.len);
        ck_assert_str_eq(e.parameter, "cursor");
    }
}
END_TEST

START_TEST(none_is_no_error_and_too_long_a_key_is)
{
    const struct api_req req = request(&route, "");
    bool is_given = true;
    struct api_cursor c;
    ck_assert_int_eq(api_cursor_read(&req, &is_given, &c, NULL), OK);
    ck_assert(!is_given);
    static char key[API_CURSOR_KEY_MAX_BYTES + 1];
    const struct api_cursor huge = {.key = {key, sizeof key}};
    struct str text = {NULL, 0};
    ck_assert_int_ne(api_cursor_write(&req, &huge, &text, NULL), OK);
    ck_assert_ptr_null(text.ptr);
}
END_TEST

START_TEST(windows)
{
    static const struct {
        const char *query;
        int64_t default_ns, start_ns, end_ns;
        bool is_default;
    } cases[] = {
        {"", API_WINDOW_DAY, NOW - NS_PER_DAY, NOW, true},
        {"", API_WINDOW_ALL, 0, INT64_MAX, true},
        {"start=10", API_WINDOW_DAY, 10 * NS_PER_S, NOW, false},
        {"start=10", API_WINDOW_ALL, 10 * NS_PER_S, INT64_MAX, false},
        {"end=86410", API_WINDOW_DAY, 10 * NS_PER_S, 86410 * NS_PER_S, true},
        {"end=86410", API_WINDOW_ALL, 0, 86410 * NS_PER_S, true},
        {"since=1h", API_WINDOW_ALL, NOW - 3600 * NS_PER_S, NOW, false},
        {"since=1h&end=7200", API_WINDOW_DAY, 3600 * NS_PER_S, 7200 * NS_PER_S, false},
        {"end=5&since=1h", API_WINDOW_DAY, 0, 5 * NS_PER_S, false},
        {"start=10&end=10", API_WINDOW_DAY, 10 * NS_PER_S, 10 * NS_PER_S, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct api_req req = request(&route, cases[i].query);
        struct api_window w;
        ck_assert_int_eq(api_window_read(&req, cases[i].default_ns, &w, NULL), OK);
        ck_assert_int_eq(w.range.start_ns, cases[i].start_ns);
        ck_assert_int_eq(w.range.end_ns, cases[i].end_ns);
        ck_assert_int_eq(w.is_default, cases[i].is_default);
    }
}
END_TEST

START_TEST(windows_that_cannot_be)
{
    static const struct {
        const char *query, *parameter;
    } cases[] = {{"start=20&end=10", "start"}, {"start=1674981730", "start"}, {"start=1&since=1h", "since"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct api_req req = request(&route, cases[i].query);
        struct api_window w;
        struct err_info e = {0};
        ck_assert_int_eq(api_window_read(&req, API_WINDOW_DAY, &w, &e), ERR_INVALID);
        ck_assert_str_eq(e.parameter, cases[i].parameter);
    }
}
END_TEST

static TCase *cursor_case(void)
{
    TCase *tc = tcase_create("cursor");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, comes_back_whole);
    tcase_add_test(tc, belongs_to_its_query);
    tcase_add_test(tc, every_changed_character_is_refused);
    tcase_add_test(tc, none_is_no_error_and_too_long_a_key_is);
    tcase_add_test(tc, windows);
    tcase_add_test(tc, windows_that_cannot_be);
    return tc;
}

CHECK_MAIN("api/cursor", cursor_case)
