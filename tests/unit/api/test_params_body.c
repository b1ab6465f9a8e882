/* JSON bodies: what is taken, and which parameter is named when it is not. */
#include "api/request/body.h"
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

static enum err parse(const char *content_type, const char *encoding, const char *body, json_t **out, struct err_info *e)
{
    const struct api_req req = {.arena = &arena, .content_type = str_of(content_type), .content_encoding = str_of(encoding),
                                .body = str_of(body)};
    return api_body_object(&req, 64, out, e);
}

START_TEST(bodies_that_are_objects)
{
    static const char *const types[] = {NULL, "application/json", "Application/JSON ; charset=utf-8"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        AUTO(json) json_t *body = NULL;
        ck_assert_int_eq(parse(types[i], i == 0 ? NULL : "identity", " {\"a\":1} ", &body, NULL), OK);
        ck_assert(json_is_object(body));
    }
}
END_TEST

START_TEST(bodies_that_are_not)
{
    static const struct {
        const char *content_type, *encoding, *body;
        enum err code;
        const char *parameter;
    } cases[] = {
        {"text/plain", NULL, "{}", ERR_UNSUPPORTED, ""},
        {"application/x-www-form-urlencoded", NULL, "{}", ERR_UNSUPPORTED, ""},
        {NULL, "gzip", "{}", ERR_UNSUPPORTED, ""},
        {NULL, NULL, "", ERR_INVALID, "body"},
        {NULL, NULL, NULL, ERR_INVALID, "body"},
        {NULL, NULL, "[]", ERR_INVALID, "body"},
        {NULL, NULL, "{} x", ERR_INVALID, "body"},
        {NULL, NULL, "{\"a\":1,\"a\":2}", ERR_INVALID, "body"},
        {NULL, NULL, "{\"a\":\"\\u0000\"}", ERR_INVALID, "body"},
        {NULL, NULL, "{\"a\":\"\xff\"}", ERR_INVALID, "body"},
        {NULL, NULL, "{\"embedding\":[NaN]}", ERR_INVALID, "embedding"},
        {NULL, NULL, "{\"embedding\":[1,-Infinity]}", ERR_INVALID, "embedding"},
        {NULL, NULL, "{\"embedding\":[1e999]}", ERR_INVALID, "embedding"},
        {NULL, NULL, "{\"a\":\"0123456789012345678901234567890123456789012345678901234567890\"}", ERR_TOO_LARGE, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *body = NULL;
        struct err_info e = {0};
        ck_assert_int_eq(parse(cases[i].content_type, cases[i].encoding, cases[i].body, &body, &e), cases[i].code);
        ck_assert_str_eq(e.parameter, cases[i].parameter);
        ck_assert_ptr_null(body);
    }
}
END_TEST

/* An array of n numbers; the first is first, the rest are rest. */
static json_t *numbers(size_t n, json_t *first, double rest)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(json_array_append_new(array, i == 0 ? first : json_real(rest)), 0);
    return array;
}

START_TEST(embeddings)
{
    static const struct {
        size_t n;
        double first, rest;
        bool is_valid;
    } cases[] = {
        {384, 1, 0, true},         {384, -0.5, 0.25, true},    {383, 1, 1, false},   {385, 1, 1, false},
        {384, 0, 0, false},        {384, 1e-40, 1e-40, false}, {384, 1e-25, 0, false}, {384, 1e39, 0, false},
        {384, 1e30, 1e30, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(json) json_t *value = numbers(cases[i].n, json_real(cases[i].first), cases[i].rest);
        float out[EMBEDDING_DIMENSIONS] = {7};
        struct err_info e = {0};
        const enum err failed = api_body_embedding(value, "embedding", out, &e);
        ck_assert_msg((failed == OK) == cases[i].is_valid, "case %zu", i);
        ck_assert(out[0] == (failed == OK ? (float)cases[i].first : 7));
        ck_assert_str_eq(e.parameter, failed == OK ? "" : "embedding");
    }
}
END_TEST

START_TEST(embeddings_of_something_else)
{
    json_t *const values[] = {json_string("x"), json_null(), json_object(), numbers(384, json_string("1"), 1),
                              numbers(384, json_null(), 1), numbers(384, json_true(), 1)};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        float out[EMBEDDING_DIMENSIONS];
        struct err_info e = {0};
        ck_assert_int_eq(api_body_embedding(values[i], "embedding", out, &e), ERR_INVALID);
        ck_assert_str_eq(e.parameter, "embedding");
        json_decref(values[i]);
    }
}
END_TEST

START_TEST(scalars)
{
    static const struct {
        const char *json, *text; /* NULL: refused */
    } cases[] = {
        {"\"a\"", "a"}, {"5", "5"}, {"0.5", "0.5"}, {"true", "true"}, {"false", "false"}, {"null", NULL}, {"[]", NULL}, {"{}", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(json) json_t *value = json_loads(cases[i].json, JSON_DECODE_ANY, NULL);
        struct str text = {NULL, 0};
        const enum err failed = api_body_scalar(value, "p", &arena, &text, NULL);
        ck_assert_int_eq(failed, cases[i].text == NULL ? ERR_INVALID : OK);
        ck_assert(str_equal(text, str_of(cases[i].text)));
    }
}
END_TEST

static TCase *body_case(void)
{
    TCase *tc = tcase_create("body");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, bodies_that_are_objects);
    tcase_add_test(tc, bodies_that_are_not);
    tcase_add_test(tc, embeddings);
    tcase_add_test(tc, embeddings_of_something_else);
    tcase_add_test(tc, scalars);
    return tc;
}

CHECK_MAIN("api/body", body_case)
