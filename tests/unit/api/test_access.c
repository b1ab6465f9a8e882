#include "api/access.h"

#include "tests/check_main.h"

START_TEST(bearer_tokens)
{
    static const struct {
        const char *header, *token; /* NULL: none */
    } cases[] = {
        {"Bearer abc", "abc"}, {"bearer abc", "abc"}, {"Bearer   abc ", "abc"}, {"Bearer a b", "a b"}, {"Bearer", NULL},
        {"Bearer ", ""},       {"Basic abc", NULL},   {"", NULL},              {"abc", NULL},         {"Bearerabc", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct str token = api_bearer_token(str_of(cases[i].header));
        if (cases[i].token == NULL)
            ck_assert_msg(token.len == 0, "%s", cases[i].header);
        else
            ck_assert_msg(str_equal(token, str_of(cases[i].token)), "%s", cases[i].header);
    }
}
END_TEST

START_TEST(secrets)
{
    static const struct {
        const char *given, *wanted;
        bool is_equal;
    } cases[] = {
        {"abc", "abc", true}, {"abd", "abc", false}, {"bbc", "abc", false}, {"ab", "abc", false},  {"abcabc", "abc", false},
        {"", "abc", false},   {"abc", "", false},    {"", "", false},       {"\xff", "\x7f", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(api_secret_equal(str_of(cases[i].given), str_of(cases[i].wanted)) == cases[i].is_equal, "'%s' and '%s'",
                      cases[i].given, cases[i].wanted);
    ck_assert(!api_secret_equal((struct str){NULL, 0}, STR("abc")));
}
END_TEST

START_TEST(who_is_admin)
{
    static const struct {
        const char *token, *header;
        enum err want;
    } cases[] = {
        {"abc", "Bearer abc", OK},
        {"abc", "Bearer abcd", ERR_UNAUTHENTICATED},
        {"abc", "", ERR_UNAUTHENTICATED},
        {"", "Bearer abc", ERR_FORBIDDEN},
        {"", "Bearer ", ERR_FORBIDDEN},
        {"", "", ERR_FORBIDDEN},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct api_world world = {.admin_token = str_of(cases[i].token)};
        const struct api_req req = {.world = &world, .authorization = str_of(cases[i].header)};
        struct err_info e = {0};
        ck_assert_int_eq(api_access_admin(&req, &e), cases[i].want);
        ck_assert_ptr_null(strstr(e.message, "abc"));
    }
}
END_TEST

static TCase *all_tests(void)
{
    TCase *c = tcase_create("access");
    tcase_add_test(c, bearer_tokens);
    tcase_add_test(c, secrets);
    tcase_add_test(c, who_is_admin);
    return c;
}

CHECK_MAIN("access", all_tests)
