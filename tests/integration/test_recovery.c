/* The service outlives its sessions: whichever PostgreSQL ends while it is idle, traces are stored and assembled. */
#include <stdio.h>
#include <time.h>

#include "core/clock.h"
#include "tests/integration/support/database.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/server.h"

enum { TEXT_MAX = 512, ASSEMBLED_MS = 10000, NAP_MS = 20 };

static struct server server;

static void setup(void)
{
    static const char *const settings[] = {"TRACEKIN_WRITER_THREADS=1", "TRACEKIN_ASSEMBLER_QUIET=100ms", NULL};
    server_start(&server, database_url(), settings);
}

static void teardown(void)
{
    server_kill(&server);
}

static void store(unsigned trace)
{
    char json[TEXT_MAX];
    struct http_reply reply;
    (void)snprintf(json, sizeof json,
                   "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"%032x\",\"spanId\":\"0000000000000001\","
                   "\"name\":\"GET /\",\"startTimeUnixNano\":\"%lld\",\"endTimeUnixNano\":\"%lld\"}]}]}]}",
                   trace, (long long)clock_wall_ns(), (long long)clock_wall_ns());
    http_post_json(&server, "/v1/traces", json, &reply);
    ck_assert_msg(reply.status == 200, "%d: %s %s", reply.status, reply.body, server_log(&server));
    http_reply_close(&reply);
}

static void await_number(const char *sql, int64_t wanted)
{
    const int64_t until_ns = clock_mono_ns() + ASSEMBLED_MS * NS_PER_MS;
    while (database_number(database_url(), sql) != wanted) {
        ck_assert_msg(clock_mono_ns() < until_ns, "%s: %s", sql, server_log(&server));
        (void)nanosleep(&(struct timespec){.tv_nsec = NAP_MS * NS_PER_MS}, NULL);
    }
}

static void store_and_await(unsigned trace)
{
    char sql[TEXT_MAX];
    store(trace);
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM traces WHERE trace_id = decode('%032x', 'hex')", trace);
    await_number(sql, 1);
}

static const char *const sessions[] = {"tracekin writer", "assembler", "tracekin %", "%"};

/* Idle ones only, and none of this test. */
static void end_sessions(const char *names)
{
    char sql[TEXT_MAX];
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name LIKE '%s'"
                   " AND datname = current_database() AND state = 'idle' AND pid <> pg_backend_pid()", names);
    ck_assert_int_gt(database_number(database_url(), sql), 0);
}

START_TEST(an_idle_session_that_was_ended_is_made_anew)
{
    const unsigned first = 10 * (unsigned)_i;
    store_and_await(first + 1);
    end_sessions(sessions[_i]);
    store_and_await(first + 2);
    end_sessions(sessions[_i]);
    store_and_await(first + 3);
}
END_TEST

static TCase *tcase_recovery(void)
{
    TCase *tcase = tcase_create("recovery");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, an_idle_session_that_was_ended_is_made_anew, 0, (int)ARRAY_LEN(sessions));
    return tcase;
}

DATABASE_MAIN("recovery", tcase_recovery)
