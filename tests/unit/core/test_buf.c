#include "core/buf.h"

#include <inttypes.h>
#include <stdio.h>

#include "tests/check_main.h"

static void assert_text(const struct buf *b, const char *want)
{
    ck_assert(buf_is_ok(b));
    ck_assert_msg(str_equal(buf_str(b), str_of(want)), "got %.*s, want %s", STR_ARG(buf_str(b)), want);
}

START_TEST(starts_empty)
{
    AUTO(buf) struct buf b;
    buf_init(&b, 10);
    assert_text(&b, "");
    ck_assert_ptr_nonnull(buf_str(&b).ptr);
    buf_put(&b, NULL, 0);
    assert_text(&b, "");
}
END_TEST

START_TEST(appends_of_every_kind)
{
    AUTO(buf) struct buf b;
    buf_init(&b, 1000);
    buf_put(&b, "ab", 2);
    buf_putc(&b, 'c');
    buf_puts(&b, STR("de"));
    BUF_LITERAL(&b, "fg");
    buf_printf(&b, "-%d-%s", 7, "x");
    buf_printf(&b, "%s", "");
    assert_text(&b, "abcdefg-7-x");
}
END_TEST

START_TEST(fails_at_the_bound_and_stays_failed)
{
    AUTO(buf) struct buf b;
    buf_init(&b, 4);
    buf_puts(&b, STR("abcd"));
    assert_text(&b, "abcd");
    buf_putc(&b, 'e');
    ck_assert(!buf_is_ok(&b));
    ck_assert_uint_eq(b.len, 4);
    buf_clear(&b);
    assert_text(&b, "");
    buf_puts(&b, STR("abcde"));
    ck_assert(!buf_is_ok(&b));
    buf_putc(&b, 'x');
    buf_printf(&b, "x");
    buf_put_i64(&b, 1);
    ck_assert_ptr_null(buf_reserve(&b, 0));
    ck_assert_uint_eq(b.len, 0);
}
END_TEST

START_TEST(printf_meets_the_bound_exactly)
{
    AUTO(buf) struct buf b;
    buf_init(&b, 300);
    buf_printf(&b, "%300d", 1);
    ck_assert(buf_is_ok(&b));
    ck_assert_uint_eq(b.len, 300);
    buf_printf(&b, "%s", "");
    ck_assert(buf_is_ok(&b));
    buf_printf(&b, "x");
    ck_assert(!buf_is_ok(&b));
    ck_assert_uint_eq(b.len, 300);
    buf_clear(&b);
    buf_printf(&b, "%301d", 1);
    ck_assert(!buf_is_ok(&b));
}
END_TEST

START_TEST(sizes_that_overflow_fail)
{
    AUTO(buf) struct buf b;
    buf_init(&b, SIZE_MAX);
    buf_putc(&b, 'a');
    ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX));
    ck_assert(!buf_is_ok(&b));
    buf_clear(&b);
    ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX - 8));
}
END_TEST

START_TEST(grows_with_its_content)
{
    AUTO(buf) struct buf b;
    buf_init(&b, 1000000);
    for (size_t i = 0; i < 100000; i++)
        buf_putc(&b, (char)('a' + i % 26));
    ck_assert(buf_is_ok(&b));
    ck_assert_uint_eq(b.len, 100000);
    ck_assert_uint_le(b.cap, 2 * b.len + 256);
    for (size_t i = 0; i < b.len; i++)
        ck_assert_int_eq(b.data[i], (char)('a' + i % 26));
}
END_TEST

START_TEST(reserve_and_advance)
{
    AUTO(buf) struct buf b;
    buf_init(&b, 1000);
    char *out = buf_reserve(&b, 600);
    ck_assert_ptr_nonnull(out);
    memcpy(out, "abc", 3);
    buf_advance(&b, 3);
    assert_text(&b, "abc");
    buf_close(&b);
    assert_text(&b, "");
    buf_putc(&b, 'x');
    assert_text(&b, "x");
}
END_TEST

START_TEST(integers_as_printf_writes_them)
{
    static const int64_t values[] = {0,    1,    -1,     9,      10,     -10,       99,        100,
                                     101,  999,  1000,   -12345, 123456, INT64_MAX, INT64_MIN, 1000000000000};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        AUTO(buf) struct buf b;
        char want[32];
        buf_init(&b, 32);
        buf_put_i64(&b, values[i]);
        (void)snprintf(want, sizeof want, "%" PRId64, values[i]);
        assert_text(&b, want);
        buf_clear(&b);
        buf_put_u64(&b, (uint64_t)values[i]);
        (void)snprintf(want, sizeof want, "%" PRIu64, (uint64_t)values[i]);
        assert_text(&b, want);
    }
}
END_TEST

START_TEST(every_power_of_ten)
{
    uint64_t value = 1;
    for (size_t n_digits = 1; n_digits <= 20; n_digits++, value *= 10)
        for (uint64_t less = 0; less < 2; less++) {
            AUTO(buf) struct buf b;
            char want[32];
            buf_init(&b, 32);
            buf_put_u64(&b, value - less);
            (void)snprintf(want, sizeof want, "%" PRIu64, value - less);
            assert_text(&b, want);
        }
}
END_TEST

START_TEST(network_order)
{
    AUTO(buf) struct buf b;
    buf_init(&b, 100);
    buf_put_be16(&b, 0x0102);
    buf_put_be32(&b, 0x03040506);
    buf_put_be64(&b, UINT64_C(0x0708090a0b0c0d0e));
    ck_assert_uint_eq(b.len, 14);
    for (size_t i = 0; i < b.len; i++)
        ck_assert_int_eq(b.data[i], (char)(i + 1));
}
END_TEST

static TCase *all_tests(void)
{
    TCase *c = tcase_create("buf");
    tcase_add_test(c, starts_empty);
    tcase_add_test(c, appends_of_every_kind);
    tcase_add_test(c, fails_at_the_bound_and_stays_failed);
    tcase_add_test(c, printf_meets_the_bound_exactly);
    tcase_add_test(c, sizes_that_overflow_fail);
    tcase_add_test(c, grows_with_its_content);
    tcase_add_test(c, reserve_and_advance);
    tcase_add_test(c, integers_as_printf_writes_them);
    tcase_add_test(c, every_power_of_ten);
    tcase_add_test(c, network_order);
    return c;
}

CHECK_MAIN("buf", all_tests)
