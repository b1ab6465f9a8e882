#include "core/mask.h"

#include "tests/check_main.h"

enum { OUT_MAX = 1 << 20 };

static const struct {
    const char *text;
    const char *masked;
} CASES[] = {
    {"", ""},
    {" \t\r\n ", ""},
    {"no numbers here", "no numbers here"},
    {"  white \t space\n\nfolds ", "white space folds"},
    /* numbers */
    {"order 17 of 230", "order <n> of <n>"},
    {"-5, +3, x-5", "<n>, <n>, x-<n>"},
    {"1,234,567.89 and 1,2", "<n> and <n>,<n>"},
    {"1.5e-3 v 1.2.3", "<n> v <n>"},
    {"took 15ms, 2.5 s, 100%", "took <n>ms, <n> s, <n>%"},
    {"Foo.java:12:34", "Foo.java:<n>:<n>"},
    {"[9]", "[<n>]"},
    /* ids */
    {"orderId: 6a0a95df-5f72-495b-8675-47160f984e6d]", "orderId: <id>]"},
    {"tripId: D1345", "tripId: <id>"},
    {"at 0xdeadbeef, Foo@1a2b3c4d", "at <id>, Foo@<id>"},
    {"12345678b abcdef12 deadbeef", "<id> <id> deadbeef"},
    {"ts-order-service-6f6cfc45b-h5m2n", "ts-order-service-<id>-<id>"},
    {"order_12345", "order_<n>"},
    {"TOKEN: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJmZHNlX21pY3Jvc2VydmljZSIsInJvbGVzIjpb."
     "k3X-fWEP8nOE-eb4lNDCAq_ab-cdE8fghiJkL.",
     "TOKEN: <id>.<id>.<id>."},
    {"ts-travel2-and-a-name-longer-than-base64 getOrderByIdFromOrderOtherThenTravel2Again",
     "ts-travel2-and-a-name-longer-than-<id> getOrderByIdFromOrderOtherThenTravel2Again"},
    /* a name with one digit stays, but in quotes it is a value */
    {"ts-travel2-service /api/v1/orders", "ts-travel2-service /api/v1/orders"},
    {"key 'abc1' and \"v1\" not v1", "key '<id>' and \"<id>\" not v1"},
    {"don't lose v1", "don't lose v1"},
    /* addresses */
    {"10.1.2.3:8080 10.0.0.0/8 10.1.2.3.", "<ip> <ip> <ip>."},
    {"1.2.3.4.5", "<n>"},
    {"fe80::1 [::1]:80 00:1b:44:11:3a:b7", "<ip> [<ip>]:<n> <ip>"},
    {"std::vector a::b", "std::vector a::b"},
    /* times */
    {"date: 2021-07-14, at", "date: <time>, at"},
    {"from 2013-05-04 7:05:52 to 2023-01-29T08:42:09.487160534Z", "from <time> to <time>"},
    {"due 2023-01-29T08:42+01:00 or 29/01/2023 08:42:09,123 +0000", "due <time> or <time>"},
    {"at 08:42:09.5", "at <time>"},
    /* heads of log lines, and ids of correlation */
    {"16:42:09.486 INFO  t.c.Travel2Controller#115 TraceID: 6f3cbf058c2765548a39ad724905d6a1 SpanID: 576f9c38fc25e197 "
     "[query][Query TripResponse]",
     "[query][Query TripResponse]"},
    {"2023-01-29 16:42:09.486  INFO 1 --- [nio-8080-exec-1] o.a.Catalina : it failed", "it failed"},
    {"16:42:09.486 [main] ERROR com.foo.Bar - it failed", "it failed"},
    {"[2023-01-29 16:42:09] [ERROR] it failed", "it failed"},
    {"2023-01-29T16:42:09Z ERROR java.lang.IllegalStateException: it failed",
     "java.lang.IllegalStateException: it failed"},
    {"ERROR [query] it failed", "ERROR [query] it failed"},
    {"it failed trace_id=6f3cbf058c2765548a39ad724905d6a1", "it failed"},
    {"the trace id is unknown", "the trace id is unknown"},
    /* other bytes pass */
    {"Fehler: Größe 5 überschritten", "Fehler: Größe <n> überschritten"},
    {"\xff\xfe 12", "\xff\xfe <n>"},
};

START_TEST(test_masks)
{
    AUTO(buf) struct buf out;
    buf_init(&out, OUT_MAX);
    mask_put(&out, str_of(CASES[_i].text));
    ck_assert(buf_is_ok(&out));
    const struct str masked = buf_str(&out);
    ck_assert_msg(str_equal(masked, str_of(CASES[_i].masked)), "\"%s\" became \"%.*s\", not \"%s\"", CASES[_i].text,
                  STR_ARG(masked), CASES[_i].masked);
}
END_TEST

START_TEST(test_appends)
{
    AUTO(buf) struct buf out;
    buf_init(&out, OUT_MAX);
    BUF_LITERAL(&out, "before ");
    mask_put(&out, STR(" 1 "));
    ck_assert(str_equal(buf_str(&out), STR("before <n>")));
}
END_TEST

/* Every prefix and suffix, each in its own exact allocation, so that a sanitizer sees a read past either end. */
START_TEST(test_any_cut_is_safe_and_bounded)
{
    const struct str text = str_of(CASES[_i].text);
    for (size_t cut = 0; cut <= text.len; cut++) {
        char *tail = malloc(text.len - cut + 1);
        ck_assert_ptr_nonnull(tail);
        memcpy(tail, text.ptr + cut, text.len - cut);
        char *const copy = realloc(tail, text.len - cut == 0 ? 1 : text.len - cut);
        ck_assert_ptr_nonnull(copy);
        AUTO(buf) struct buf out;
        buf_init(&out, OUT_MAX);
        mask_put(&out, (struct str){copy, text.len - cut});
        mask_put(&out, (struct str){text.ptr, cut});
        ck_assert(buf_is_ok(&out));
        ck_assert_uint_le(out.len, MASK_GROWTH_MAX * text.len);
        free(copy);
    }
}
END_TEST

/* Texts that would take minutes if any part of them were read again and again. */
START_TEST(test_is_linear)
{
    static const char *const UNITS[] = {":", "1.", "-1", "+", "[", "a1", "1:1", "::1", "trace_id=", "'", "1e", "0,000", "a-", "aB3-"};
    AUTO(buf) struct buf text;
    buf_init(&text, OUT_MAX);
    while (text.len < OUT_MAX / 2)
        buf_puts(&text, str_of(UNITS[_i]));
    BUF_LITERAL(&text, "x");
    AUTO(buf) struct buf out;
    buf_init(&out, MASK_GROWTH_MAX * (size_t)OUT_MAX);
    mask_put(&out, buf_str(&text));
    ck_assert(buf_is_ok(&out));
}
END_TEST

START_TEST(test_fails_as_its_buffer_does)
{
    AUTO(buf) struct buf out;
    buf_init(&out, 4);
    mask_put(&out, STR("longer than four"));
    ck_assert(!buf_is_ok(&out));
}
END_TEST

START_TEST(test_knows_its_placeholders)
{
    ck_assert_uint_eq(mask_placeholder_at(STR("<time> x")), 6);
    ck_assert_uint_eq(mask_placeholder_at(STR("<n>")), 3);
    ck_assert_uint_eq(mask_placeholder_at(STR("<node>")), 0);
    ck_assert_uint_eq(mask_placeholder_at(STR("")), 0);
}
END_TEST

static TCase *case_mask(void)
{
    TCase *tcase = tcase_create("mask");
    tcase_add_loop_test(tcase, test_masks, 0, (int)ARRAY_LEN(CASES));
    tcase_add_test(tcase, test_appends);
    tcase_add_loop_test(tcase, test_any_cut_is_safe_and_bounded, 0, (int)ARRAY_LEN(CASES));
    tcase_add_loop_test(tcase, test_is_linear, 0, 14);
    tcase_add_test(tcase, test_fails_as_its_buffer_does);
    tcase_add_test(tcase, test_knows_its_placeholders);
    return tcase;
}

CHECK_MAIN("mask", case_mask)
