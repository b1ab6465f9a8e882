#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

#include "service/command/lines.h"
#include "tests/check_main.h"

enum { LINE_MAX_BYTES = 1 << 20, LONG_LINE = 600000 };

static char path[64];

static void make_file(void)
{
    (void)snprintf(path, sizeof path, "/tmp/tracekin-lines-XXXXXX");
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
}

static void remove_file(void)
{
    ck_assert_int_eq(unlink(path), 0);
}

/* mode "wb" is gzip, "wbT" plain, "ab" another gzip member. */
static void write_file(const char *mode, const char *bytes, size_t len)
{
    gzFile file = gzopen(path, mode);
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(gzwrite(file, bytes, (unsigned)len), (int)len);
    ck_assert_int_eq(gzclose(file), Z_OK);
}

static struct service_lines *open_file(void)
{
    struct service_lines *l = NULL;
    ck_assert_int_eq(service_lines_open(path, &l, NULL), OK);
    return l;
}

static void expect_line(struct service_lines *l, const char *text, uint64_t number)
{
    struct buf line;
    uint64_t n = 0;
    bool found = false;
    buf_init(&line, LINE_MAX_BYTES);
    ck_assert_int_eq(service_lines_next(l, &line, &n, &found, NULL), OK);
    ck_assert_int_eq(found, text != NULL);
    if (found) {
        ck_assert_uint_eq(n, number);
        ck_assert(str_equal(buf_str(&line), str_of(text)));
    }
    buf_close(&line);
}

START_TEST(test_plain_and_gzip)
{
    static const char *const modes[] = {"wbT", "wb"};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        write_file(modes[i], "one\n\n  \ntwo\nthree", 17);
        struct service_lines *l = open_file();
        expect_line(l, "one", 1);
        expect_line(l, "two", 4);
        expect_line(l, "three", 5);
        expect_line(l, NULL, 0);
        expect_line(l, NULL, 0);
        ck_assert_uint_eq(service_lines_position(l), service_lines_size(l));
        service_lines_free(l);
    }
}
END_TEST

START_TEST(test_gzip_of_several_members)
{
    write_file("wb", "one\ntw", 6);
    write_file("ab", "o\n", 2);
    struct service_lines *l = open_file();
    expect_line(l, "one", 1);
    expect_line(l, "two", 2);
    expect_line(l, NULL, 0);
    service_lines_free(l);
}
END_TEST

START_TEST(test_a_line_longer_than_a_piece)
{
    static char text[LONG_LINE + 1];
    memset(text, 'x', LONG_LINE);
    write_file("wb", text, LONG_LINE);
    write_file("ab", "\nend\n", 5);
    struct service_lines *l = open_file();
    expect_line(l, text, 1);
    expect_line(l, "end", 2);
    service_lines_free(l);
}
END_TEST

START_TEST(test_a_line_too_long_is_passed_over)
{
    write_file("wbT", "0123456789\nnext\n", 16);
    struct service_lines *l = open_file();
    struct buf line;
    uint64_t n = 0;
    bool found = false;
    buf_init(&line, 5);
    ck_assert_int_eq(service_lines_next(l, &line, &n, &found, NULL), ERR_TOO_LARGE);
    ck_assert_int_eq(service_lines_next(l, &line, &n, &found, NULL), OK);
    ck_assert(found && n == 2 && str_equal(buf_str(&line), STR("next")));
    buf_close(&line);
    service_lines_free(l);
}
END_TEST

START_TEST(test_a_line_without_memory_is_not_too_long)
{
    write_file("wbT", "0123456789\n", 11);
    struct service_lines *l = open_file();
    struct budget_share nothing;
    struct buf line;
    uint64_t n = 0;
    bool found = false;
    budget_share_init(&nothing, NULL, 0);
    buf_init_share(&line, LINE_MAX_BYTES, &nothing);
    ck_assert_int_eq(service_lines_next(l, &line, &n, &found, NULL), ERR_NOMEM);
    buf_close(&line);
    service_lines_free(l);
}
END_TEST

START_TEST(test_a_cut_file_says_so)
{
    static char text[LONG_LINE];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + (i * i + i / 7) % 23);
    write_file("wb", text, sizeof text);
    ck_assert_int_eq(truncate(path, 500), 0);
    struct service_lines *l = open_file();
    struct buf line;
    uint64_t n = 0;
    bool found = false;
    struct err_info e = {0};
    buf_init(&line, LINE_MAX_BYTES);
    ck_assert_int_eq(service_lines_next(l, &line, &n, &found, &e), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.message, path));
    buf_close(&line);
    service_lines_free(l);
}
END_TEST

START_TEST(test_no_such_file)
{
    struct service_lines *l = NULL;
    struct err_info e = {0};
    ck_assert_int_eq(service_lines_open("/nonexistent/file", &l, &e), ERR_INVALID);
    ck_assert_str_eq(e.message, "/nonexistent/file cannot be read: No such file or directory");
}
END_TEST

static TCase *tcase_lines(void)
{
    TCase *tc = tcase_create("lines");
    tcase_add_checked_fixture(tc, make_file, remove_file);
    tcase_add_test(tc, test_plain_and_gzip);
    tcase_add_test(tc, test_gzip_of_several_members);
    tcase_add_test(tc, test_a_line_longer_than_a_piece);
    tcase_add_test(tc, test_a_line_too_long_is_passed_over);
    tcase_add_test(tc, test_a_line_without_memory_is_not_too_long);
    tcase_add_test(tc, test_a_cut_file_says_so);
    tcase_add_test(tc, test_no_such_file);
    return tc;
}

CHECK_MAIN("lines", tcase_lines)
