/* EXPLAIN on demand: for whoever has the admin's token, and for nobody else; no secret and no value is seen elsewhere. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/support/database.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/server.h"

#define TOKEN "open-sesame-4711"
#define EXPLAIN "/api/v1/admin/explain?target="

enum { TEXT_MAX = 4096 };

static const char *const with_token[] = {"TRACEKIN_ADMIN_TOKEN=" TOKEN, "TRACEKIN_LOG_LEVEL=debug", NULL};

static struct server s;

static void ask(const char *target, const char *header, const char *header_too, struct http_reply *reply)
{
    const struct http_request request = {.target = target, .headers = {header, header_too}};
    http_send(&s, &request, reply);
}

static void assert_status(const char *target, const char *header, const char *header_too, int status)
{
    struct http_reply reply;
    ask(target, header, header_too, &reply);
    ck_assert_msg(reply.status == status, "%s, %s: %d %s", target, header, reply.status, reply.body);
    http_reply_close(&reply);
}

/* The explanation of a target, asked with the token; new. */
static json_t *explain(const char *target)
{
    struct http_reply reply;
    ask(target, "Authorization: Bearer " TOKEN, NULL, &reply);
    ck_assert_msg(reply.status == 200, "%s: %d %s", target, reply.status, reply.body);
    json_t *const found = json_loads(reply.body, 0, NULL);
    ck_assert_ptr_nonnull(found);
    http_reply_close(&reply);
    return found;
}

static bool plan_has(const json_t *statement, const char *part)
{
    size_t i;
    const json_t *line;
    json_array_foreach(json_object_get(statement, "plan"), i, line)
        if (strstr(json_string_value(line), part) != NULL)
            return true;
    return false;
}

START_TEST(only_with_the_token)
{
    server_start(&s, database_url(), with_token);
    static const char target[] = EXPLAIN "/api/v1/services";
    assert_status(target, NULL, NULL, 401);
    assert_status(target, "Authorization: Bearer open-sesame-4712", NULL, 401);
    assert_status(target, "Authorization: Bearer", NULL, 401);
    assert_status(target, "Authorization: Basic " TOKEN, NULL, 401);
    assert_status(target, "Authorization: Bearer " TOKEN, "Authorization: Bearer " TOKEN, 400);
    assert_status(target, "Authorization: Bearer " TOKEN, NULL, 200);
    struct http_reply reply;
    ask(target, NULL, NULL, &reply);
    ck_assert(http_has_header(&reply, "WWW-Authenticate: Bearer realm=\"tracekin\""));
    ck_assert(http_has_header(&reply, "Content-Type: application/problem+json"));
    http_reply_close(&reply);
    ck_assert_ptr_null(strstr(server_log(&s), TOKEN));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(nobody_without_a_token)
{
    server_start(&s, database_url(), NULL);
    assert_status(EXPLAIN "/api/v1/services", NULL, NULL, 403);
    assert_status(EXPLAIN "/api/v1/services", "Authorization: Bearer ", NULL, 403);
    assert_status(EXPLAIN "/api/v1/services", "Authorization: Bearer " TOKEN, NULL, 403);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(token_in_a_file)
{
    char path[] = "/tmp/tracekin-token-XXXXXX", setting[TEXT_MAX];
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, TOKEN "\n", sizeof TOKEN), sizeof TOKEN);
    (void)close(fd);
    (void)snprintf(setting, sizeof setting, "TRACEKIN_ADMIN_TOKEN_FILE=%s", path);
    const char *const settings[] = {setting, NULL};
    server_start(&s, database_url(), settings);
    (void)unlink(path);
    json_decref(explain(EXPLAIN "/api/v1/services"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(settings_are_checked_and_not_shown)
{
    static const char *const arguments[] = {"check-config", NULL};
    const char *settings[] = {"TRACEKIN_DATABASE_URL=postgresql://", "TRACEKIN_ADMIN_TOKEN=" TOKEN, NULL, NULL};
    char out[TEXT_MAX * 8];
    ck_assert_int_eq(server_command(arguments, settings, out, sizeof out), 0);
    ck_assert_ptr_nonnull(strstr(out, "TRACEKIN_ADMIN_TOKEN=***\n"));
    ck_assert_ptr_null(strstr(out, TOKEN));
    settings[2] = "TRACEKIN_ADMIN_TOKEN_FILE=/nowhere";
    ck_assert_int_ne(server_command(arguments, settings, out, sizeof out), 0);
    settings[1] = settings[2];
    settings[2] = NULL;
    ck_assert_int_ne(server_command(arguments, settings, out, sizeof out), 0);
    ck_assert_ptr_nonnull(strstr(out, "cannot be opened"));
}
END_TEST

START_TEST(each_statement_with_its_plan)
{
    server_start(&s, database_url(), with_token);
    json_t *const found = explain(EXPLAIN "/api/v1/traces%3Fservice%3Dxyzzy");
    ck_assert_str_eq(json_string_value(json_object_get(found, "operation")), "list_traces");
    const json_t *const statements = json_object_get(found, "statements");
    ck_assert_uint_ge(json_array_size(statements), 1);
    const json_t *const first = json_array_get(statements, 0);
    const json_t *const last = json_array_get(statements, json_array_size(statements) - 1);
    ck_assert_uint_eq(json_string_length(json_object_get(first, "plan_hash")), 16);
    ck_assert(plan_has(first, "cost="));
    ck_assert(plan_has(last, "xyzzy"));
    ck_assert(!plan_has(first, "actual time="));
    json_decref(found);
    /* Explaining is slower than asking, so it is not counted as a question. */
    struct http_reply metrics;
    http_get(&s, "/metrics", &metrics);
    ck_assert_ptr_nonnull(strstr(metrics.body, "tracekin_db_query_duration_seconds_count{query=\"list_traces\"} 0\n"));
    http_reply_close(&metrics);
    ck_assert_ptr_null(strstr(server_log(&s), "xyzzy"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The plan for other values, and what came of it, have the hash of the plan alone. */
START_TEST(analyzed)
{
    server_start(&s, database_url(), with_token);
    json_t *const planned = explain(EXPLAIN "/api/v1/patterns%3Fservice%3Da");
    json_t *const run = explain(EXPLAIN "/api/v1/patterns%3Fservice%3Db&analyze=true");
    const json_t *const a = json_array_get(json_object_get(planned, "statements"), 0);
    const json_t *const b = json_array_get(json_object_get(run, "statements"), 0);
    ck_assert(plan_has(b, "actual time="));
    ck_assert(plan_has(b, "Execution Time"));
    ck_assert_str_eq(json_string_value(json_object_get(a, "plan_hash")), json_string_value(json_object_get(b, "plan_hash")));
    json_decref(planned);
    json_decref(run);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A table that is read slowly, and planned as fast as any. */
static const char slow_operations[] =
    "ALTER TABLE operations RENAME TO swift_operations;"
    "CREATE VIEW operations AS SELECT o.* FROM swift_operations AS o CROSS JOIN LATERAL (SELECT pg_sleep(0.2 + 0 * o.kind)) AS s;"
    "INSERT INTO swift_operations SELECT i, current_date, 'service', 'name ' || i, 2, 0, 0 FROM generate_series(1, 100) AS i";

START_TEST(of_what_takes_too_long)
{
    static const char *const settings[] = {"TRACEKIN_ADMIN_TOKEN=" TOKEN, "TRACEKIN_REQUEST_TIMEOUT=500ms", NULL};
    struct database database;
    database_create(&database);
    server_start(&s, database.url, settings);
    database_exec(database.url, slow_operations);
    assert_status("/api/v1/services", NULL, NULL, 504);
    json_t *const found = explain(EXPLAIN "/api/v1/services");
    ck_assert_str_eq(json_string_value(json_object_get(found, "outcome")), "timeout");
    ck_assert(plan_has(json_array_get(json_object_get(found, "statements"), 0), "swift_operations"));
    json_decref(found);
    ck_assert_int_eq(server_stop(&s), 0);
    database_drop(&database);
}
END_TEST

static TCase *tcase_explain(void)
{
    TCase *t = tcase_create("explain");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, only_with_the_token);
    tcase_add_test(t, nobody_without_a_token);
    tcase_add_test(t, token_in_a_file);
    tcase_add_test(t, settings_are_checked_and_not_shown);
    tcase_add_test(t, each_statement_with_its_plan);
    tcase_add_test(t, analyzed);
    tcase_add_test(t, of_what_takes_too_long);
    return t;
}

DATABASE_MAIN("explain", tcase_explain)
