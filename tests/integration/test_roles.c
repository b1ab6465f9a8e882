/* Two roles: one owns the schema, the other serves and cannot change it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "db/schema/grant.h"
#include "db/vector/vector_plan.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/roles.h"
#include "tests/integration/support/server.h"

enum { OUTPUT_MAX = 65536, SETTING_MAX = DATABASE_URL_MAX + 64, WAIT_MS = 30000, LOG_MS = 60000, BODY_MAX = 4096, SQL_MAX = 512 };

static struct roles roles;
static char output[OUTPUT_MAX], serving_setting[SETTING_MAX], owner_setting[SETTING_MAX];

static void make(void)
{
    roles_create(&roles);
    (void)snprintf(serving_setting, sizeof serving_setting, "TRACEKIN_DATABASE_URL=%s", roles.serving_url);
    (void)snprintf(owner_setting, sizeof owner_setting, "TRACEKIN_DATABASE_OWNER_URL=%s", roles.owner_url);
}

static void drop(void)
{
    roles_drop(&roles);
}

static int run(const char *command, const char *argument, const char *const *settings)
{
    return server_command((const char *const[]){command, argument, NULL}, settings, output, sizeof output);
}

static void migrate(void)
{
    const char *const settings[] = {serving_setting, owner_setting, NULL};
    ck_assert_msg(run("migrate", NULL, settings) == 0, "%s", output);
}

static int64_t number(const char *sql)
{
    return database_number(roles.database.url, sql);
}

static void await(const char *sql)
{
    for (const int64_t until = clock_mono_ns() + LOG_MS * NS_PER_MS; number(sql) == 0;) {
        ck_assert_msg(clock_mono_ns() < until, "%s", sql);
        (void)nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
    }
}

static void post(const struct server *s, const char *target, const char *json)
{
    struct http_reply reply;
    http_post_json(s, target, json, &reply);
    ck_assert_msg(reply.status == 200 || reply.status == 202, "%s: %d %s", target, reply.status, reply.body);
    http_reply_close(&reply);
}

/* One failing span, one log record and one point of a day. */
static void send_day(const struct server *s, int64_t ns)
{
    char json[BODY_MAX];
    const char *const resource = "\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}]}";
    (void)snprintf(json, sizeof json, "{\"resourceSpans\":[{%s,\"scopeSpans\":[{\"spans\":[{\"traceId\":\"%032llx\",\"spanId\":\"00000000000000a1\","
                   "\"name\":\"GET /\",\"kind\":2,\"startTimeUnixNano\":\"%lld\",\"endTimeUnixNano\":\"%lld\",\"status\":{\"code\":2,"
                   "\"message\":\"boom\"}}]}]}]}", resource, (unsigned long long)ns, (long long)ns, (long long)ns + 1000);
    post(s, "/v1/traces", json);
    (void)snprintf(json, sizeof json, "{\"resourceLogs\":[{%s,\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"%lld\",\"severityNumber\":17,"
                   "\"body\":{\"stringValue\":\"it failed\"}}]}]}]}", resource, (long long)ns);
    post(s, "/v1/logs", json);
    (void)snprintf(json, sizeof json, "{\"resourceMetrics\":[{%s,\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\",\"gauge\":{\"dataPoints\":[{"
                   "\"timeUnixNano\":\"%lld\",\"asDouble\":1}]}}]}]}]}", resource, (long long)ns);
    post(s, "/v1/metrics", json);
}

/* Days that were premade, long gone, and to come. What the owner alone may do, it does: partitions, chunks and their dropping. */
START_TEST(days_are_made_and_dropped_by_the_owner)
{
    struct server s;
    const int64_t now_ns = clock_wall_ns();
    const char *settings[] = {owner_setting, "TRACEKIN_ASSEMBLER_QUIET=100ms", NULL, NULL};
    server_start(&s, roles.serving_url, settings);
    ck_assert_ptr_nonnull(strstr(server_log(&s), "serving_role_granted"));
    ck_assert_ptr_null(strstr(server_log(&s), "serving_role_may_change_schema"));
    send_day(&s, now_ns);
    send_day(&s, now_ns - 400 * NS_PER_DAY);
    send_day(&s, now_ns + NS_PER_DAY - 60 * NS_PER_S);
    ck_assert_int_eq(number("SELECT count(*) FROM spans"), 3);
    ck_assert_int_eq(number("SELECT count(*) FROM logs"), 3);
    ck_assert_int_eq(number("SELECT count(*) FROM metric_points"), 3);
    await("SELECT (count(*) = 3)::int FROM traces");
    http_get_ok(&s, "/api/v1/errors?pattern=boom&since=9000h");
    ck_assert_int_eq(server_stop(&s), 0);
    char sql[SQL_MAX];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = relowner"
                   " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'i', 'I') AND rolname <> '%s'", roles.owner);
    ck_assert_int_eq(number(sql), 0);

    settings[2] = "TRACEKIN_RETENTION=30d";
    server_start(&s, roles.serving_url, settings);
    await("SELECT (count(*) = 2)::int FROM spans");
    await("SELECT (count(*) = 2)::int FROM traces");
    ck_assert_msg(strstr(server_log(&s), "serving_role_granted") == NULL, "what is granted is not granted again");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(the_vector_index_is_kept_by_the_owner)
{
    struct server s;
    migrate();
    database_exec(roles.database.url,
                  "INSERT INTO traces (trace_id, service, name, start_time, end_time, start_ns, end_ns, duration_ms, status, span_count,"
                  " error_count, embedding, embedding_model) SELECT decode(lpad(to_hex(i), 32, '0'), 'hex'), 's', 'n', now(), now(),"
                  " extract(epoch FROM now())::bigint * 1000000000, extract(epoch FROM now())::bigint * 1000000000, 0, 'ok', 0, 0,"
                  " (SELECT array_agg(sin(i * d) ORDER BY d)::vector FROM generate_series(1, 384) AS d), 'given'"
                  " FROM generate_series(1, 1100) AS i");
    server_start(&s, roles.serving_url, (const char *const[]){owner_setting, NULL});
    server_await_log(&s, "vector_index_calibrated", LOG_MS);
    await("SELECT count(*) FROM pg_indexes WHERE indexname = '" DB_VECTOR_IVFFLAT_NAME "'");
    http_get_ok(&s, "/api/v1/traces/00000000000000000000000000000001/similar?threshold=0");
    ck_assert_int_eq(server_stop(&s), 0);
    const char *const settings[] = {serving_setting, owner_setting, NULL};
    ck_assert_msg(run("index", "rebuild", settings) == 0, "%s", output);
    ck_assert_msg(strstr(output, "generation 2") != NULL, "%s", output);
}
END_TEST

START_TEST(an_import_makes_days_as_the_owner)
{
    char path[] = "/tmp/tracekin-roles-XXXXXX";
    static const char line[] = "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"1500000000000000000\","
                               "\"body\":{\"stringValue\":\"old\"}}]}]}]}\n";
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, line, sizeof line - 1), (ssize_t)sizeof line - 1);
    ck_assert_int_eq(close(fd), 0);
    const char *const settings[] = {serving_setting, owner_setting, NULL};
    ck_assert_msg(run("import", path, settings) == 0, "%s", output);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(number("SELECT count(*) FROM logs_20170714"), 1);
}
END_TEST

static const char *const refused[] = {
    "CREATE TABLE mine (n int)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE INDEX ON spans (name)",
    "CREATE INDEX ON traces USING ivfflat (embedding vector_cosine_ops)",
    "CREATE EXTENSION pg_trgm",
    "CREATE ROLE mine",
    "CREATE TABLE spans_20200101 PARTITION OF spans FOR VALUES FROM ('2020-01-01') TO ('2020-01-02')",
    "ALTER TABLE spans ADD COLUMN mine int",
    "ALTER TABLE traces DISABLE TRIGGER ALL",
    "ALTER TABLE logs DISABLE TRIGGER tell_arrivals",
    "ALTER INDEX ix_traces_attributes RENAME TO mine",
    "ALTER FUNCTION tell_log_arrivals() RESET ALL",
    "DROP TABLE spans",
    "DROP TABLE traces CASCADE",
    "DROP INDEX ix_traces_attributes",
    "DROP FUNCTION tell_log_arrivals() CASCADE",
    "TRUNCATE traces",
    "TRUNCATE spans",
    "UPDATE spans SET name = ''",
    "DELETE FROM spans",
    "DELETE FROM logs",
    "DELETE FROM metric_points",
    "DELETE FROM dead_letters",
    "UPDATE resources SET service = ''",
    "DELETE FROM log_chunks",
    "DELETE FROM log_arrivals",
    "INSERT INTO vector_indexes (name, method, n_rows_built, built_at, effort) VALUES ('x', 'hnsw', 1, now(), 1)",
    "INSERT INTO vector_index_requests DEFAULT VALUES",
    "INSERT INTO schema_migrations (version, name, sha256, state, started_at) VALUES (9999, '', '', 'running', now())",
    "DELETE FROM schema_migrations",
    "COPY spans TO PROGRAM 'cat'",
    "COPY spans TO '/tmp/mine'",
    "SELECT pg_read_file('/etc/passwd')",
    "REINDEX TABLE traces",
    "CLUSTER traces USING traces_pkey",
};

START_TEST(the_serving_role_is_refused_all_else)
{
    const struct db_wait wait = database_wait(WAIT_MS);
    struct err_info e = {.code = OK};
    char sql[SQL_MAX];
    migrate();
    struct db_conn *const c = db_conn_new(roles.serving_url, "test");
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        e = (struct err_info){.code = OK};
        ck_assert_msg(db_exec(c, &wait, refused[i], NULL, &e) == ERR_BUSY, "%s: %s %s", refused[i], e.message, e.detail);
        ck_assert_msg(strcmp(e.sqlstate, "42501") == 0, "%s: %s %s", refused[i], e.sqlstate, e.detail);
    }
    const char *const with_names[] = {"SET ROLE %s", "REASSIGN OWNED BY CURRENT_USER TO %s", "ALTER DATABASE %s OWNER TO CURRENT_USER",
                                      "DROP DATABASE %s"};
    for (size_t i = 0; i < ARRAY_LEN(with_names); i++) {
        e = (struct err_info){.code = OK};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(sql, sizeof sql, with_names[i], i < 2 ? roles.owner : roles.database.name);
#pragma GCC diagnostic pop
        ck_assert_msg(db_exec(c, &wait, sql, NULL, &e) != OK, "%s", sql);
    }
    db_conn_free(c);
}
END_TEST

/* A table of a later migration is in the list of grants, or the service would fail at its first use. */
START_TEST(every_table_can_be_read)
{
    char sql[SQL_MAX];
    migrate();
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')"
                   " AND NOT relispartition AND NOT has_table_privilege('%s', oid, 'SELECT')", roles.serving);
    ck_assert_msg(number(sql) == 0, "a table is missing in db/schema/grant.c");
}
END_TEST

START_TEST(without_the_owner_nothing_starts_that_would_fail_later)
{
    const char *const alone[] = {serving_setting, "TRACEKIN_LISTEN=127.0.0.1:0", NULL};
    ck_assert_int_ne(run("serve", NULL, alone), 0);
    ck_assert_msg(strstr(output, "TRACEKIN_DATABASE_OWNER_URL") != NULL, "%s", output);
    migrate();
    ck_assert_int_ne(run("serve", NULL, alone), 0);
    ck_assert_msg(strstr(output, "TRACEKIN_DATABASE_OWNER_URL") != NULL, "%s", output);
}
END_TEST

START_TEST(two_databases_are_refused)
{
    struct database other;
    char setting[SETTING_MAX];
    database_create(&other);
    (void)snprintf(setting, sizeof setting, "TRACEKIN_DATABASE_OWNER_URL=%s", other.url);
    migrate();
    ck_assert_int_ne(run("migrate", NULL, (const char *const[]){serving_setting, setting, NULL}), 0);
    ck_assert_msg(strstr(output, "must differ in the role alone") != NULL, "%s", output);
    database_drop(&other);
}
END_TEST

/* As one that was in use with one role before, and as one whose second role does not help. */
START_TEST(a_role_that_may_do_too_much_is_told)
{
    char setting[SETTING_MAX];
    migrate();
    (void)snprintf(setting, sizeof setting, "TRACEKIN_DATABASE_URL=%s", roles.database.url);
    ck_assert_int_eq(run("migrate", NULL, (const char *const[]){setting, owner_setting, NULL}), 0);
    ck_assert_msg(strstr(output, "serving_role_may_change_schema") != NULL, "%s", output);
    migrate();
    ck_assert_msg(strstr(output, "serving_role_may_change_schema") == NULL, "%s", output);
}
END_TEST

/* The owner of the tables who does not own the database. */
START_TEST(what_the_owner_may_not_give_is_told)
{
    char sql[SQL_MAX];
    migrate();
    (void)snprintf(sql, sizeof sql, "REVOKE TEMPORARY ON DATABASE %s FROM PUBLIC; GRANT CREATE ON SCHEMA public TO %s;"
                   " ALTER DATABASE %s OWNER TO CURRENT_USER", roles.database.name, roles.owner, roles.database.name);
    database_exec(roles.database.url, sql);
    const char *const settings[] = {serving_setting, owner_setting, NULL};
    ck_assert_int_ne(run("migrate", NULL, settings), 0);
    ck_assert_msg(strstr(output, "have a superuser run GRANT TEMPORARY ON DATABASE") != NULL, "%s", output);
}
END_TEST

/* A table whose rights are changed while the service makes a partition of it is "concurrently updated". */
#define ALONE "BEGIN; LOCK TABLE logs IN ACCESS EXCLUSIVE MODE; "

/* Senders keep what they may not store until it can be: a 500 they would throw away. */
START_TEST(a_right_that_is_lost_is_waited_for)
{
    struct server s;
    struct http_reply reply;
    char sql[SQL_MAX];
    server_start(&s, roles.serving_url, (const char *const[]){owner_setting, NULL});
    (void)snprintf(sql, sizeof sql, ALONE "REVOKE INSERT ON logs FROM %s; COMMIT", roles.serving);
    database_exec(roles.database.url, sql);
    http_post_json(&s, "/v1/logs", "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"1\"}]}]}]}", &reply);
    ck_assert_msg(reply.status == 503 && strstr(reply.head, "Retry-After: ") != NULL, "%s%s", reply.head, reply.body);
    http_reply_close(&reply);
    ck_assert_msg(strstr(server_log(&s), "permission denied for table logs") != NULL, "%s", server_log(&s));
    (void)snprintf(sql, sizeof sql, ALONE "GRANT INSERT ON logs TO %s; COMMIT", roles.serving);
    database_exec(roles.database.url, sql);
    send_day(&s, clock_wall_ns());
    ck_assert_int_eq(number("SELECT count(*) FROM logs"), 1);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* As docs/runbooks/SECURE_SETUP.md has it. */
START_TEST(a_database_of_a_superuser_is_taken_over)
{
    struct server s;
    char sql[SQL_MAX * 2];
    server_start(&s, roles.database.url, NULL);
    send_day(&s, clock_wall_ns());
    ck_assert_int_eq(server_stop(&s), 0);
    (void)snprintf(sql, sizeof sql, "DO $$ DECLARE t record; BEGIN FOR t IN SELECT oid::regclass AS name FROM pg_class WHERE relnamespace ="
                   " 'public'::regnamespace AND relkind IN ('r', 'p') LOOP EXECUTE format('ALTER TABLE %%s OWNER TO %s', t.name); END LOOP;"
                   " END $$; ALTER FUNCTION tell_log_arrivals() OWNER TO %s; ALTER FUNCTION tell_error_arrivals() OWNER TO %s", roles.owner,
                   roles.owner, roles.owner);
    database_exec(roles.database.url, sql);
    server_start(&s, roles.serving_url, (const char *const[]){owner_setting, NULL});
    send_day(&s, clock_wall_ns());
    send_day(&s, clock_wall_ns() - 10 * NS_PER_DAY);
    ck_assert_int_eq(number("SELECT count(*) FROM spans"), 3);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static TCase *tcase_roles(void)
{
    TCase *tc = tcase_create("roles");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, make, drop);
    tcase_add_test(tc, days_are_made_and_dropped_by_the_owner);
    tcase_add_test(tc, the_vector_index_is_kept_by_the_owner);
    tcase_add_test(tc, an_import_makes_days_as_the_owner);
    tcase_add_test(tc, the_serving_role_is_refused_all_else);
    tcase_add_test(tc, every_table_can_be_read);
    tcase_add_test(tc, without_the_owner_nothing_starts_that_would_fail_later);
    tcase_add_test(tc, two_databases_are_refused);
    tcase_add_test(tc, a_role_that_may_do_too_much_is_told);
    tcase_add_test(tc, what_the_owner_may_not_give_is_told);
    tcase_add_test(tc, a_right_that_is_lost_is_waited_for);
    tcase_add_test(tc, a_database_of_a_superuser_is_taken_over);
    return tc;
}

DATABASE_MAIN("roles", tcase_roles)
