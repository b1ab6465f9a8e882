/* A parsed document, written by our own writer. */
#include "api/json/jsontree.h"
#include "tests/check_main.h"

static struct buf out;

static void setup(void)
{
    buf_init(&out, 1 << 20);
}

static void teardown(void)
{
    buf_close(&out);
}

static void write_tree(const char *text)
{
    struct api_json w;
    json_t *root = json_loads(text, JSON_DECODE_ANY, NULL);
    ck_assert_ptr_nonnull(root);
    buf_clear(&out);
    api_json_init(&w, &out);
    api_json_tree(&w, root);
    json_decref(root);
}

START_TEST(every_kind_comes_back_as_it_was)
{
    static const char *const texts[] = {
        "null", "true", "false", "\"a \\\"b\\\" \\u0001\xc3\xa9\"", "-9223372036854775808", "0", "0.1", "0.3", "1.0", "-2.5",
        "100000000000000000.0", "1e+300", "[]", "{}", "[1,[2.5,null],{\"a\":[true]}]", "{\"b\":1,\"a\":{\"\":\"x\"}}",
        "{\"a\\\"b\\\\\":1,\"\\\\' OR 1\":2,\"a\\\":true,\\\"c\":3}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        write_tree(texts[i]);
        ck_assert_msg(str_equal(buf_str(&out), str_of(texts[i])), "%s as %.*s", texts[i], STR_ARG(buf_str(&out)));
    }
}
END_TEST

enum { DEPTH = 2000 };

START_TEST(nesting_as_deep_as_jansson_reads_it)
{
    static char text[2 * DEPTH + 1];
    memset(text, '[', DEPTH);
    memset(text + DEPTH, ']', DEPTH);
    write_tree(text);
    ck_assert(str_equal(buf_str(&out), str_of(text)));
}
END_TEST

static TCase *tree_case(void)
{
    TCase *tc = tcase_create("jsontree");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, every_kind_comes_back_as_it_was);
    tcase_add_test(tc, nesting_as_deep_as_jansson_reads_it);
    return tc;
}

CHECK_MAIN("api/jsontree", tree_case)
