#include "service/setting/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check_main.h"

enum { PATH_LEN = 64, MAX_BYTES = 10000 };

static char folder[PATH_LEN], path[2 * PATH_LEN];
static struct buf text;
static struct err_info e;

static void setup(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/tracekin-file-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/hush", folder);
    buf_init(&text, MAX_BYTES);
    e = (struct err_info){.code = OK};
}

static void teardown(void)
{
    buf_close(&text);
    (void)unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void write_bytes(size_t n)
{
    FILE *const file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_ne(fputc('a' + (int)(i % 26), file), EOF);
    ck_assert_int_eq(fclose(file), 0);
}

static void refuses(const char *file, const char *why)
{
    ck_assert_int_eq(service_file_read(file, MAX_BYTES, &text, &e), ERR_INVALID);
    ck_assert_msg(strncmp(e.message, why, strlen(why)) == 0, "%s", e.message);
    ck_assert_ptr_null(strstr(e.message, "hush"));
}

START_TEST(all_of_it_is_read)
{
    write_bytes(MAX_BYTES);
    ck_assert_int_eq(service_file_read(path, MAX_BYTES, &text, &e), OK);
    ck_assert_uint_eq(text.len, MAX_BYTES);
    for (size_t i = 0; i < text.len; i++)
        ck_assert_int_eq(text.data[i], 'a' + (int)(i % 26));
}
END_TEST

START_TEST(more_than_its_bound_is_refused)
{
    write_bytes(MAX_BYTES + 1);
    refuses(path, "it may have at most 10000 bytes");
}
END_TEST

START_TEST(what_is_not_there_is_refused)
{
    refuses(path, "it cannot be opened: No such file or directory");
}
END_TEST

/* Nobody writes to the pipe, so its reader would be kept. */
START_TEST(nothing_that_could_let_its_reader_wait_is_read)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    refuses(path, "it is not a file");
    e = (struct err_info){.code = OK};
    refuses(folder, "it is not a file");
}
END_TEST

START_TEST(a_buffer_without_room_is_no_memory)
{
    write_bytes(100);
    buf_init(&text, 50);
    ck_assert_int_eq(service_file_read(path, MAX_BYTES, &text, &e), ERR_NOMEM);
}
END_TEST

static TCase *file_case(void)
{
    TCase *tc = tcase_create("file");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, all_of_it_is_read);
    tcase_add_test(tc, more_than_its_bound_is_refused);
    tcase_add_test(tc, what_is_not_there_is_refused);
    tcase_add_test(tc, nothing_that_could_let_its_reader_wait_is_read);
    tcase_add_test(tc, a_buffer_without_room_is_no_memory);
    return tc;
}

CHECK_MAIN("file", file_case)
