/* The routes about the service itself: which format Accept asks of /metrics, and what /readyz says. */
#include <jansson.h>

#include "api/endpoint/handlers.h"
#include "tests/check_main.h"

static struct arena arena;
static struct api_reply reply;

static void setup(void)
{
    arena_init(&arena, 1 << 20);
    reply = (struct api_reply){0};
    buf_init(&reply.body, 1 << 20);
}

static void teardown(void)
{
    buf_close(&reply.body);
    arena_close(&arena);
}

START_TEST(accept_chooses_the_format)
{
    static const struct {
        const char *accept;
        bool is_openmetrics;
    } cases[] = {
        {NULL, false},
        {"*/*", false},
        {"text/plain", false},
        {"application/openmetrics-text", true},
        {"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1", true},
        {"text/plain; q=0.9 , Application/OpenMetrics-Text; q=0.8", false},
        {"application/openmetrics-text;q=0", false},
        {"application/openmetrics-text;q=x", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct api_req req = {.arena = &arena, .accept = str_of(cases[i].accept)};
        buf_clear(&reply.body);
        ck_assert_int_eq(api_metrics(&req, &reply, NULL), OK);
        const struct str type = str_of(reply.content_type);
        ck_assert_msg(str_starts_with(type, STR("application/openmetrics-text")) == cases[i].is_openmetrics, "case %zu", i);
        ck_assert_int_eq(str_contains(buf_str(&reply.body), STR("# EOF\n")), cases[i].is_openmetrics);
    }
}
END_TEST

/* Two checks, the second as well as *arg says. */
static bool check(void *arg, size_t i, const char **name, bool *is_ok, const char **why)
{
    *name = i == 0 ? "database" : "schema";
    *is_ok = i == 0 || *(const bool *)arg;
    *why = "it is newer than this binary";
    return i < 2;
}

static json_t *readiness(bool *is_well)
{
    const struct api_world world = {.ready_check = check, .ready_arg = is_well};
    struct api_req req = {.arena = &arena, .world = &world};
    buf_clear(&reply.body);
    reply.status = 0;
    ck_assert_int_eq(api_readyz(&req, &reply, NULL), OK);
    return json_loadb(reply.body.data, reply.body.len, 0, NULL);
}

START_TEST(ready_when_every_check_is_well)
{
    bool is_well = true;
    json_t *root = readiness(&is_well);
    ck_assert_int_eq(reply.status, 0);
    ck_assert_str_eq(json_string_value(json_object_get(root, "status")), "ready");
    ck_assert_uint_eq(json_array_size(json_object_get(root, "checks")), 2);
    json_decref(root);
}
END_TEST

START_TEST(not_ready_says_which_and_why)
{
    bool is_well = false;
    json_t *root = readiness(&is_well);
    const json_t *checks = json_object_get(root, "checks");
    ck_assert_int_eq(reply.status, 503);
    ck_assert(json_is_true(json_object_get(json_array_get(checks, 0), "ok")));
    ck_assert(json_is_null(json_object_get(json_array_get(checks, 0), "why")));
    ck_assert(json_is_false(json_object_get(json_array_get(checks, 1), "ok")));
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(checks, 1), "why")), "it is newer than this binary");
    json_decref(root);
}
END_TEST

static TCase *service_case(void)
{
    TCase *tc = tcase_create("service");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, accept_chooses_the_format);
    tcase_add_test(tc, ready_when_every_check_is_well);
    tcase_add_test(tc, not_ready_says_which_and_why);
    return tc;
}

CHECK_MAIN("api/service", service_case)
