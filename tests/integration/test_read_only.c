/* A service that only answers: what it refuses, and that it writes nothing. tests/dev/replica.sh has it on a real replica. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/support/database.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/server.h"

enum { OUTPUT_MAX = 65536, SETTING_MAX = DATABASE_URL_MAX + 64 };

#define READ_ONLY "TRACEKIN_READ_ONLY=true"

static char output[OUTPUT_MAX], url_setting[SETTING_MAX];
static struct database database;

static void make(void)
{
    database_create(&database);
    (void)snprintf(url_setting, sizeof url_setting, "TRACEKIN_DATABASE_URL=%s", database.url);
}

static void drop(void)
{
    database_drop(&database);
}

static int run(const char *command, const char *argument, const char *setting)
{
    const char *const settings[] = {url_setting, "TRACEKIN_LISTEN=127.0.0.1:0", setting, NULL};
    return server_command((const char *const[]){command, argument, NULL}, settings, output, sizeof output);
}

static void expect(const char *words)
{
    ck_assert_msg(strstr(output, words) != NULL, "%s", output);
}

START_TEST(a_schema_of_another_version_is_refused)
{
    ck_assert_int_ne(run("serve", NULL, READ_ONLY), 0);
    expect("lacks migration 1 (schema)");
    ck_assert_int_eq(database_number(database.url, "SELECT (to_regclass('schema_migrations') IS NULL)::int"), 1);
    ck_assert_int_eq(run("migrate", NULL, NULL), 0);
    database_exec(database.url, "UPDATE schema_migrations SET state = 'running' WHERE version = 50");
    ck_assert_int_ne(run("serve", NULL, READ_ONLY), 0);
    expect("lacks migration 50 (errors_of_service)");
    database_exec(database.url, "UPDATE schema_migrations SET state = 'applied';"
                                " INSERT INTO schema_migrations VALUES (9999, 'later', 'x', 'applied', now(), now())");
    ck_assert_int_ne(run("serve", NULL, READ_ONLY), 0);
    expect("has migration 9999 (later), which this binary does not know");
}
END_TEST

START_TEST(commands_that_write_are_refused)
{
    static const char *const commands[][2] = {{"migrate", NULL}, {"import", "/dev/null"}, {"index", "rebuild"}};
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        ck_assert_int_eq(run(commands[i][0], commands[i][1], READ_ONLY), 2);
        expect("TRACEKIN_READ_ONLY is set");
    }
    ck_assert_int_eq(run("migrate", "status", READ_ONLY), 1); /* all are pending */
    ck_assert_int_eq(run("migrate", NULL, NULL), 0);
    ck_assert_int_eq(run("migrate", "status", READ_ONLY), 0);
    ck_assert_int_eq(run("index", "status", READ_ONLY), 0);
}
END_TEST

static void refuse(const struct server *s, const char *target, const char *json)
{
    struct http_reply reply;
    http_post_json(s, target, json, &reply);
    ck_assert_msg(reply.status == 503, "%s: %d %s", target, reply.status, reply.body);
    ck_assert_msg(strstr(reply.head, "Retry-After: ") != NULL, "%s", reply.head);
    ck_assert_msg(strstr(reply.body, "send this to one that writes") != NULL, "%s", reply.body);
    http_reply_close(&reply);
}

/* Its sessions could not write if they tried. */
START_TEST(nothing_is_written)
{
    static const char *const questions[] = {
        "/readyz", "/healthz", "/metrics", "/openapi.yaml", "/api/v1/stats", "/api/v1/services", "/api/v1/services/a/operations",
        "/api/v1/traces", "/api/v1/errors?q=timeout", "/api/v1/logs?q=timeout", "/api/v1/logs?contains=time&since=1h", "/api/v1/patterns",
        "/api/v1/metrics/names", "/api/v1/metrics/query?name=a"};
    struct server s;
    char url[DATABASE_URL_MAX];
    ck_assert_int_eq(run("migrate", NULL, NULL), 0);
    const int n = snprintf(url, sizeof url, "%s%coptions=-cdefault_transaction_read_only%%3Don", database.url,
                           strchr(database.url, '?') == NULL ? '?' : '&');
    ck_assert_int_lt(n, (int)sizeof url);
    server_start(&s, url, (const char *const[]){READ_ONLY, NULL});
    for (size_t i = 0; i < ARRAY_LEN(questions); i++)
        http_get_ok(&s, questions[i]);
    refuse(&s, "/v1/traces", "{\"resourceSpans\":[]}");
    refuse(&s, "/v1/logs", "{\"resourceLogs\":[]}");
    refuse(&s, "/v1/metrics", "{\"resourceMetrics\":[]}");
    refuse(&s, "/api/v1/traces", "{\"traces\":[]}");
    ck_assert_int_eq(database_number(database.url, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND"
                                                   " application_name ~ 'writer|assembler|embedder|chunker|retention|index-keeper'"), 0);
    ck_assert_int_ge(database_number(database.url, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND"
                                                   " application_name ~ 'index-monitor|tracekin read'"), 1);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static TCase *tcase_read_only(void)
{
    TCase *tc = tcase_create("read_only");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, make, drop);
    tcase_add_test(tc, a_schema_of_another_version_is_refused);
    tcase_add_test(tc, commands_that_write_are_refused);
    tcase_add_test(tc, nothing_is_written);
    return tc;
}

DATABASE_MAIN("read_only", tcase_read_only)
