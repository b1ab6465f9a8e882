#include "service/http/head.h"
#include "tests/check_main.h"

struct case_field {
    const char *name, *value;
};

enum { FIELDS_MAX = 5 };

static struct service_head head_of(const struct case_field *fields, bool is_http_1_0)
{
    struct service_head h = {.is_http_1_0 = is_http_1_0};
    for (size_t i = 0; i < FIELDS_MAX && fields[i].name != NULL; i++)
        service_head_add(&h, str_of(fields[i].name), str_of(fields[i].value));
    return h;
}

START_TEST(test_refuses_what_is_ambiguous)
{
    static const struct { struct case_field fields[FIELDS_MAX]; bool is_http_1_0, is_fine, has_body; } cases[] = {
        {{{"Host", "a"}}, false, true, false},
        {{{0}}, true, true, false},
        {{{0}}, false, false, false},
        {{{"Host", "a"}, {"host", "a"}}, false, false, false},
        {{{"Host", "a"}, {"Content-Length", "5"}}, false, true, true},
        {{{"Host", "a"}, {"Content-Length", "0"}}, false, true, false},
        {{{"Host", "a"}, {"Content-Length", " 5 "}}, false, true, true},
        {{{"Host", "a"}, {"Content-Length", "5"}, {"Content-Length", "5"}}, false, false, true},
        {{{"Host", "a"}, {"Content-Length", "5"}, {"CONTENT-LENGTH", "6"}}, false, false, true},
        {{{"Host", "a"}, {"Content-Length", "+5"}}, false, false, false},
        {{{"Host", "a"}, {"Content-Length", "-5"}}, false, false, false},
        {{{"Host", "a"}, {"Content-Length", "0x5"}}, false, false, false},
        {{{"Host", "a"}, {"Content-Length", "5,5"}}, false, false, false},
        {{{"Host", "a"}, {"Content-Length", ""}}, false, false, false},
        {{{"Host", "a"}, {"Content-Length", "18446744073709551616"}}, false, false, false},
        {{{"Host", "a"}, {"Transfer-Encoding", "chunked"}}, false, true, true},
        {{{"Host", "a"}, {"Transfer-Encoding", "Chunked"}}, false, true, true},
        {{{"Host", "a"}, {"Transfer-Encoding", "chunked"}}, true, false, true},
        {{{"Host", "a"}, {"Transfer-Encoding", "xchunked"}}, false, false, true},
        {{{"Host", "a"}, {"Transfer-Encoding", "gzip, chunked"}}, false, false, true},
        {{{"Host", "a"}, {"Transfer-Encoding", "identity"}}, false, false, true},
        {{{"Host", "a"}, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}}, false, false, true},
        {{{"Host", "a"}, {"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}}, false, false, true},
        {{{"Host", "a"}, {"Content-Type", "a/b"}, {"Content-Type", "a/c"}}, false, false, false},
        {{{"Host", "a"}, {"Content-Encoding", "gzip"}, {"Content-Encoding", "gzip"}}, false, false, false},
        {{{"Host", "a"}, {"Authorization", "Bearer a"}, {"authorization", "Bearer a"}}, false, false, false},
        {{{"Host", "a"}, {"X-API-Key", "a"}, {"x-api-key", "a"}}, false, false, false},
        {{{"Host", "a"}, {"X-Forwarded-For", "a"}, {"X-Forwarded-For", "b"}, {"Origin", "a"}}, false, true, false},
        {{{"Host", "a"}, {"Content-Length ", "5"}}, false, false, false},
        {{{"Host", "a"}, {"Transfer-Encoding\t", "chunked"}}, false, false, false},
        {{{"Host", "a"}, {" X-Any", "1"}}, false, false, false},
        {{{"Host", "a"}, {"", "1"}}, false, false, false},
        {{{"Host", "a"}, {"X-Any", "1\rContent-Length: 5"}}, false, false, false},
        {{{"Host", "a"}, {"X!#$%&'*+-.^_`|~9", ""}}, false, true, false},
        {{{"Host", "a"}, {"Accept", "a/b"}, {"Accept", "a/c"}, {"X-Any", "1"}, {"X-Any", "2"}}, false, true, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct service_head h = head_of(cases[i].fields, cases[i].is_http_1_0);
        struct err_info e = {0};
        ck_assert_msg((service_head_check(&h, &e) == OK) == cases[i].is_fine, "case %zu: %s", i, e.message);
        ck_assert_msg(service_head_has_body(&h) == cases[i].has_body, "case %zu", i);
        ck_assert_msg(cases[i].is_fine || e.code == ERR_INVALID, "case %zu", i);
    }
}
END_TEST

START_TEST(test_keeps_the_last_of_what_proxies_add)
{
    struct service_head h = {0};
    struct str values[SERVICE_FORWARDED_MAX];
    static const char digits[] = "0123456789";
    ck_assert_uint_eq(service_head_forwarded(&h, values), 0);
    for (size_t n = 1; n <= 10; n++) {
        service_head_add(&h, STR("x-forwarded-for"), (struct str){&digits[n - 1], 1});
        const size_t n_kept = n < SERVICE_FORWARDED_MAX ? n : SERVICE_FORWARDED_MAX;
        ck_assert_uint_eq(service_head_forwarded(&h, values), n_kept);
        for (size_t i = 0; i < n_kept; i++)
            ck_assert_int_eq(values[i].ptr[0], digits[n - n_kept + i]);
    }
}
END_TEST

START_TEST(test_names_the_header_at_fault)
{
    static const struct { struct case_field fields[FIELDS_MAX]; const char *name; } cases[] = {
        {{{0}}, "Host"},
        {{{"Host", "a"}, {"content-type", "a/b"}, {"Content-Type", "a/b"}}, "Content-Type"},
        {{{"Host", "a"}, {"Content-Length", "x"}}, "Content-Length"},
        {{{"Host", "a"}, {"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}, "Transfer-Encoding"},
        {{{"Host", "a"}, {"Transfer-Encoding", "identity"}}, "Transfer-Encoding"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct service_head h = head_of(cases[i].fields, false);
        struct err_info e = {0};
        ck_assert_int_eq(service_head_check(&h, &e), ERR_INVALID);
        ck_assert_str_eq(e.parameter, cases[i].name);
    }
}
END_TEST

START_TEST(test_keeps_the_values)
{
    const struct case_field fields[FIELDS_MAX] = {{"content-type", " application/json "}, {"Content-Encoding", "gzip"},
                                                  {"ACCEPT", "*/*"}, {"Expect", "100-Continue"}, {"x-request-id", "abc"}};
    const struct service_head h = head_of(fields, false);
    ck_assert(str_equal(h.content_type, STR("application/json")));
    ck_assert(str_equal(h.content_encoding, STR("gzip")));
    ck_assert(str_equal(h.accept, STR("*/*")));
    ck_assert(str_equal(h.request_id, STR("abc")));
    ck_assert(service_head_expects_continue(&h));
    ck_assert_ptr_null(h.transfer_encoding.ptr);
}
END_TEST

START_TEST(test_targets)
{
    static const struct { struct str target; bool is_fine; } cases[] = {
        {STR("/"), true}, {STR("/a?b=%20&c=\xc3\xa9"), true}, {STR("/a b"), false}, {STR("/ HTTP/1.1"), false}, {STR("/\t"), false},
        {STR("/\x7f"), false}, {STR("/a\0b"), false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct service_head h = {.n_host = 1};
        service_head_set_target(&h, cases[i].target);
        ck_assert_msg((service_head_check(&h, NULL) == OK) == cases[i].is_fine, "case %zu", i);
    }
}
END_TEST

START_TEST(test_request_ids)
{
    static const char *const good[] = {"a", "A-Z_0.9", "0123456789012345678901234567890123456789012345678901234567890123"};
    static const char *const bad[] = {"", "a b", "a\n", "a\"b", "\xc3\xa4",
                                      "01234567890123456789012345678901234567890123456789012345678901234"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        ck_assert(service_head_is_request_id(str_of(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert(!service_head_is_request_id(str_of(bad[i])));
    ck_assert(!service_head_is_request_id((struct str){0}));
}
END_TEST

enum { HEAD_MAX = 128 };

/* As libmicrohttpd 0.9.75 leaves a head: zeros for what parts it, and found fields by where lines begin ('|' is a zero here). */
static bool is_head_fine(const char *text)
{
    char head[HEAD_MAX];
    struct service_head h = {0};
    const size_t len = strlen(text);
    for (size_t i = 0; i <= len; i++)
        head[i] = text[i] == '|' ? '\0' : text[i];
    const char *target = head + strlen(head) + 1, *version = target + strlen(target) + 1, *at = version + strlen(version) + 2;
    service_head_begin(&h, str_of(head), str_of(target), str_of(version));
    while (at < head + len && *at != '\0') {
        const char *value = at + strlen(at) + 1;
        value += strspn(value, " ");
        service_head_add(&h, str_of(at), str_of(value));
        for (at = value + strlen(value); at < head + len - 2 && *at == '\0';)
            at++;
    }
    service_head_end(&h, head + len);
    struct err_info e = {0};
    return service_head_check(&h, &e) == OK;
}

START_TEST(test_a_head_is_lines_and_nothing_else)
{
    static const struct { const char *head; bool is_fine; } cases[] = {
        {"GET|/a|HTTP/1.1||Host| a||||", true},
        {"GET|/a|HTTP/1.1||Host| a||X-Any|1||Y| ||||", true},
        {"GET||/a|HTTP/1.1||Host| a||||", false},
        {"GET|/a||HTTP/1.1||Host| a||||", false},
        {"GET|/a|HTTP/1.1|Host| a||||", false},
        {"GET|/a|HTTP/1.1||Host| a|||", false},
        {"GET|/a|HTTP/1.1||Host| a|X-Any|1||||", false},
        {"GET|/a|HTTP/1.1||Host| a|||X-Any|1||||", false},
        {"GET|/a|HTTP/1.1||Host| a|||b||||", false},
        {"GET|/a|HTTP/1.1||Host| a||| 1||", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(is_head_fine(cases[i].head) == cases[i].is_fine, "%s", cases[i].head);
}
END_TEST

START_TEST(test_sizes)
{
    static const struct { size_t target_bytes, n_bytes, n_values; const char *parameter; } cases[] = {
        {18432, 16384, 128, NULL}, {18433, 0, 0, "target"}, {0, 16385, 0, "headers"}, {0, 0, 129, "headers"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct service_head h = {
            .target_bytes = cases[i].target_bytes, .n_bytes = cases[i].n_bytes, .n_values = cases[i].n_values};
        struct err_info e = {0};
        const enum err code = service_head_check_size(&h, &e);
        ck_assert_msg(code == (cases[i].parameter == NULL ? OK : ERR_TOO_LARGE), "case %zu", i);
        ck_assert_str_eq(e.parameter, cases[i].parameter == NULL ? "" : cases[i].parameter);
    }
}
END_TEST

static TCase *tcase_head(void)
{
    TCase *tc = tcase_create("head");
    tcase_add_test(tc, test_refuses_what_is_ambiguous);
    tcase_add_test(tc, test_keeps_the_last_of_what_proxies_add);
    tcase_add_test(tc, test_names_the_header_at_fault);
    tcase_add_test(tc, test_keeps_the_values);
    tcase_add_test(tc, test_targets);
    tcase_add_test(tc, test_request_ids);
    tcase_add_test(tc, test_a_head_is_lines_and_nothing_else);
    tcase_add_test(tc, test_sizes);
    return tc;
}

CHECK_MAIN("head", tcase_head)
