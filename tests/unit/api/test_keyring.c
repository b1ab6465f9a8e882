#include "api/request/keyring.h"

#include <stdio.h>

#include "tests/check_main.h"

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define RUNNING_ON_VALGRIND 0
#define VALGRIND_MAKE_MEM_UNDEFINED(at, n_bytes) (void)0
#define VALGRIND_MAKE_MEM_DEFINED(at, n_bytes) (void)0
#define VALGRIND_GET_VBITS(at, bits, n_bytes) 0
#endif

/* SHA-256 of "abc" (FIPS 180-2, appendix B.1), of "" and of "a". */
#define OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OF_A "CA978112CA1BBDCAFAC231B39A23DC4DA786EFF8147C4E72B9807785AFEE48BB"

static struct api_keyring *parse(const char *text)
{
    struct api_keyring *ring = NULL;
    struct err_info e = {0};
    const enum err code = api_keyring_parse(str_of(text), &ring, &e);
    ck_assert_msg(code == OK, "%s: %s", text, e.message);
    return ring;
}

static void assert_refused(struct str text, const char *says)
{
    struct api_keyring *ring = NULL;
    struct err_info e = {0};
    ck_assert_int_eq(api_keyring_parse(text, &ring, &e), ERR_INVALID);
    ck_assert_ptr_null(ring);
    ck_assert_msg(strstr(e.message, says) != NULL, "'%.*s': '%s' does not say '%s'", STR_ARG(text), e.message, says);
    ck_assert_ptr_null(strstr(e.message, "secret"));
}

START_TEST(lines)
{
    AUTO(api_keyring) struct api_keyring *ring = parse("# keys\n\n  \t\n"
                                                      "one " OF_ABC " read\n"
                                                      "  two\t" OF_NOTHING "   ingest,admin,read   # of the batch job\r\n"
                                                      "3.a_-Z " OF_A " admin rate=5 burst=70");
    ck_assert_uint_eq(ring->n, 3);
    ck_assert_str_eq(ring->keys[0].name, "one");
    ck_assert_uint_eq(ring->keys[0].scopes, API_SCOPE_READ);
    ck_assert(!ring->keys[0].has_rate);
    ck_assert_uint_eq(ring->keys[1].scopes, API_SCOPE_READ | API_SCOPE_INGEST | API_SCOPE_ADMIN);
    ck_assert_str_eq(ring->keys[2].name, "3.a_-Z");
    ck_assert(ring->keys[2].has_rate);
    ck_assert_int_eq(ring->keys[2].rate.per_s, 5);
    ck_assert_int_eq(ring->keys[2].rate.burst, 70);
    ck_assert_ptr_eq(api_keyring_find(ring, STR("abc")), &ring->keys[0]);
    ck_assert_ptr_eq(api_keyring_find(ring, STR("")), &ring->keys[1]);
    ck_assert_ptr_eq(api_keyring_find(ring, STR("a")), &ring->keys[2]);
    ck_assert_ptr_null(api_keyring_find(ring, STR("ab")));
    ck_assert_ptr_null(api_keyring_find(ring, STR(OF_ABC)));
}
END_TEST

START_TEST(limits)
{
    static const struct { const char *words; bool has_rate; int64_t per_s, burst; } cases[] = {
        {"", false, 0, 0}, {"rate=50", true, 50, 100}, {"burst=7 rate=50", true, 50, 7}, {"rate=off", true, 0, 0},
        {"rate=1000000", true, 1000000, 1000000}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "k " OF_ABC " read %s", cases[i].words);
        AUTO(api_keyring) struct api_keyring *ring = parse(text);
        ck_assert_int_eq(ring->keys[0].has_rate, cases[i].has_rate);
        ck_assert_int_eq(ring->keys[0].rate.per_s, cases[i].per_s);
        ck_assert_int_eq(ring->keys[0].rate.burst, cases[i].burst);
    }
}
END_TEST

START_TEST(what_is_wrong_and_where)
{
    static const struct { struct str text; const char *says; } cases[] = {
        {STR(""), "no key"},
        {STR("# only a comment\n"), "no key"},
        {STR("k " OF_ABC " read\n\nsecret*\n"), "line 3: a line begins with the key's name"},
        {STR("k"), "line 1: after the name comes the SHA-256"},
        {STR("k secret read"), "line 1: after the name comes the SHA-256"},
        {STR("k " OF_ABC "0 read"), "after the name"},
        {STR("k ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad read"), "after the name"},
        {STR("k " OF_ABC), "scopes"},
        {STR("k " OF_ABC " "), "scopes"},
        {STR("k " OF_ABC " secret"), "scopes: read, ingest and admin"},
        {STR("k " OF_ABC " read,"), "scopes"},
        {STR("k " OF_ABC " ,read"), "scopes"},
        {STR("k " OF_ABC " read,read"), "scopes"},
        {STR("k " OF_ABC " READ"), "scopes"},
        {STR("k " OF_ABC " read, ingest"), "scopes"},
        {STR("k " OF_ABC " read rate=0"), "rate=N"},
        {STR("k " OF_ABC " read rate=-1"), "rate=N"},
        {STR("k " OF_ABC " read rate=1000001"), "rate=N"},
        {STR("k " OF_ABC " read rate=1 rate=2"), "rate=N"},
        {STR("k " OF_ABC " read rate"), "rate=N"},
        {STR("k " OF_ABC " read rate="), "rate=N"},
        {STR("k " OF_ABC " read rate=1 burst=1 burst=2"), "rate=N"},
        {STR("k " OF_ABC " read burst=5"), "needs rate=N"},
        {STR("k " OF_ABC " read rate=off burst=5"), "needs rate=N"},
        {STR("k " OF_ABC " read\nk " OF_A " read"), "line 2: it has the name of line 1"},
        {STR("#\nk " OF_ABC " read\n\nl " OF_ABC " read"), "line 4: it has the key of line 2"},
        {STR("k " OF_ABC " read\n\0"), "line 2: there is a NUL byte"},
        {STR("k " OF_ABC " read # \0"), "NUL byte"},
        {STR("\xef\xbb\xbfk " OF_ABC " read"), "name"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_refused(cases[i].text, cases[i].says);
}
END_TEST

START_TEST(long_names)
{
    char text[256], name[API_KEY_NAME_MAX + 2];
    memset(name, 'n', sizeof name);
    (void)snprintf(text, sizeof text, "%.*s " OF_ABC " read", API_KEY_NAME_MAX, name);
    AUTO(api_keyring) struct api_keyring *ring = parse(text);
    ck_assert_uint_eq(strlen(ring->keys[0].name), API_KEY_NAME_MAX);
    (void)snprintf(text, sizeof text, "%.*s " OF_ABC " read", API_KEY_NAME_MAX + 1, name);
    assert_refused(str_of(text), "name");
}
END_TEST

/* Each key is found and each is another's, up to the bound; a file past either bound is refused. */
START_TEST(as_many_as_there_may_be)
{
    AUTO(buf) struct buf text;
    buf_init(&text, 2 * API_KEYS_FILE_MAX_BYTES);
    for (int i = 0; i <= API_KEYS_MAX; i++) {
        char key[16], name[16];
        struct err_info e = {0};
        (void)snprintf(key, sizeof key, "key %d", i);
        (void)snprintf(name, sizeof name, "name%d", i);
        if (i == API_KEYS_MAX) {
            AUTO(api_keyring) struct api_keyring *ring = parse(text.data);
            ck_assert_uint_eq(ring->n, API_KEYS_MAX);
            ck_assert_ptr_eq(api_keyring_find(ring, STR("key 0")), &ring->keys[0]);
            ck_assert_ptr_eq(api_keyring_find(ring, STR("key 500")), &ring->keys[500]);
            ck_assert_ptr_eq(api_keyring_find(ring, STR("key 1023")), &ring->keys[1023]);
            ck_assert_ptr_null(api_keyring_find(ring, str_of(key)));
        }
        ck_assert_int_eq(api_key_put_line(&text, str_of(key), str_of(name), STR("read"), (struct str){0}, &e), OK);
        buf_put(&text, "\n", 2);
        text.len--;
    }
    assert_refused(buf_str(&text), "line 1025: there may be at most 1024 keys");
    buf_clear(&text);
    while (text.len <= API_KEYS_FILE_MAX_BYTES)
        BUF_LITERAL(&text, "# a comment\n");
    assert_refused(buf_str(&text), "at most 1048576 bytes");
}
END_TEST

/* Looks for a key without telling valgrind what the digests are: it fails the run at the first branch or address that depends on
 * them. The place does, which shows that it looked, and is told of only then. */
static size_t place_of_unknown(struct api_keyring *ring, struct str key)
{
    size_t unknown = 0;
    for (size_t i = 0; i < ring->n; i++)
        VALGRIND_MAKE_MEM_UNDEFINED(ring->keys[i].digest, sizeof ring->keys[i].digest);
    size_t place = api_keyring_place(ring, key);
    (void)VALGRIND_GET_VBITS(&place, &unknown, sizeof place);
    VALGRIND_MAKE_MEM_DEFINED(&place, sizeof place);
    for (size_t i = 0; i < ring->n; i++)
        VALGRIND_MAKE_MEM_DEFINED(ring->keys[i].digest, sizeof ring->keys[i].digest);
    ck_assert_msg((unknown != 0) == (RUNNING_ON_VALGRIND != 0), "a place that comes from no digest, or from a branch on one");
    return place;
}

START_TEST(no_branch_on_digests)
{
    AUTO(api_keyring) struct api_keyring *ring = parse("one " OF_ABC " read\ntwo " OF_NOTHING " ingest\nthree " OF_A " admin\n");
    ck_assert_uint_eq(place_of_unknown(ring, STR("abc")), 1);
    ck_assert_uint_eq(place_of_unknown(ring, STR("")), 2);
    ck_assert_uint_eq(place_of_unknown(ring, STR("a")), 3);
    ck_assert_uint_eq(place_of_unknown(ring, STR("b")), 0);
}
END_TEST

START_TEST(keys_that_are_made)
{
    char key[API_KEY_TEXT_MAX], other[API_KEY_TEXT_MAX];
    struct err_info e = {0};
    AUTO(buf) struct buf line;
    buf_init(&line, 4096);
    ck_assert_int_eq(api_key_make(key, &e), OK);
    ck_assert_int_eq(api_key_make(other, &e), OK);
    ck_assert_uint_eq(strlen(key), 3 + 43);
    ck_assert_int_eq(strncmp(key, "tk_", 3), 0);
    ck_assert_str_ne(key, other);
    ck_assert_int_eq(api_key_put_line(&line, str_of(key), STR("batch"), STR("ingest"), STR("rate=5"), &e), OK);
    ck_assert(!str_contains(buf_str(&line), str_of(key)));
    AUTO(api_keyring) struct api_keyring *ring = NULL;
    ck_assert_int_eq(api_keyring_parse(buf_str(&line), &ring, &e), OK);
    ck_assert_str_eq(api_keyring_find(ring, str_of(key))->name, "batch");
    ck_assert_int_eq(ring->keys[0].rate.per_s, 5);
    ck_assert_ptr_null(api_keyring_find(ring, str_of(other)));
}
END_TEST

START_TEST(lines_that_are_not_made)
{
    static const struct { const char *name, *scopes, *rest, *says; } cases[] = {
        {"", "read", "", "name"}, {"a b", "read", "", "name"}, {"a\n", "read", "", "name"}, {"#a", "read", "", "name"},
        {"a", "write", "", "scopes"}, {"a", "", "", "scopes"}, {"a", "read", "rate=x", "rate=N"}, {"a", "read\nb", "", "scopes"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err_info e = {0};
        AUTO(buf) struct buf line;
        buf_init(&line, 4096);
        ck_assert_int_eq(api_key_put_line(&line, STR("key"), str_of(cases[i].name), str_of(cases[i].scopes), str_of(cases[i].rest), &e),
                         ERR_INVALID);
        ck_assert_msg(strstr(e.message, cases[i].says) != NULL, "%s", e.message);
    }
}
END_TEST

static TCase *keyring_case(void)
{
    TCase *tc = tcase_create("keyring");
    tcase_add_test(tc, lines);
    tcase_add_test(tc, limits);
    tcase_add_test(tc, what_is_wrong_and_where);
    tcase_add_test(tc, long_names);
    tcase_add_test(tc, as_many_as_there_may_be);
    tcase_add_test(tc, no_branch_on_digests);
    tcase_add_test(tc, keys_that_are_made);
    tcase_add_test(tc, lines_that_are_not_made);
    return tc;
}

CHECK_MAIN("keyring", keyring_case)
