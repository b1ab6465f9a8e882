/* What the JSON writer writes is what jansson reads back. */
#include <jansson.h>
#include <math.h>

#include "api/json/jsonwrite.h"
#include "tests/check_main.h"

static struct buf out;
static struct api_json w;

static void setup(void)
{
    buf_init(&out, 1 << 20);
    api_json_init(&w, &out);
}

static void teardown(void)
{
    buf_close(&out);
}

static void assert_text(const char *expected)
{
    buf_putc(&out, '\0');
    ck_assert_str_eq(out.data, expected);
}

START_TEST(nests_and_keeps_commas)
{
    api_json_open(&w, '{');
    api_json_key(&w, "a");
    api_json_open(&w, '[');
    api_json_i64(&w, -1);
    api_json_open(&w, '{');
    api_json_close(&w, '}');
    api_json_raw(&w, STR("[1, 2]"));
    api_json_close(&w, ']');
    api_json_key(&w, "b");
    api_json_null(&w);
    api_json_key(&w, "c");
    api_json_str(&w, (struct str){NULL, 0});
    api_json_key(&w, "d");
    api_json_bool(&w, true);
    api_json_key(&w, "e");
    api_json_i64_text(&w, INT64_MAX);
    api_json_key(&w, "f");
    api_json_hex(&w, (const uint8_t *)"\x0a\xff", 2);
    api_json_key(&w, "g");
    api_json_time(&w, 1);
    api_json_close(&w, '}');
    assert_text("{\"a\":[-1,{},[1, 2]],\"b\":null,\"c\":null,\"d\":true,\"e\":\"9223372036854775807\",\"f\":\"0aff\","
                "\"g\":\"1970-01-01T00:00:00.000000001Z\"}");
}
END_TEST

START_TEST(every_character_reads_back)
{
    char text[256];
    size_t n = 0;
    for (char c = 1; c < 127; c++)
        text[n++] = c;
    text[n++] = 127;
    memcpy(text + n, "\xc3\xa9\xf0\x9f\x98\x80", 6);
    n += 6;
    api_json_open(&w, '[');
    api_json_str(&w, (struct str){text, n});
    api_json_close(&w, ']');
    json_t *root = json_loadb(out.data, out.len, 0, NULL);
    ck_assert_ptr_nonnull(root);
    const json_t *item = json_array_get(root, 0);
    ck_assert_uint_eq(json_string_length(item), n);
    ck_assert_mem_eq(json_string_value(item), text, n);
    json_decref(root);
}
END_TEST

/* Text is looked at eight bytes at a time. */
START_TEST(an_escape_is_found_wherever_it_stands)
{
    static const char specials[] = {'"', '\\', '\n', 0x1f, 0x7f};
    for (size_t n = 1; n < 20; n++)
        for (size_t at = 0; at < n; at++)
            for (size_t i = 0; i < sizeof specials; i++) {
                char text[20];
                memset(text, '~', n);
                text[at] = specials[i];
                buf_clear(&out);
                api_json_init(&w, &out);
                api_json_open(&w, '[');
                api_json_str(&w, (struct str){text, n});
                api_json_close(&w, ']');
                ck_assert_ptr_null(memchr(out.data, 0x7f, out.len));
                json_t *root = json_loadb(out.data, out.len, 0, NULL);
                ck_assert_ptr_nonnull(root);
                ck_assert_mem_eq(json_string_value(json_array_get(root, 0)), text, n);
                json_decref(root);
            }
}
END_TEST

START_TEST(doubles_are_shortest_and_exact)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"}, {1.0 / 3, "0.3333333333333333"}, {100, "100"}, {1e300, "1e+300"}, {-0.5, "-0.5"}, {0, "0"},
               {-0.0, "-0"}, {0.000001, "0.000001"}, {186.361132, "186.361132"}, {0.1 + 0.2, "0.30000000000000004"},
               {123456789.123456, "123456789.123456"}, {1e9, "1000000000"}, {-999999999.999999, "-999999999.999999"},
               {0.0000015, "1.5e-06"}, {20.01, "20.01"}, {4503599627.370497, "4503599627.370497"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_clear(&out);
        api_json_init(&w, &out);
        api_json_f64(&w, cases[i].value);
        assert_text(cases[i].text);
        ck_assert(strtod(out.data, NULL) == cases[i].value);
    }
}
END_TEST

START_TEST(reals_never_read_as_integers)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.1, "0.1"},
        {100, "100.0"},
        {-0.0, "-0.0"},
        {1e17, "100000000000000000.0"},
        {9007199254740993.0, "9007199254740992.0"},
        {-9223372036854775808.0, "-9223372036854775808.0"},
        {9223372036854775808.0, "9223372036854775808.0"},
        {9223372036854777856.0, "9.223372036854778e+18"},
        {1e300, "1e+300"},
        {1e-7, "1e-07"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_clear(&out);
        api_json_init(&w, &out);
        api_json_real(&w, cases[i].value);
        assert_text(cases[i].text);
        ck_assert(strtod(out.data, NULL) == cases[i].value);
    }
}
END_TEST

START_TEST(what_is_not_finite_is_null)
{
    api_json_open(&w, '[');
    api_json_f64(&w, NAN);
    api_json_f64(&w, INFINITY);
    api_json_real(&w, NAN);
    api_json_close(&w, ']');
    assert_text("[null,null,null]");
}
END_TEST

static TCase *jsonwrite_case(void)
{
    TCase *tc = tcase_create("jsonwrite");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, nests_and_keeps_commas);
    tcase_add_test(tc, every_character_reads_back);
    tcase_add_test(tc, an_escape_is_found_wherever_it_stands);
    tcase_add_test(tc, doubles_are_shortest_and_exact);
    tcase_add_test(tc, reals_never_read_as_integers);
    tcase_add_test(tc, what_is_not_finite_is_null);
    return tc;
}

CHECK_MAIN("api/jsonwrite", jsonwrite_case)
