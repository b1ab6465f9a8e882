/* `tracekin import`: plain and gzip, twice, with bad lines among the good ones. */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "service/command/import.h"
#include "service/setting/config.h"
#include "tests/integration/support/database.h"
#include "tests/integration/support/server.h"

enum { OUTPUT_MAX = 65536, URL_SETTING_MAX = DATABASE_URL_MAX + 32, N_LINES = 40, SPANS_A_LINE = 10 };

static char output[OUTPUT_MAX], path[64], url_setting[URL_SETTING_MAX], url_flag[URL_SETTING_MAX];
static struct database database;

static void make(void)
{
    database_create(&database);
    (void)snprintf(url_setting, sizeof url_setting, "TRACEKIN_DATABASE_URL=%s", database.url);
    (void)snprintf(url_flag, sizeof url_flag, "--database-url=%s", database.url);
    (void)snprintf(path, sizeof path, "/tmp/tracekin-import-XXXXXX");
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
}

static void drop(void)
{
    ck_assert_int_eq(unlink(path), 0);
    database_drop(&database);
}

static int import_settings(const char *setting)
{
    const char *const settings[] = {url_setting, setting, NULL};
    return server_command((const char *const[]){"import", path, NULL}, settings, output, sizeof output);
}

/* A trace a line; mode as gzopen's: "T" for plain. */
static gzFile write_traces(const char *mode)
{
    gzFile file = gzopen(path, mode);
    ck_assert_ptr_nonnull(file);
    for (int line = 0; line < N_LINES; line++) {
        (void)gzprintf(file, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
                             "{\"stringValue\":\"shop\"}}]},\"scopeSpans\":[{\"spans\":[");
        for (int span = 0; span < SPANS_A_LINE; span++)
            (void)gzprintf(file, "%s{\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"op\",\"kind\":2,"
                                 "\"startTimeUnixNano\":\"1700000000000000000\",\"endTimeUnixNano\":\"1700000000001000000\"}",
                           span == 0 ? "" : ",", line + 1, span + 1);
        (void)gzprintf(file, "]}]}]}\n");
    }
    return file;
}

static int64_t count(const char *table)
{
    char sql[64];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    return database_number(database.url, sql);
}

START_TEST(test_twice_stores_once)
{
    static const char *const modes[] = {"wT", "w"}, *const says[] = {" 400 stored, 0 there already", " 0 stored, 400 there already"};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        ck_assert_int_eq(gzclose(write_traces(modes[i])), Z_OK);
        ck_assert_msg(import_settings(NULL) == 0, "%s", output);
        ck_assert_msg(strstr(output, says[i]) != NULL, "%s", output);
        ck_assert_int_eq(count("spans"), N_LINES * SPANS_A_LINE);
    }
}
END_TEST

START_TEST(test_bad_lines_do_not_stop_the_others)
{
    gzFile file = write_traces("w");
    (void)gzprintf(file, "{\"resourceSpans\":[{\"scopeSpans\"\n\n{\"other\":1}\n");
    (void)gzprintf(file, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"1700000000000000000\","
                         "\"body\":{\"stringValue\":\"hello\"}}]}]}]}");
    ck_assert_int_eq(gzclose(file), Z_OK);
    ck_assert_int_eq(import_settings(NULL), 2);
    ck_assert_msg(strstr(output, ":41: ") != NULL && strstr(output, ":43: ") != NULL, "%s", output);
    ck_assert_msg(strstr(output, "2 of 43 lines are not OTLP/JSON") != NULL, "%s", output);
    ck_assert_int_eq(count("spans"), N_LINES * SPANS_A_LINE);
    ck_assert_int_eq(count("logs"), 1);
}
END_TEST

START_TEST(test_a_line_too_long)
{
    ck_assert_int_eq(gzclose(write_traces("w")), Z_OK);
    ck_assert_int_eq(import_settings("TRACEKIN_BODY_MAX_BYTES=1024"), 2);
    ck_assert_msg(strstr(output, "longer than 1024 bytes") != NULL, "%s", output);
    ck_assert_msg(strstr(output, "40 of 40 lines") != NULL, "%s", output);
}
END_TEST

START_TEST(test_items_that_are_too_old_are_refused)
{
    ck_assert_int_eq(gzclose(write_traces("w")), Z_OK);
    ck_assert_msg(import_settings("TRACEKIN_RETENTION=1d") == 0, "%s", output);
    ck_assert_msg(strstr(output, "0 stored, 0 there already, 400 refused") != NULL, "%s", output);
    ck_assert_int_eq(count("spans"), 0);
}
END_TEST

START_TEST(test_a_file_that_is_not_there)
{
    const char *const settings[] = {url_setting, NULL};
    ck_assert_int_eq(server_command((const char *const[]){"import", "/nonexistent/file", NULL}, settings, output, sizeof output), 2);
    ck_assert_msg(strstr(output, "/nonexistent/file cannot be read: No such file or directory") != NULL, "%s", output);
}
END_TEST

static int n_threads_left = INT_MAX;

/* In place of libc's, so that this process can run out of threads. A sanitizer has one of its own, which is to know of them. */
int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes, void *(*start)(void *),
                   void *restrict arg)
{
    int (*const sanitized)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_DEFAULT, "__interceptor_pthread_create");
    int (*const create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");
    return n_threads_left-- > 0 ? (sanitized == NULL ? create : sanitized)(thread, attributes, start, arg) : EAGAIN;
}

static enum err import_here(const struct service_config *config, int n_threads, struct err_info *e)
{
    char *paths[] = {path};
    n_threads_left = n_threads;
    return service_import(config, paths, 1, e);
}

/* An import starts those that read the file last. */
START_TEST(test_without_threads_nothing_is_imported)
{
    char *arguments[] = {url_flag, "--import-threads=2"};
    AUTO(service_config) struct service_config config = {0};
    struct err_info e = {0};
    ck_assert_int_eq(gzclose(write_traces("w")), Z_OK);
    ck_assert_int_eq(service_config_read(&config, 2, arguments, NULL, NULL), OK);
    ck_assert_int_eq(service_config_check_database(&config, NULL), OK);
    ck_assert_int_eq(import_here(&config, INT_MAX, &e), OK);
    const int n_started = INT_MAX - n_threads_left;
    ck_assert_int_eq(import_here(&config, n_started - 1, &e), OK);
    ck_assert_int_eq(import_here(&config, n_started - 2, &e), ERR_INTERNAL);
    ck_assert_msg(strstr(e.message, "limit of threads") != NULL, "%s", e.message);
}
END_TEST

static TCase *tcase_import(void)
{
    TCase *tc = tcase_create("import");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, make, drop);
    tcase_add_test(tc, test_twice_stores_once);
    tcase_add_test(tc, test_bad_lines_do_not_stop_the_others);
    tcase_add_test(tc, test_a_line_too_long);
    tcase_add_test(tc, test_items_that_are_too_old_are_refused);
    tcase_add_test(tc, test_a_file_that_is_not_there);
    tcase_add_test(tc, test_without_threads_nothing_is_imported);
    return tc;
}

DATABASE_MAIN("import", tcase_import)
