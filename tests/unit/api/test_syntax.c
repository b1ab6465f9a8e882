/* Bodies that jansson refuses: what is said of them, and which parameter is named. */
#include "api/request/syntax.h"
#include "tests/check_main.h"

static const struct {
    const char *body, *parameter, *says;
} refusals[] = {
    {"{\"embedding\":[NaN]}", "embedding", "finite"},
    {"{\"embedding\" : [ 1, -2.5e3,\n\tnan, 4]}", "embedding", "line 2"},
    {"{\"embedding\":[1,-Infinity]}", "embedding", "finite"},
    {"{\"embedding\":[+inf]}", "embedding", "finite"},
    {"{\"embedding\":[1e999,1]}", "embedding", "finite"},
    {"{\"traces\":[{\"trace_id\":\"1\",\"embedding\":[0.1,Infinity]}]}", "embedding", "finite"},
    /* No number, or not of an embedding. */
    {"{\"embedding\":[nano]}", "body", "stops being JSON"},
    {"{\"embedding\":[1,x]}", "body", "stops being JSON"},
    {"{\"embedding\":NaN}", "body", "stops being JSON"},
    {"{\"embedding\":[[1],NaN]}", "body", "stops being JSON"},
    {"{\"an\\\"embedding\":[NaN]}", "body", "stops being JSON"},
    {"{\"threshold\":NaN}", "body", "stops being JSON"},
    {"{\"text\":\"NaN\" Infinity}", "body", "stops being JSON"},
    {"{\"text\":\"inf\" banana}", "body", "stops being JSON"},
    {"[NaN]", "body", "stops being JSON"},
    {"{\"a\":1e999}", "body", "out of range"},
    {"NaN", "body", "stops being JSON"},
    /* JSON, but none that is taken. */
    {"{\"a\":18446744073709551615}", "body", "64 bits"},
    {"{\"a\":\"nan -inf \\u0000\"}", "body", "NUL"},
    {"{\"a\\u0000\":1}", "body", "NUL"},
    {"{\"nan\":1,\"nan\":2}", "body", "twice"},
    {"{\"a\":\"\\ud800\"}", "body", "surrogate"},
    {"{\"a\":\"inf\xff\"}", "body", "UTF-8"},
    /* None at all. */
    {"", "body", "stops being JSON"},
    {"{\"a\":1", "body", "line 1, column 6"},
    {"{} x", "body", "stops being JSON"},
    {"{\"a\":\"\x01\"}", "body", "stops being JSON"},
};

static void refuse(struct str body, struct err_info *e)
{
    json_error_t at;
    json_t *root = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &at);
    ck_assert_msg(root == NULL, "%.*s is taken", STR_ARG(body));
    ck_assert_int_eq(api_syntax_err(body, &at, e), ERR_INVALID);
}

START_TEST(says_what_is_wrong_and_where)
{
    struct err_info e = {0};
    refuse(str_of(refusals[_i].body), &e);
    ck_assert_msg(strcmp(e.parameter, refusals[_i].parameter) == 0, "%s: %s", refusals[_i].body, e.parameter);
    ck_assert_msg(strstr(e.message, refusals[_i].says) != NULL, "%s: %s", refusals[_i].body, e.message);
}
END_TEST

START_TEST(nesting_without_end)
{
    static char body[100000];
    struct err_info e = {0};
    memset(body, '[', sizeof body);
    refuse((struct str){body, sizeof body}, &e);
    ck_assert_ptr_nonnull(strstr(e.message, "too deep"));
}
END_TEST

START_TEST(memory_is_not_the_senders_fault)
{
    json_error_t at = {.position = 0};
    struct err_info e = {0};
    at.text[JSON_ERROR_TEXT_LENGTH - 1] = json_error_out_of_memory;
    ck_assert_int_eq(api_syntax_err(STR("{}"), &at, &e), ERR_NOMEM);
}
END_TEST

static TCase *syntax_case(void)
{
    TCase *tc = tcase_create("syntax");
    tcase_add_loop_test(tc, says_what_is_wrong_and_where, 0, (int)ARRAY_LEN(refusals));
    tcase_add_test(tc, nesting_without_end);
    tcase_add_test(tc, memory_is_not_the_senders_fault);
    return tc;
}

CHECK_MAIN("api/syntax", syntax_case)
