#include "service/http/cors.h"

#include "core/attr.h"
#include "tests/check_main.h"

#define LISTED "https://a.example, http://localhost:3000"

static struct str header(const struct service_cors_header *headers, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(headers[i].name, name) == 0)
            return headers[i].value;
    return (struct str){0};
}

START_TEST(lists)
{
    static const struct { const char *origins; bool is_one; } cases[] = {
        {"", true}, {"*", true}, {"https://a.example", true}, {LISTED, true}, {"http://[::1]:3000", true}, {"https://a.example:8443", true},
        {"*,https://a.example", false}, {"https://a.example/", false}, {"https://a.example/x", false}, {"a.example", false},
        {"ftp://a.example", false}, {"https://", false}, {"https:a.example", false}, {"https://A.example", false}, {"https://*.example", false},
        {"https://a.example,", false}, {"https://u@a.example", false}, {"https://a.example https://b.example", false}, {"null", false},
        {" ", false}, {"https://a.exampl\xc3\xa9", false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err_info e = {0};
        ck_assert_msg((service_cors_check(str_of(cases[i].origins), &e) == OK) == cases[i].is_one, "'%s': %s", cases[i].origins, e.message);
    }
    char many[32 * (SERVICE_ORIGINS_MAX + 1)] = "https://a.example";
    for (size_t i = 1; i < SERVICE_ORIGINS_MAX; i++)
        (void)strcat(many, ",https://a.example");
    ck_assert_int_eq(service_cors_check(str_of(many), NULL), OK);
    (void)strcat(many, ",https://a.example");
    ck_assert_int_eq(service_cors_check(str_of(many), NULL), ERR_INVALID);
}
END_TEST

START_TEST(which_origins)
{
    static const struct { const char *origins, *origin, *allowed; bool varies; } cases[] = {
        {"", "https://a.example", NULL, false},
        {"", NULL, NULL, false},
        {LISTED, NULL, NULL, true},
        {LISTED, "https://a.example", "https://a.example", true},
        {LISTED, "http://localhost:3000", "http://localhost:3000", true},
        {LISTED, "http://localhost:3001", NULL, true},
        {LISTED, "http://a.example", NULL, true},
        {LISTED, "https://a.example.evil.example", NULL, true},
        {LISTED, "https://a.example, http://localhost:3000", NULL, true},
        {LISTED, "null", NULL, true},
        {LISTED, "", NULL, true},
        {"*", "https://a.example", "*", false},
        {"*", NULL, NULL, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct service_cors_header out[SERVICE_CORS_HEADERS_MAX];
        const struct service_cors_request request = {.origin = str_of(cases[i].origin)};
        const size_t n = service_cors_headers(str_of(cases[i].origins), &request, out);
        ck_assert(str_equal(header(out, n, "Access-Control-Allow-Origin"), str_of(cases[i].allowed)));
        ck_assert_int_eq(str_equal(header(out, n, "Vary"), STR("Origin")), cases[i].varies);
        ck_assert_int_eq(header(out, n, "Access-Control-Expose-Headers").ptr != NULL, cases[i].allowed != NULL);
        ck_assert_ptr_null(header(out, n, "Access-Control-Allow-Credentials").ptr);
        ck_assert_ptr_null(header(out, n, "Access-Control-Allow-Methods").ptr);
    }
}
END_TEST

START_TEST(preflights)
{
    struct service_cors_header out[SERVICE_CORS_HEADERS_MAX];
    struct service_cors_request request = {.origin = STR("https://a.example"), .is_preflight = true, .methods = STR("POST")};
    size_t n = service_cors_headers(STR(LISTED), &request, out);
    ck_assert(str_equal(header(out, n, "Access-Control-Allow-Methods"), STR("POST")));
    ck_assert(str_contains(header(out, n, "Access-Control-Allow-Headers"), STR("X-API-Key")));
    ck_assert(str_contains(header(out, n, "Access-Control-Allow-Headers"), STR("Content-Type")));
    ck_assert_ptr_nonnull(header(out, n, "Access-Control-Max-Age").ptr);
    request.methods = (struct str){0};
    n = service_cors_headers(STR(LISTED), &request, out);
    ck_assert_ptr_null(header(out, n, "Access-Control-Allow-Methods").ptr);
    request.origin = STR("https://b.example");
    n = service_cors_headers(STR(LISTED), &request, out);
    ck_assert_uint_eq(n, 1);
}
END_TEST

static TCase *cors_case(void)
{
    TCase *tc = tcase_create("cors");
    tcase_add_test(tc, lists);
    tcase_add_test(tc, which_origins);
    tcase_add_test(tc, preflights);
    return tc;
}

CHECK_MAIN("cors", cors_case)
