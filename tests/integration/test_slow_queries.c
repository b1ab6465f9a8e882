/* The slow query log: a line for each question over the threshold, with the plan of its slowest statement and without values. */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/integration/support/database.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/server.h"

enum { SOON_MS = 20000, PART_MAX = 256, HASH_DIGITS = 16 };

static struct server s;

static void ask(const char *target, const char *request_id)
{
    char header[PART_MAX];
    struct http_reply reply;
    (void)snprintf(header, sizeof header, "X-Request-Id: %s", request_id);
    const struct http_request request = {.target = target, .headers = {header}};
    http_send(&s, &request, &reply);
    ck_assert_msg(reply.status == 200, "%s: %d %s", target, reply.status, reply.body);
    http_reply_close(&reply);
}

/* The slow_query line of a request, up to its end; new. */
static char *line_of(const char *request_id)
{
    char start[PART_MAX];
    (void)snprintf(start, sizeof start, "\"event\":\"slow_query\",\"request_id\":\"%s\"", request_id);
    server_await_log(&s, start, SOON_MS);
    const char *const found = strstr(server_log(&s), start);
    return strndup(found, strcspn(found, "\n"));
}

static void assert_has(const char *line, const char *part)
{
    ck_assert_msg(strstr(line, part) != NULL, "no %s in %s", part, line);
}

static void hash_of(const char *request_id, char out[HASH_DIGITS + 1])
{
    static const char key[] = "\"plan_hash\":\"";
    char *const line = line_of(request_id);
    const char *const found = strstr(line, key);
    ck_assert_ptr_nonnull(found);
    (void)snprintf(out, HASH_DIGITS + 1, "%s", found + sizeof key - 1);
    for (size_t i = 0; i < HASH_DIGITS; i++)
        ck_assert_msg(isxdigit((unsigned char)out[i]), "no hash in %s", line);
    free(line);
}

START_TEST(a_line_a_question)
{
    static const char *const settings[] = {"TRACEKIN_SLOW_QUERY=1us", NULL};
    server_start(&s, database_url(), settings);
    ask("/api/v1/services", "services-1");
    char *const line = line_of("services-1");
    assert_has(line, "\"query\":\"list_services\"");
    assert_has(line, "\"duration_ms\":");
    assert_has(line, "\"rows\":0");
    assert_has(line, "\"statement\":\"list_services\"");
    assert_has(line, "\"outcome\":\"ok\"");
    free(line);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(plans_are_told_apart_without_values)
{
    static const char *const settings[] = {"TRACEKIN_SLOW_QUERY=1us", NULL};
    char one[HASH_DIGITS + 1], same[HASH_DIGITS + 1], other[HASH_DIGITS + 1];
    server_start(&s, database_url(), settings);
    ask("/api/v1/traces?service=xyzzy", "traces-1");
    ask("/api/v1/traces?service=plugh", "traces-2");
    ask("/api/v1/patterns?service=xyzzy", "patterns-1");
    hash_of("traces-1", one);
    hash_of("traces-2", same);
    hash_of("patterns-1", other);
    ck_assert_str_eq(one, same);
    ck_assert_str_ne(one, other);
    ck_assert_ptr_null(strstr(server_log(&s), "xyzzy"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* What waits for its plan when the service ends is not lost. */
START_TEST(the_end_loses_no_line)
{
    static const char *const settings[] = {"TRACEKIN_SLOW_QUERY=1us", NULL};
    char id[PART_MAX];
    int status = 0;
    server_start(&s, database_url(), settings);
    for (int i = 0; i < 30; i++) {
        (void)snprintf(id, sizeof id, "last-%d", i);
        ask("/api/v1/services", id);
    }
    server_signal(&s, SIGTERM);
    ck_assert(server_wait(&s, SOON_MS, &status));
    ck_assert_int_eq(status, 0);
    for (int i = 0; i < 30; i++) {
        (void)snprintf(id, sizeof id, "last-%d", i);
        free(line_of(id));
    }
}
END_TEST

START_TEST(fast_ones_are_not_logged)
{
    static const char *const off[] = {"TRACEKIN_SLOW_QUERY=off", NULL};
    static const char *const *const all[] = {NULL, off};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        server_start(&s, database_url(), all[i]);
        ask("/api/v1/services", "fast");
        int status = 0;
        server_signal(&s, SIGTERM);
        ck_assert(server_wait(&s, SOON_MS, &status));
        ck_assert_ptr_null(strstr(server_log(&s), "slow_query"));
    }
}
END_TEST

static TCase *tcase_slow_queries(void)
{
    TCase *t = tcase_create("slow_queries");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, a_line_a_question);
    tcase_add_test(t, plans_are_told_apart_without_values);
    tcase_add_test(t, the_end_loses_no_line);
    tcase_add_test(t, fast_ones_are_not_logged);
    return t;
}

DATABASE_MAIN("slow_queries", tcase_slow_queries)
