#include "api/embed/embeddings_wire.h"

#include "core/log.h"
#include "tests/check_main.h"

enum { TEXT_MAX = 1 << 16 };

static struct buf out;

static void setup(void)
{
    buf_init(&out, TEXT_MAX);
}

static void teardown(void)
{
    buf_close(&out);
}

static void expect_text(const char *text)
{
    ck_assert(buf_is_ok(&out));
    ck_assert_msg(str_equal(buf_str(&out), str_of(text)), "%.*s", STR_ARG(buf_str(&out)));
}

static const struct { const char *setting, *url; } urls[] = {
    {"http://localhost:11434", "http://localhost:11434/v1/embeddings"},
    {"http://localhost:11434/", "http://localhost:11434/v1/embeddings"},
    {"http://localhost:11434/v1", "http://localhost:11434/v1/embeddings"},
    {"http://localhost:11434/v1//", "http://localhost:11434/v1/embeddings"},
    {"https://a.b/v1/embeddings", "https://a.b/v1/embeddings"},
    {"HTTPS://a.b/v1/embeddings/", "HTTPS://a.b/v1/embeddings"},
    {"https://a.b/deep/embeddings?api-version=3", "https://a.b/deep/embeddings?api-version=3"},
    {"http://[::1]:8080/api", "http://[::1]:8080/api/embeddings"},
    {"http://a/v1?to=b@c", "http://a/v1/embeddings?to=b@c"},
    {"http://user:secret@a/v1", "http://user:secret@a/v1/embeddings"},
};

START_TEST(takes_an_endpoint_or_its_base)
{
    ck_assert_int_eq(api_embeddings_url(str_of(urls[_i].setting), &out, NULL), OK);
    expect_text(urls[_i].url);
}
END_TEST

static const char *const no_urls[] = {"", "http://", "http:///v1", "http://:80/v1", "ftp://a/v1", "file:///etc/passwd", "a.b/v1",
                                      "http://a b/v1", "http://a/v1\n", "http://a/#v1", "http://?a",
                                      "http://a\r\nX: y/v1", "http://user@/v1", "http://@", "http://user@:80/v1", "http://a@b@c/v1",
                                      "http://a\\@b/v1", "http://a/\\b", "http://a\x7f/v1"};

START_TEST(refuses_what_is_no_url)
{
    struct err_info e = {0};
    ck_assert_msg(api_embeddings_url(str_of(no_urls[_i]), &out, &e) == ERR_INVALID, "took %s", no_urls[_i]);
    ck_assert_ptr_nonnull(strstr(e.message, "http://localhost:11434/v1"));
}
END_TEST

START_TEST(asks_as_the_protocol_says)
{
    const struct str texts[] = {STR("a \"b\"\n"), STR("c")};
    api_embeddings_put_request(&out, STR("m/1"), false, texts, 2);
    expect_text("{\"model\":\"m/1\",\"input\":[\"a \\\"b\\\"\\n\",\"c\"]}");
    buf_clear(&out);
    api_embeddings_put_request(&out, STR("m"), true, texts + 1, 1);
    expect_text("{\"model\":\"m\",\"input\":[\"c\"],\"dimensions\":384}");
}
END_TEST

/* %v of a template is a vector: n_numbers times 0 but for the first, which is the number of the vector. */
static void put_reply(const char *template, size_t n_numbers)
{
    int n = 0;
    buf_clear(&out);
    for (const char *c = template; *c != '\0'; c++) {
        if (*c != '%') {
            buf_putc(&out, *c);
            continue;
        }
        buf_printf(&out, "[%d", ++n);
        for (size_t i = 1; i < n_numbers; i++)
            BUF_LITERAL(&out, ",0.0e0");
        buf_putc(&out, ']');
    }
}

static const struct { const char *template; int first, second; } replies[] = {
    {"{\"object\":\"list\",\"data\":[{\"index\":0,\"embedding\":%},{\"index\":1,\"embedding\":%}],\"model\":\"m\",\"usage\":{\"a\":[1]}}", 1, 2},
    {" {\"data\" : [ {\"embedding\":%,\"index\":1,\"object\":\"embedding\"} , {\"index\":0,\"embedding\":%} ] } ", 2, 1},
    {"{\"data\":[{\"embedding\":%},{\"embedding\":%}]}", 1, 2},
};

START_TEST(reads_vectors_to_their_places)
{
    float v[2][EMBEDDING_DIMENSIONS];
    struct err_info e = {0};
    put_reply(replies[_i].template, EMBEDDING_DIMENSIONS);
    ck_assert_msg(api_embeddings_read_reply(buf_str(&out), 2, v, &e) == OK, "%s", e.message);
    ck_assert_int_eq((int)v[0][0], replies[_i].first);
    ck_assert_int_eq((int)v[1][0], replies[_i].second);
}
END_TEST

static const struct { const char *template; size_t n_numbers; const char *words; } wrong[] = {
    {"", 384, "JSON"},
    {"<html>it works</html>", 384, "JSON"},
    {"[]", 384, "JSON"},
    {"{\"data\":[{\"embedding\":%,\"index\":0}]", 384, "JSON"},
    {"{\"data\":[{\"embedding\":%,\"index\":0}]} x", 384, "more follows"},
    {"{\"data\":[{\"embedding\":\"AACAPw==\"}]}", 384, "array"},
    {"{\"data\":[{\"embedding\":[null]}]}", 384, "number"},
    {"{\"data\":[{\"embedding\":[NaN]}]}", 384, "JSON"},
    {"{\"data\":[{\"embedding\":[1e999]}]}", 384, "finite"},
    {"{\"data\":[{\"embedding\":%,\"index\":-1}]}", 384, "index"},
    {"{\"data\":[{\"embedding\":%,\"index\":0.5}]}", 384, "index"},
    {"{\"data\":[{\"embedding\":%,\"index\":1}]}", 384, "index 1"},
    {"{\"data\":[{\"embedding\":%,\"index\":0},{\"embedding\":%,\"index\":0}]}", 384, "index 0"},
    {"{\"data\":[{\"embedding\":%},{\"embedding\":%}]}", 384, "index 1"},
    {"{\"data\":[]}", 384, "0 vectors for 1 texts"},
    {"{\"error\":{\"message\":\"no\"}}", 384, "0 vectors for 1 texts"},
    {"{\"data\":[{\"index\":0}]}", 384, "vectors of 0 numbers"},
    {"{\"data\":[{\"embedding\":%}]}", 383, "vectors of 383 numbers, and 384 are needed"},
    {"{\"data\":[{\"embedding\":%}]}", 1024, "TRACEKIN_EMBEDDINGS_DIMENSIONS"},
};

START_TEST(tells_what_is_wrong_with_a_reply)
{
    float v[1][EMBEDDING_DIMENSIONS];
    struct err_info e = {0};
    put_reply(wrong[_i].template, wrong[_i].n_numbers);
    ck_assert_int_eq(api_embeddings_read_reply(buf_str(&out), 1, v, &e), ERR_INVALID);
    ck_assert_msg(strstr(e.message, wrong[_i].words) != NULL, "%s", e.message);
}
END_TEST

static const char *const first_numbers[] = {"0", "1e300", "1e-30"};

START_TEST(a_vector_must_point_somewhere)
{
    float v[1][EMBEDDING_DIMENSIONS];
    buf_printf(&out, "{\"data\":[{\"embedding\":[%s", first_numbers[_i]);
    for (size_t i = 1; i < EMBEDDING_DIMENSIONS; i++)
        BUF_LITERAL(&out, ",0");
    BUF_LITERAL(&out, "]}]}");
    struct err_info e = {0};
    ck_assert_int_eq(api_embeddings_read_reply(buf_str(&out), 1, v, &e), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.message, "points nowhere"));
}
END_TEST

static TCase *tcase_embeddings_wire(void)
{
    TCase *tcase = tcase_create("embeddings_wire");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, takes_an_endpoint_or_its_base, 0, ARRAY_LEN(urls));
    tcase_add_loop_test(tcase, refuses_what_is_no_url, 0, ARRAY_LEN(no_urls));
    tcase_add_test(tcase, asks_as_the_protocol_says);
    tcase_add_loop_test(tcase, reads_vectors_to_their_places, 0, ARRAY_LEN(replies));
    tcase_add_loop_test(tcase, tells_what_is_wrong_with_a_reply, 0, ARRAY_LEN(wrong));
    tcase_add_loop_test(tcase, a_vector_must_point_somewhere, 0, ARRAY_LEN(first_numbers));
    return tcase;
}

CHECK_MAIN("embeddings_wire", tcase_embeddings_wire)
