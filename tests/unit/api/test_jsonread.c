#include "api/json/jsonread.h"

#include <jansson.h>

#include "core/buf.h"
#include "tests/check_main.h"

enum { ARENA_BYTES = 1 << 20 };

static struct api_jsonread reader_of(struct str s)
{
    struct api_jsonread r;
    api_jsonread_init(&r, s);
    return r;
}

static bool is_json(struct str s)
{
    struct api_jsonread r = reader_of(s);
    return api_jsonread_skip(&r).ptr != NULL && api_jsonread_end(&r);
}

START_TEST(an_object_is_walked)
{
    struct api_jsonread r = reader_of(STR(" { \"a\" : [ 1 , -2.5e+3 ] , \"b\":{}, \"c\":\"x\\ny\", \"d\":true, \"e\":null}"));
    struct str key, number;
    struct api_json_string s;
    bool truth = false;
    ck_assert(api_jsonread_open(&r, '{') && api_jsonread_member(&r, &key) && str_equal(key, STR("a")));
    ck_assert(api_jsonread_open(&r, '[') && api_jsonread_element(&r) && api_jsonread_number(&r, &number));
    ck_assert(str_equal(number, STR("1")));
    ck_assert(api_jsonread_element(&r) && api_jsonread_number(&r, &number) && str_equal(number, STR("-2.5e+3")));
    ck_assert(!api_jsonread_element(&r));
    ck_assert(api_jsonread_member(&r, &key) && str_equal(api_jsonread_skip(&r), STR("{}")));
    ck_assert(api_jsonread_member(&r, &key) && api_jsonread_string(&r, &s) && s.has_escape && !s.has_high);
    ck_assert(str_equal(s.raw, STR("x\\ny")));
    ck_assert(api_jsonread_member(&r, &key) && api_jsonread_bool(&r, &truth) && truth);
    ck_assert(api_jsonread_member(&r, &key) && api_jsonread_null(&r));
    ck_assert(!api_jsonread_member(&r, &key) && api_jsonread_end(&r));
    ck_assert_ptr_null(r.why);
}
END_TEST

/* jansson, another reader of RFC 8259, agrees on each. */
static const char *const texts[] = {
    "{}", "[]", "[[[]]]", "\"\"", "0", "-0", "10", "1.5", "1e5", "1E-5", "true", "false", "null", "[1,2]", "{\"a\":1,\"b\":[]}",
    "\"\\u00e9\\\"\\\\\\/\\b\\f\\n\\r\\t\"", " [ ] ", "{\"a\":{\"b\":{\"c\":[{}]}}}",
    "", " ", "{", "[", "]", "}", "{]", "[}", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:1}",
    "\"", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "01", "-", "+1", ".5", "1.", "1e", "1e+", "tru", "nul", "True",
    "[1]]", "{}x", "\"a\tb\"", "\"a\nb\"", "[\"a\",\"b\"", "{\"a\":\"b\"", "'a'", "[1]/**/",
};

START_TEST(the_same_texts_are_json_as_for_another_reader)
{
    json_error_t error;
    json_t *other = json_loads(texts[_i], JSON_DECODE_ANY, &error);
    ck_assert_msg(is_json(str_of(texts[_i])) == (other != NULL), "%s", texts[_i]);
    json_decref(other);
}
END_TEST

START_TEST(no_prefix_of_an_object_is_json)
{
    const struct str whole = STR("{\"a\":[1.5e3,\"\\u0041\\n\",true,false,null],\"b\":{\"c\":\"\xc3\xa9 and more\"}}");
    ck_assert(is_json(whole) && !is_json((struct str){0}));
    for (size_t n = 0; n < whole.len; n++)
        ck_assert_msg(!is_json((struct str){whole.ptr, n}), "%zu bytes", n);
}
END_TEST

static void decoded_is(struct str json, struct str want)
{
    struct api_jsonread r = reader_of(json);
    struct api_json_string s;
    struct arena a;
    arena_init(&a, ARENA_BYTES);
    ck_assert(api_jsonread_string(&r, &s));
    const struct str got = api_json_decode(&a, &s);
    ck_assert_msg(str_equal(got, want), "%.*s gave %.*s", STR_ARG(json), STR_ARG(got));
    arena_close(&a);
}

START_TEST(escapes_are_decoded)
{
    decoded_is(STR("\"plain\""), STR("plain"));
    decoded_is(STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), STR("\"\\/\b\f\n\r\t"));
    decoded_is(STR("\"\\u0041\\u00e9\\u20AC\""), STR("A\xc3\xa9\xe2\x82\xac"));
    decoded_is(STR("\"\\ud83d\\ude00!\""), STR("\xf0\x9f\x98\x80!"));
}
END_TEST

START_TEST(what_text_cannot_hold_is_replaced)
{
    decoded_is(STR("\"a\\u0000b\""), STR("a\xef\xbf\xbd"
                                         "b"));
    decoded_is(STR("\"\\ud83d\""), STR("\xef\xbf\xbd"));
    decoded_is(STR("\"\\ude00\\ud83d\""), STR("\xef\xbf\xbd\xef\xbf\xbd"));
    decoded_is(STR("\"\\ud83d\\u0041\""), STR("\xef\xbf\xbd"
                                              "A"));
    decoded_is(STR("\"\\ud83d\\n\""), STR("\xef\xbf\xbd\n"));
}
END_TEST

START_TEST(a_string_tells_what_it_holds)
{
    /* Around the eight bytes that are looked at together. */
    for (size_t n = 0; n < 20; n++) {
        char text[32] = "\"aaaaaaaaaaaaaaaaaaaa\"";
        struct api_json_string s;
        text[1 + n] = '\xe9';
        struct api_jsonread r = reader_of(str_of(text));
        ck_assert(api_jsonread_string(&r, &s) && s.has_high && s.raw.len == 20);
        text[1 + n] = '"';
        r = reader_of(str_of(text));
        ck_assert(api_jsonread_string(&r, &s) && !s.has_high && s.raw.len == n);
        text[1 + n] = '\x1f';
        r = reader_of(str_of(text));
        ck_assert(!api_jsonread_string(&r, &s) && r.at == text + 1 + n);
    }
}
END_TEST

/* n opening brackets, a value, n closing ones. */
static void put_nest(struct buf *b, size_t n, char open, const char *key, char close)
{
    for (size_t i = 0; i < n; i++) {
        buf_putc(b, open);
        buf_puts(b, str_of(key));
    }
    buf_putc(b, '1');
    for (size_t i = 0; i < n; i++)
        buf_putc(b, close);
}

START_TEST(nesting_is_bounded)
{
    const struct {
        char open, close;
        const char *key;
    } kinds[] = {{'[', ']', ""}, {'{', '}', "\"k\":"}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct buf b;
        buf_init(&b, ARENA_BYTES);
        put_nest(&b, API_JSONREAD_DEPTH_MAX, kinds[i].open, kinds[i].key, kinds[i].close);
        ck_assert(is_json(buf_str(&b)));
        buf_clear(&b);
        put_nest(&b, API_JSONREAD_DEPTH_MAX + 1, kinds[i].open, kinds[i].key, kinds[i].close);
        ck_assert(!is_json(buf_str(&b)));
        buf_clear(&b);
        put_nest(&b, 100000, kinds[i].open, kinds[i].key, kinds[i].close);
        ck_assert(!is_json(buf_str(&b)));
        buf_close(&b);
    }
}
END_TEST

static TCase *jsonread_cases(void)
{
    TCase *c = tcase_create("jsonread");
    tcase_add_test(c, an_object_is_walked);
    tcase_add_loop_test(c, the_same_texts_are_json_as_for_another_reader, 0, (int)ARRAY_LEN(texts));
    tcase_add_test(c, no_prefix_of_an_object_is_json);
    tcase_add_test(c, escapes_are_decoded);
    tcase_add_test(c, what_text_cannot_hold_is_replaced);
    tcase_add_test(c, a_string_tells_what_it_holds);
    tcase_add_test(c, nesting_is_bounded);
    return c;
}

CHECK_MAIN("api/jsonread", jsonread_cases)
