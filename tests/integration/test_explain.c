/* EXPLAIN on demand; no value is seen elsewhere. */
#include <jansson.h>
#include <string.h>

#include "tests/integration/support/database.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/keys_file.h"
#include "tests/integration/support/server.h"

#define KEY "open-sesame-4711"
#define EXPLAIN "/api/v1/admin/explain?target="

static struct server s;
static struct keys_file keys;

static void start(const char *url, const char *setting)
{
    keys_file_open(&keys);
    keys_file_add(&keys, KEY, "admin", "admin,read", "");
    keys_file_write(&keys);
    const char *const settings[] = {keys.setting, setting, NULL};
    server_start(&s, url, settings);
}

static void stop(void)
{
    ck_assert_int_eq(server_stop(&s), 0);
    keys_file_close(&keys);
}

static void ask(const char *target, struct http_reply *reply)
{
    const struct http_request request = {.target = target, .headers = {"Authorization: Bearer " KEY}};
    http_send(&s, &request, reply);
}

/* The explanation of a target, asked by the admin; new. */
static json_t *explain(const char *target)
{
    struct http_reply reply;
    ask(target, &reply);
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

START_TEST(each_statement_with_its_plan)
{
    start(database_url(), "TRACEKIN_LOG_LEVEL=debug");
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
    ask("/metrics", &metrics);
    ck_assert_ptr_nonnull(strstr(metrics.body, "tracekin_db_query_duration_seconds_count{query=\"list_traces\"} 0\n"));
    http_reply_close(&metrics);
    ck_assert_ptr_null(strstr(server_log(&s), "xyzzy"));
    stop();
}
END_TEST

/* The plan for other values, and what came of it, have the hash of the plan alone. */
START_TEST(analyzed)
{
    start(database_url(), "TRACEKIN_LOG_LEVEL=debug");
    json_t *const planned = explain(EXPLAIN "/api/v1/patterns%3Fservice%3Da");
    json_t *const run = explain(EXPLAIN "/api/v1/patterns%3Fservice%3Db&analyze=true");
    const json_t *const a = json_array_get(json_object_get(planned, "statements"), 0);
    const json_t *const b = json_array_get(json_object_get(run, "statements"), 0);
    ck_assert(plan_has(b, "actual time="));
    ck_assert(plan_has(b, "Execution Time"));
    ck_assert_str_eq(json_string_value(json_object_get(a, "plan_hash")), json_string_value(json_object_get(b, "plan_hash")));
    json_decref(planned);
    json_decref(run);
    stop();
}
END_TEST

/* A table that is read slowly, and planned as fast as any. */
static const char slow_operations[] =
    "ALTER TABLE operations RENAME TO swift_operations;"
    "CREATE VIEW operations AS SELECT o.* FROM swift_operations AS o CROSS JOIN LATERAL (SELECT pg_sleep(0.2 + 0 * o.kind)) AS s;"
    "INSERT INTO swift_operations SELECT i, current_date, 'service', 'name ' || i, 2, 0, 0 FROM generate_series(1, 100) AS i";

START_TEST(of_what_takes_too_long)
{
    struct database database;
    database_create(&database);
    start(database.url, "TRACEKIN_REQUEST_TIMEOUT=500ms");
    database_exec(database.url, slow_operations);
    struct http_reply reply;
    ask("/api/v1/services", &reply);
    ck_assert_int_eq(reply.status, 504);
    http_reply_close(&reply);
    json_t *const found = explain(EXPLAIN "/api/v1/services");
    ck_assert_str_eq(json_string_value(json_object_get(found, "outcome")), "timeout");
    ck_assert(plan_has(json_array_get(json_object_get(found, "statements"), 0), "swift_operations"));
    json_decref(found);
    stop();
    database_drop(&database);
}
END_TEST

/* A search for what is in none of them has a statement for the newest records, one for the chunks that may have it, and one each for
 * these. In transactions of their own, for background jobs may hold one table and wait for another. */
static const char *const lonely_chunks[] = {
    "CREATE TABLE logs_past PARTITION OF logs FOR VALUES FROM ('2000-01-01Z') TO ('2000-01-02Z')",
    "CREATE TABLE log_chunks_past PARTITION OF log_chunks FOR VALUES FROM ('2000-01-01Z') TO ('2000-01-02Z')",
    "INSERT INTO logs (time, time_ns, log_id, severity, resource_id, scope_id, service, body, attributes)"
    " SELECT to_timestamp(s), s * 1000000000, decode(lpad(to_hex(s), 32, '0'), 'hex'), 9, 1, 1, 'shop', 'sold', '{}'"
    " FROM generate_series(946690000::bigint, 946690999) AS s;"
    "DELETE FROM log_arrivals;"
    "INSERT INTO log_chunks (time, from_ns, to_ns, n_rows) SELECT to_timestamp(s), s * 1000000000, s * 1000000000, 1000"
    " FROM generate_series(946685001::bigint, 946685040) AS s",
};
enum { N_TOLD = 32, N_LEFT_OFF = 2 + 40 - N_TOLD };

START_TEST(of_more_statements_than_are_told)
{
    struct database database;
    database_create(&database);
    start(database.url, "TRACEKIN_LOG_LEVEL=debug");
    for (size_t i = 0; i < ARRAY_LEN(lonely_chunks); i++)
        database_exec(database.url, lonely_chunks[i]);
    json_t *const found = explain(EXPLAIN "/api/v1/logs%3Fq%3Dxyzzy%26start%3D2000-01-01T00:00:00Z%26end%3D2000-01-02T00:00:00Z");
    const json_t *const statements = json_object_get(found, "statements");
    ck_assert_uint_eq(json_array_size(statements), N_TOLD);
    ck_assert(plan_has(json_array_get(statements, N_TOLD - 1), "xyzzy"));
    ck_assert_int_eq(json_integer_value(json_object_get(found, "left_off")), N_LEFT_OFF);
    json_decref(found);
    stop();
    database_drop(&database);
}
END_TEST

static TCase *tcase_explain(void)
{
    TCase *t = tcase_create("explain");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, each_statement_with_its_plan);
    tcase_add_test(t, analyzed);
    tcase_add_test(t, of_what_takes_too_long);
    tcase_add_test(t, of_more_statements_than_are_told);
    return t;
}

DATABASE_MAIN("explain", tcase_explain)
