/* Which route a request finds, and what it is told when there is none. */
#include "api/endpoint/routes.h"
#include "api/request/params.h"
#include "tests/check_main.h"

static struct arena arena;

static void setup(void)
{
    arena_init(&arena, 1 << 20);
}

static void teardown(void)
{
    arena_close(&arena);
}

static enum err find(const char *method, const char *target, struct api_req *req, struct str *allow, struct err_info *e)
{
    *req = (struct api_req){.method = str_of(method), .target = str_of(target), .arena = &arena};
    return api_route_find(req, allow, e);
}

START_TEST(every_route_finds_itself)
{
    for (size_t i = 0; i < api_n_routes; i++) {
        struct api_req req;
        struct str allow;
        struct err_info e = {0};
        const bool has_args = strchr(api_routes[i].path, '{') != NULL;
        ck_assert_int_eq(find(api_routes[i].method, api_routes[i].path, &req, &allow, &e), OK);
        ck_assert_msg(req.route == &api_routes[i], "%s", api_routes[i].path);
        ck_assert_int_eq(req.path_args[0].ptr != NULL, has_args);
    }
}
END_TEST

START_TEST(names_and_parameters_are_sound)
{
    for (size_t i = 0; i < api_n_routes; i++) {
        for (size_t k = i + 1; k < api_n_routes; k++)
            ck_assert_str_ne(api_routes[i].name, api_routes[k].name);
        size_t n = 0;
        for (const struct api_param_spec *spec = api_routes[i].params; spec != NULL && spec->name != NULL; spec++) {
            ck_assert(spec->type != API_PARAM_LIMIT || (spec->by_default >= 1 && spec->by_default <= spec->max));
            ck_assert(spec->type != API_PARAM_ENUM || spec->values != NULL);
            n++;
        }
        ck_assert_uint_le(n, API_PARAMS_MAX);
    }
}
END_TEST

START_TEST(paths)
{
    static const struct {
        const char *method, *target, *name, *arg; /* name NULL: not found */
    } cases[] = {
        {"GET", "/api/v1/traces?service=a", "list_traces", NULL},
        {"HEAD", "/api/v1/traces", "list_traces", NULL},
        {"GET", "/api/v1/traces/abc", "get_trace", "abc"},
        {"GET", "/api/v1/traces/abc/context", "get_trace_context", "abc"},
        {"GET", "/api/v1/services/a%20b%2Fc/operations", "list_operations", "a b/c"},
        {"GET", "/api/v1/services/a+b/operations", "list_operations", "a+b"},
        {"GET", "/api/v1/patterns", "list_patterns", NULL},
        {"GET", "/api/v1/patterns/abc", "get_pattern", "abc"},
        {"GET", "/", NULL, NULL},
        {"GET", "", NULL, NULL},
        {"GET", "/api/v1/traces/", NULL, NULL},
        {"GET", "/api/v1/traces/abc/", NULL, NULL},
        {"GET", "/api/v1/services//operations", NULL, NULL},
        {"GET", "//healthz", NULL, NULL},
        {"GET", "/Healthz", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct api_req req;
        struct str allow;
        struct err_info e = {0};
        const enum err failed = find(cases[i].method, cases[i].target, &req, &allow, &e);
        ck_assert_int_eq(failed, cases[i].name == NULL ? ERR_NOT_FOUND : OK);
        if (cases[i].name != NULL)
            ck_assert_str_eq(req.route->name, cases[i].name);
        if (cases[i].arg != NULL)
            ck_assert(str_equal(req.path_args[0], str_of(cases[i].arg)));
    }
}
END_TEST

START_TEST(a_wrong_method_is_told_the_right_ones)
{
    static const struct {
        const char *method, *target, *allow;
    } cases[] = {
        {"DELETE", "/healthz", "GET, HEAD"},
        {"GET", "/v1/traces", "POST"},
        {"PUT", "/api/v1/traces/similar", "POST, GET, HEAD"},
        {"get", "/healthz", "GET, HEAD"},
        {"OPTIONS", "/metrics", "GET, HEAD"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct api_req req;
        struct str allow = {NULL, 0};
        struct err_info e = {0};
        ck_assert_int_eq(find(cases[i].method, cases[i].target, &req, &allow, &e), ERR_UNSUPPORTED);
        ck_assert_str_eq(e.parameter, "method");
        ck_assert_int_eq(e.code, ERR_UNSUPPORTED);
        ck_assert_msg(str_equal(allow, str_of(cases[i].allow)), "%.*s", STR_ARG(allow));
        ck_assert_ptr_nonnull(req.route);
    }
}
END_TEST

START_TEST(broken_encoding_in_any_path)
{
    static const char *const targets[] = {"/%00", "/api/v1/traces/%00", "/api/v1/services/%ff/operations", "/%zz", "/a%"};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        struct api_req req;
        struct str allow;
        struct err_info e = {0};
        ck_assert_int_eq(find("GET", targets[i], &req, &allow, &e), ERR_INVALID);
        ck_assert_str_eq(e.parameter, "path");
    }
}
END_TEST

static TCase *routes_case(void)
{
    TCase *tc = tcase_create("routes");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, every_route_finds_itself);
    tcase_add_test(tc, names_and_parameters_are_sound);
    tcase_add_test(tc, paths);
    tcase_add_test(tc, a_wrong_method_is_told_the_right_ones);
    tcase_add_test(tc, broken_encoding_in_any_path);
    return tc;
}

CHECK_MAIN("api/routes", routes_case)
