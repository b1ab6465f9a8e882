#include "core/log.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/utf8.h"
#include "tests/check_main.h"

static int fds[2];
static char text[256 * 1024];

static void open_pipe(void)
{
    ck_assert_int_eq(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    log_set_fd(fds[1]);
    log_set_level(LOG_INFO);
    log_set_request_id((struct str){NULL, 0});
    log_set_key((struct str){NULL, 0});
}

static void close_pipe(void)
{
    log_set_fd(STDERR_FILENO);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* What was logged since the last call. */
static const char *logged(void)
{
    const ssize_t n = read(fds[0], text, sizeof text - 1);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

/* What follows the time stamp of the one line logged. */
static const char *logged_after_ts(void)
{
    const char *line = logged();
    const struct str start = STR("{\"ts\":\"");
    ck_assert_msg(str_starts_with(str_of(line), start), "%s", line);
    struct str rest;
    int64_t wall_ns = 0;
    ck_assert(clock_parse_rfc3339(str_split(str_of(line + start.len), '"', &rest), &wall_ns));
    ck_assert_int_lt(llabs(clock_wall_ns() - wall_ns), 60 * NS_PER_S);
    return rest.ptr;
}

START_TEST(line_has_head_and_fields)
{
    LOG(LOG_INFO, "started", LOG_CSTR("address", "127.0.0.1"), LOG_INT("port", 4318), LOG_REAL("ratio", 0.25));
    ck_assert_str_eq(logged_after_ts(), ",\"level\":\"info\",\"event\":\"started\",\"address\":\"127.0.0.1\","
                                        "\"port\":4318,\"ratio\":0.25}\n");
}
END_TEST

START_TEST(no_fields)
{
    log_event(LOG_ERROR, "stopped", NULL, 0);
    ck_assert_str_eq(logged_after_ts(), ",\"level\":\"error\",\"event\":\"stopped\"}\n");
}
END_TEST

START_TEST(request_id_of_the_thread)
{
    log_set_request_id(STR("r-1"));
    log_event(LOG_WARN, "slow", NULL, 0);
    ck_assert_str_eq(logged_after_ts(), ",\"level\":\"warn\",\"event\":\"slow\",\"request_id\":\"r-1\"}\n");
}
END_TEST

START_TEST(api_key_of_the_thread)
{
    log_set_key(STR("batch"));
    log_event(LOG_WARN, "slow", NULL, 0);
    ck_assert_str_eq(logged_after_ts(), ",\"level\":\"warn\",\"event\":\"slow\",\"key\":\"batch\"}\n");
    log_set_key(STR(""));
    log_event(LOG_WARN, "slow", NULL, 0);
    ck_assert_ptr_null(strstr(logged_after_ts(), "\"key\""));
}
END_TEST

START_TEST(values_are_escaped)
{
    static const struct {
        struct str value;
        const char *want;
    } cases[] = {
        {STR("a\"b\\c"), "\"a\\\"b\\\\c\""},
        {STR("a\nb\tc\x01"), "\"a\\nb\\u0009c\\u0001\""},
        {STR("h\xc3\xa9"), "\"h\xc3\xa9\""},
        {STR("a\xff" "b"), "\"a\xef\xbf\xbd" "b\""},
        {STR("a\0b"), "\"a\xef\xbf\xbd" "b\""},
        {{NULL, 0}, "\"\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        LOG(LOG_INFO, "e", LOG_TEXT("v", cases[i].value));
        const char *value = strstr(logged_after_ts(), "\"v\":");
        ck_assert_ptr_nonnull(value);
        char want[64];
        (void)snprintf(want, sizeof want, "\"v\":%s}\n", cases[i].want);
        ck_assert_str_eq(value, want);
    }
}
END_TEST

START_TEST(numbers_json_has_no_word_for)
{
    LOG(LOG_INFO, "e", LOG_REAL("a", (double)NAN), LOG_REAL("b", (double)INFINITY), LOG_INT("c", INT64_MIN));
    ck_assert_ptr_nonnull(strstr(logged(), "\"a\":null,\"b\":null,\"c\":-9223372036854775808}\n"));
}
END_TEST

START_TEST(long_values_are_cut)
{
    char value[4 * LOG_VALUE_MAX];
    memset(value, 'x', sizeof value);
    memcpy(value + LOG_VALUE_MAX - 1, "\xc3\xa9", 2);
    LOG(LOG_INFO, "e", LOG_TEXT("v", ((struct str){value, sizeof value})));
    const char *start = strstr(logged(), "\"v\":\"");
    ck_assert_ptr_nonnull(start);
    ck_assert_uint_eq(strspn(start + 5, "x"), LOG_VALUE_MAX - 1);
    ck_assert_str_eq(start + 5 + LOG_VALUE_MAX - 1, "\"}\n");
}
END_TEST

START_TEST(long_lines_lose_whole_fields)
{
    char value[LOG_VALUE_MAX];
    memset(value, '\x01', sizeof value);
    const struct str worst = {value, sizeof value};
    LOG(LOG_INFO, "e", LOG_TEXT("a", worst), LOG_TEXT("b", worst), LOG_INT("c", 7));
    const char *line = logged();
    ck_assert_uint_le(strlen(line), LOG_LINE_MAX);
    ck_assert_ptr_nonnull(strstr(line, "\"a\":"));
    ck_assert_ptr_null(strstr(line, "\"b\":"));
    ck_assert_ptr_nonnull(strstr(line, ",\"c\":7,\"is_truncated\":true}\n"));
}
END_TEST

START_TEST(level_is_a_threshold)
{
    const uint64_t n_info = log_n_lines(LOG_INFO), n_warn = log_n_lines(LOG_WARN);
    log_set_level(LOG_WARN);
    log_event(LOG_INFO, "quiet", NULL, 0);
    ck_assert_str_eq(logged(), "");
    log_event(LOG_WARN, "loud", NULL, 0);
    ck_assert_ptr_nonnull(strstr(logged(), "loud"));
    ck_assert_uint_eq(log_n_lines(LOG_INFO), n_info);
    ck_assert_uint_eq(log_n_lines(LOG_WARN), n_warn + 1);
}
END_TEST

START_TEST(levels_have_names)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    enum log_level level = LOG_DEBUG;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        ck_assert(log_parse_level(str_of(names[i]), &level));
        ck_assert_uint_eq((size_t)level, i);
    }
    ck_assert(!log_parse_level(STR("verbose"), &level));
    ck_assert(!log_parse_level(STR(""), &level));
    ck_assert_int_eq(level, LOG_ERROR);
}
END_TEST

START_TEST(errors_are_told_in_full)
{
    struct err_info e = {0};
    err_set_param(&e, "db/pool.c", 12, "limit", "limit is %d", 7);
    (void)snprintf(e.sqlstate, sizeof e.sqlstate, "22P02");
    log_err(LOG_WARN, "refused", &e);
    ck_assert_str_eq(logged_after_ts(), ",\"level\":\"warn\",\"event\":\"refused\",\"error\":\"invalid\","
                                        "\"message\":\"limit is 7\",\"parameter\":\"limit\","
                                        "\"sqlstate\":\"22P02\",\"file\":\"db/pool.c\",\"line\":12}\n");
}
END_TEST

START_TEST(an_error_names_its_file_within_the_tree)
{
    struct err_info e = {0};
    (void)ERR_SET(&e, ERR_INVALID, "no");
    ck_assert_str_eq(e.file, "tests/unit/core/test_log.c");
}
END_TEST

START_TEST(an_error_without_a_place)
{
    const struct err_info e = {.code = ERR_NOMEM};
    log_err(LOG_ERROR, "failed", &e);
    ck_assert_str_eq(logged_after_ts(), ",\"level\":\"error\",\"event\":\"failed\",\"error\":\"nomem\"}\n");
}
END_TEST

START_TEST(lines_that_cannot_be_written_are_counted)
{
    const uint64_t n_before = log_n_dropped(), n_info = log_n_lines(LOG_INFO);
    size_t n_sent = 0;
    for (; log_n_dropped() == n_before && n_sent < 100000; n_sent++)
        log_event(LOG_INFO, "flood", NULL, 0);
    ck_assert_uint_eq(log_n_dropped(), n_before + 1);
    ck_assert_uint_eq(log_n_lines(LOG_INFO), n_info + n_sent - 1);
}
END_TEST

enum { N_THREADS = 4, N_LINES = 100 };

static void *log_many(void *arg)
{
    log_set_request_id(str_of(arg));
    for (size_t i = 0; i < N_LINES; i++)
        LOG(LOG_INFO, "tick", LOG_INT("i", i));
    return NULL;
}

START_TEST(threads_do_not_tear_lines)
{
    static char ids[N_THREADS][4] = {"r-0", "r-1", "r-2", "r-3"};
    pthread_t threads[N_THREADS];
    for (size_t i = 0; i < N_THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, log_many, ids[i]), 0);
    for (size_t i = 0; i < N_THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    size_t n_lines = 0;
    struct str rest = str_of(logged());
    for (struct str line = str_split(rest, '\n', &rest); line.len > 0; line = str_split(rest, '\n', &rest)) {
        ck_assert(str_starts_with(line, STR("{\"ts\":")));
        ck_assert_int_eq(line.ptr[line.len - 1], '}');
        ck_assert(str_contains(line, STR("\"request_id\":\"r-")));
        n_lines++;
    }
    ck_assert_uint_eq(n_lines, N_THREADS * N_LINES);
}
END_TEST

static TCase *all_tests(void)
{
    TCase *c = tcase_create("log");
    tcase_add_checked_fixture(c, open_pipe, close_pipe);
    tcase_add_test(c, line_has_head_and_fields);
    tcase_add_test(c, no_fields);
    tcase_add_test(c, request_id_of_the_thread);
    tcase_add_test(c, api_key_of_the_thread);
    tcase_add_test(c, values_are_escaped);
    tcase_add_test(c, numbers_json_has_no_word_for);
    tcase_add_test(c, long_values_are_cut);
    tcase_add_test(c, long_lines_lose_whole_fields);
    tcase_add_test(c, level_is_a_threshold);
    tcase_add_test(c, levels_have_names);
    tcase_add_test(c, errors_are_told_in_full);
    tcase_add_test(c, an_error_names_its_file_within_the_tree);
    tcase_add_test(c, an_error_without_a_place);
    tcase_add_test(c, lines_that_cannot_be_written_are_counted);
    tcase_add_test(c, threads_do_not_tear_lines);
    return c;
}

CHECK_MAIN("log", all_tests)
