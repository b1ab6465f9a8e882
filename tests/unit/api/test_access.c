#include "api/request/access.h"

#include "tests/check_main.h"

/* The keys "abc", which may read, and "a", which may ingest and is admin. */
static const char keys[] = "reader ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad read rate=9\n"
                           "writer ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb ingest,admin\n";

static struct api_keyring *ring;
static const struct api_route routes[] = {
    {.scope = API_SCOPE_NONE}, {.scope = API_SCOPE_READ}, {.scope = API_SCOPE_INGEST}, {.scope = API_SCOPE_ADMIN}};
enum { NONE, READ, INGEST, ADMIN };

static void setup(void)
{
    ck_assert_int_eq(api_keyring_parse(str_of(keys), &ring, NULL), OK);
}

static void teardown(void)
{
    api_keyring_free(ring);
}

START_TEST(bearer_tokens)
{
    static const struct {
        const char *header, *token; /* NULL: none */
    } cases[] = {
        {"Bearer abc", "abc"}, {"bearer abc", "abc"}, {"Bearer   abc ", "abc"}, {"Bearer a b", "a b"}, {"Bearer", ""},
        {"Bearer ", ""},       {"Basic abc", NULL},   {"", NULL},              {"abc", NULL},         {"Bearerabc", NULL},
        {NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct str token = api_bearer_token(str_of(cases[i].header));
        ck_assert_int_eq(token.ptr == NULL, cases[i].token == NULL);
        ck_assert(str_equal(token, str_of(cases[i].token)));
    }
}
END_TEST

START_TEST(who_may_do_what)
{
    static const struct {
        int route;
        const char *authorization, *api_key;
        enum err want;
        const char *parameter, *name;
    } cases[] = {
        {NONE, NULL, NULL, OK, "", ""},
        {NONE, "Bearer wrong", NULL, OK, "", ""},
        {READ, "Bearer abc", NULL, OK, "", "reader"},
        {READ, NULL, "abc", OK, "", "reader"},
        {READ, "Bearer abc", "abc", OK, "", "reader"},
        {READ, "Basic dXNlcjpwYXNz", "abc", OK, "", "reader"},
        {READ, NULL, NULL, ERR_UNAUTHENTICATED, "", ""},
        {READ, "Basic abc", NULL, ERR_UNAUTHENTICATED, "", ""},
        {READ, "Bearer abcd", NULL, ERR_UNAUTHENTICATED, "Authorization", ""},
        {READ, "Bearer", NULL, ERR_UNAUTHENTICATED, "Authorization", ""},
        {READ, NULL, "ABC", ERR_UNAUTHENTICATED, "X-API-Key", ""},
        {READ, NULL, "", ERR_UNAUTHENTICATED, "X-API-Key", ""},
        {READ, "Bearer abc", "a", ERR_UNAUTHENTICATED, "Authorization", ""},
        {READ, "Bearer abc", "", ERR_UNAUTHENTICATED, "Authorization", ""},
        {READ, "Bearer a", NULL, ERR_FORBIDDEN, "Authorization", "writer"},
        {INGEST, "Bearer abc", NULL, ERR_FORBIDDEN, "Authorization", "reader"},
        {INGEST, NULL, "a", OK, "", "writer"},
        {ADMIN, NULL, "abc", ERR_FORBIDDEN, "X-API-Key", "reader"},
        {ADMIN, NULL, "a", OK, "", "writer"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct api_credentials given = {str_of(cases[i].authorization), str_of(cases[i].api_key)};
        struct api_caller caller = {0};
        struct err_info e = {0};
        ck_assert_msg(api_access_check(ring, &routes[cases[i].route], &given, &caller, &e) == cases[i].want, "case %zu: %s", i, e.message);
        ck_assert_str_eq(e.parameter, cases[i].parameter);
        ck_assert_str_eq(caller.key_name, cases[i].name);
        ck_assert_ptr_null(strstr(e.message, "abc"));
        ck_assert(cases[i].want == OK || cases[i].route == NONE || strstr(e.message, "different") != NULL ||
                  strstr(e.message, api_scope_name(routes[cases[i].route].scope)) != NULL);
    }
}
END_TEST

/* Nobody learns by the answer what is wrong with a key. */
START_TEST(one_answer_to_all_wrong_keys)
{
    static const char *const wrong[] = {"Bearer x", "Bearer", "Bearer tk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "Bearer abcd", "Bearer \xff"};
    struct err_info first = {0};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        const struct api_credentials given = {str_of(wrong[i]), {0}};
        struct api_caller caller = {0};
        struct err_info e = {0};
        ck_assert_int_eq(api_access_check(ring, &routes[READ], &given, &caller, &e), ERR_UNAUTHENTICATED);
        if (i == 0)
            first = e;
        ck_assert_mem_eq(&first, &e, sizeof e);
    }
}
END_TEST

START_TEST(without_keys)
{
    static const struct { int route; enum err want; } cases[] = {{NONE, OK}, {READ, OK}, {INGEST, OK}, {ADMIN, ERR_FORBIDDEN}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct api_credentials given = {STR("Bearer abc"), {0}};
        struct api_caller caller = {0};
        struct err_info e = {0};
        ck_assert_int_eq(api_access_check(NULL, &routes[cases[i].route], &given, &caller, &e), cases[i].want);
        ck_assert_str_eq(caller.key_name, "");
        ck_assert(cases[i].want == OK || strstr(e.message, "tracekin api-key") != NULL);
    }
}
END_TEST

START_TEST(the_rate_of_a_key)
{
    const struct api_credentials of_reader = {STR("Bearer abc"), {0}}, of_writer = {STR("Bearer a"), {0}};
    struct api_caller caller = {0};
    ck_assert_int_eq(api_access_check(ring, &routes[READ], &of_reader, &caller, NULL), OK);
    ck_assert(caller.has_rate);
    ck_assert_int_eq(caller.rate.per_s, 9);
    ck_assert_int_eq(api_access_check(ring, &routes[INGEST], &of_writer, &caller, NULL), OK);
    ck_assert(!caller.has_rate);
}
END_TEST

static TCase *access_case(void)
{
    TCase *tc = tcase_create("access");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, bearer_tokens);
    tcase_add_test(tc, who_may_do_what);
    tcase_add_test(tc, one_answer_to_all_wrong_keys);
    tcase_add_test(tc, without_keys);
    tcase_add_test(tc, the_rate_of_a_key);
    return tc;
}

CHECK_MAIN("access", access_case)
