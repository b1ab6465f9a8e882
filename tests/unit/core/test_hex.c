#include "core/hex.h"

#include "tests/check_main.h"

START_TEST(hex_round_trip)
{
    uint8_t bytes[256], back[256];
    AUTO(buf) struct buf b;
    buf_init(&b, 512);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    hex_put(&b, bytes, sizeof bytes);
    ck_assert(buf_is_ok(&b));
    ck_assert_uint_eq(b.len, 512);
    ck_assert(str_starts_with(buf_str(&b), STR("000102030405060708090a0b0c0d0e0f10")));
    ck_assert(hex_parse(buf_str(&b), back, sizeof back));
    ck_assert_mem_eq(bytes, back, sizeof bytes);
    hex_put(&b, bytes, 1);
    ck_assert(!buf_is_ok(&b));
}
END_TEST

START_TEST(hex_of_two_bytes)
{
    static const struct {
        struct str text;
        bool is_exact, is_padded;
        uint8_t want[2];
    } cases[] = {
        {STR("aBcD"), true, true, {0xab, 0xcd}},   {STR("0000"), true, true, {0, 0}},
        {STR("f"), false, true, {0, 0x0f}},        {STR("1f"), false, true, {0, 0x1f}},
        {STR("21f"), false, true, {0x02, 0x1f}},   {STR(""), false, false, {0, 0}},
        {STR("12345"), false, false, {0, 0}},      {STR("123456"), false, false, {0, 0}},
        {STR("12g4"), false, false, {0, 0}},       {STR("0x12"), false, false, {0, 0}},
        {STR(" 123"), false, false, {0, 0}},       {STR("12\xc3\xa9"), false, false, {0, 0}},
        {STR("123\0"), false, false, {0, 0}},      {{NULL, 0}, false, false, {0, 0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t exact[2] = {0x55, 0x55}, padded[2] = {0x55, 0x55};
        static const uint8_t untouched[2] = {0x55, 0x55};
        ck_assert_msg(hex_parse(cases[i].text, exact, 2) == cases[i].is_exact, "case %zu", i);
        ck_assert_msg(hex_parse_padded(cases[i].text, padded, 2) == cases[i].is_padded, "case %zu", i);
        ck_assert_mem_eq(exact, cases[i].is_exact ? cases[i].want : untouched, 2);
        ck_assert_mem_eq(padded, cases[i].is_padded ? cases[i].want : untouched, 2);
    }
}
END_TEST

static const struct {
    struct str bytes, standard, url;
} base64_cases[] = {
    {STR(""), STR(""), STR("")},
    {STR("f"), STR("Zg=="), STR("Zg")},
    {STR("fo"), STR("Zm8="), STR("Zm8")},
    {STR("foo"), STR("Zm9v"), STR("Zm9v")},
    {STR("foob"), STR("Zm9vYg=="), STR("Zm9vYg")},
    {STR("fooba"), STR("Zm9vYmE="), STR("Zm9vYmE")},
    {STR("foobar"), STR("Zm9vYmFy"), STR("Zm9vYmFy")},
    {STR("\xfb\xef\xbe\xff"), STR("++++/w=="), STR("----_w")},
};

START_TEST(base64_of_rfc4648)
{
    for (size_t i = 0; i < ARRAY_LEN(base64_cases); i++) {
        AUTO(buf) struct buf b;
        buf_init(&b, 64);
        base64_put(&b, (const uint8_t *)base64_cases[i].bytes.ptr, base64_cases[i].bytes.len);
        ck_assert(str_equal(buf_str(&b), base64_cases[i].standard));
        buf_clear(&b);
        base64_put_url(&b, (const uint8_t *)base64_cases[i].bytes.ptr, base64_cases[i].bytes.len);
        ck_assert(str_equal(buf_str(&b), base64_cases[i].url));
        buf_clear(&b);
        ck_assert(base64_parse(base64_cases[i].standard, &b));
        ck_assert(str_equal(buf_str(&b), base64_cases[i].bytes));
        ck_assert(base64_is_canonical(base64_cases[i].standard));
        buf_clear(&b);
        ck_assert(base64_parse(base64_cases[i].url, &b));
        ck_assert(str_equal(buf_str(&b), base64_cases[i].bytes));
    }
}
END_TEST

START_TEST(base64_refused)
{
    static const struct str cases[] = {STR("Z"),     STR("Zg="),  STR("Zg==="), STR("=Zg="),     STR("Z==="), STR("===="),
                                       STR("Zm9vY"), STR("Zm 9"), STR("Zm9*"),  STR("Zg==Zg=="), STR("="),    STR("Zm9v=")};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(buf) struct buf b;
        buf_init(&b, 64);
        buf_putc(&b, 'x');
        ck_assert_msg(!base64_parse(cases[i], &b), "%s", cases[i].ptr);
        ck_assert_msg(!base64_is_canonical(cases[i]), "%s", cases[i].ptr);
        ck_assert(str_equal(buf_str(&b), STR("x")));
    }
}
END_TEST

START_TEST(base64_that_is_not_canonical)
{
    static const struct str cases[] = {STR("Zg"), STR("Zm8"), STR("Zh=="), STR("Zm9="), STR("----"), STR("__8=")};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(buf) struct buf b;
        buf_init(&b, 64);
        ck_assert_msg(base64_parse(cases[i], &b), "%s", cases[i].ptr);
        ck_assert_msg(!base64_is_canonical(cases[i]), "%s", cases[i].ptr);
    }
}
END_TEST

START_TEST(base64_past_the_bound_fails_the_buffer)
{
    AUTO(buf) struct buf b;
    buf_init(&b, 2);
    ck_assert(base64_parse(STR("Zm9v"), &b));
    ck_assert(!buf_is_ok(&b));
}
END_TEST

static TCase *all_tests(void)
{
    TCase *c = tcase_create("hex");
    tcase_add_test(c, hex_round_trip);
    tcase_add_test(c, hex_of_two_bytes);
    tcase_add_test(c, base64_of_rfc4648);
    tcase_add_test(c, base64_refused);
    tcase_add_test(c, base64_that_is_not_canonical);
    tcase_add_test(c, base64_past_the_bound_fails_the_buffer);
    return c;
}

CHECK_MAIN("hex", all_tests)
