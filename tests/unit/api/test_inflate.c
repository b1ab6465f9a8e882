#include "api/request/inflate.h"

#include <zlib.h>

#include "tests/check_main.h"

enum { PLAIN_BYTES = 3 << 20, GZIP_BITS = 15 + 16, MEMORY_LEVEL = 8 };

/* Appends n bytes of text that repeats, as one gzip member. */
static void put_gzip(struct buf *out, size_t n, int window_bits)
{
    char *plain = malloc(n + 1);
    ck_assert_ptr_nonnull(plain);
    for (size_t i = 0; i < n; i++)
        plain[i] = (char)('a' + i * 7 % 26);
    z_stream z = {.avail_in = (unsigned)n};
    z.next_in = (unsigned char *)plain;
    ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, window_bits, MEMORY_LEVEL, Z_DEFAULT_STRATEGY), Z_OK);
    const size_t bound = deflateBound(&z, n);
    z.next_out = (unsigned char *)buf_reserve(out, bound);
    z.avail_out = (unsigned)bound;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    buf_advance(out, bound - z.avail_out);
    deflateEnd(&z);
    free(plain);
}

static struct buf gzip, plain;

static void start(void)
{
    buf_init(&gzip, PLAIN_BYTES * 2);
    buf_init(&plain, PLAIN_BYTES);
}

static void end(void)
{
    buf_close(&gzip);
    buf_close(&plain);
}

static enum err run(struct err_info *e)
{
    *e = (struct err_info){.code = OK};
    return api_inflate(buf_str(&gzip), &plain, e);
}

START_TEST(content_comes_back)
{
    static const size_t sizes[] = {0, 1, 1000, PLAIN_BYTES - 1};
    struct err_info e;
    put_gzip(&gzip, sizes[_i], GZIP_BITS);
    ck_assert_int_eq(run(&e), OK);
    ck_assert_uint_eq(plain.len, sizes[_i]);
    for (size_t i = 0; i < plain.len; i++)
        ck_assert_int_eq(plain.data[i], (char)('a' + i * 7 % 26));
}
END_TEST

START_TEST(members_are_joined)
{
    struct err_info e;
    put_gzip(&gzip, 10, GZIP_BITS);
    put_gzip(&gzip, 20, GZIP_BITS);
    ck_assert_int_eq(run(&e), OK);
    ck_assert_uint_eq(plain.len, 30);
}
END_TEST

START_TEST(exactly_the_bound_passes)
{
    struct err_info e;
    put_gzip(&gzip, PLAIN_BYTES, GZIP_BITS);
    ck_assert_int_eq(run(&e), OK);
    ck_assert_uint_eq(plain.len, PLAIN_BYTES);
}
END_TEST

START_TEST(one_byte_more_does_not)
{
    struct err_info e;
    put_gzip(&gzip, PLAIN_BYTES + 1, GZIP_BITS);
    ck_assert_int_eq(run(&e), ERR_TOO_LARGE);
    ck_assert_uint_le(plain.len, PLAIN_BYTES);
}
END_TEST

START_TEST(members_share_the_bound)
{
    struct err_info e;
    put_gzip(&gzip, PLAIN_BYTES, GZIP_BITS);
    put_gzip(&gzip, 1, GZIP_BITS);
    ck_assert_int_eq(run(&e), ERR_TOO_LARGE);
}
END_TEST

START_TEST(no_prefix_is_taken_for_the_whole)
{
    struct err_info e;
    put_gzip(&gzip, 1000, GZIP_BITS);
    for (size_t n = gzip.len; n-- > 0;) {
        gzip.len = n;
        buf_clear(&plain);
        ck_assert_int_eq(run(&e), ERR_INVALID);
    }
    ck_assert_ptr_nonnull(strstr(e.message, "cut short"));
}
END_TEST

START_TEST(damage_is_seen)
{
    struct err_info e;
    put_gzip(&gzip, 1000, GZIP_BITS);
    gzip.data[gzip.len - 6] ^= 1; /* the checksum */
    ck_assert_int_eq(run(&e), ERR_INVALID);
}
END_TEST

START_TEST(other_formats_are_refused)
{
    struct err_info e;
    put_gzip(&gzip, 100, 15); /* zlib */
    ck_assert_int_eq(run(&e), ERR_INVALID);
    buf_clear(&gzip);
    buf_puts(&gzip, STR("{\"resourceSpans\":[]}"));
    ck_assert_int_eq(run(&e), ERR_INVALID);
}
END_TEST

START_TEST(garbage_after_the_end_is_refused)
{
    struct err_info e;
    put_gzip(&gzip, 100, GZIP_BITS);
    buf_puts(&gzip, STR("garbage"));
    ck_assert_int_eq(run(&e), ERR_INVALID);
}
END_TEST

static TCase *inflate_cases(void)
{
    TCase *c = tcase_create("inflate");
    tcase_add_checked_fixture(c, start, end);
    tcase_add_loop_test(c, content_comes_back, 0, 4);
    tcase_add_test(c, members_are_joined);
    tcase_add_test(c, exactly_the_bound_passes);
    tcase_add_test(c, one_byte_more_does_not);
    tcase_add_test(c, members_share_the_bound);
    tcase_add_test(c, no_prefix_is_taken_for_the_whole);
    tcase_add_test(c, damage_is_seen);
    tcase_add_test(c, other_formats_are_refused);
    tcase_add_test(c, garbage_after_the_end_is_refused);
    return c;
}

CHECK_MAIN("api/inflate", inflate_cases)
