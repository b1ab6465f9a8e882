/* What the service does when the database is slow or away, when it has too much to do, and when it is told to stop.
 *
 * A lock on a table makes questions slow: they wait for it as long as the test likes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "tests/integration/support/batches.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/server.h"

#define SLOW_REQUEST "GET /api/v1/services HTTP/1.1\r\nHost: a\r\n\r\n"

#define EXPORT_REQUEST                                                                                                     \
    "POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 216\r\n\r\n"                     \
    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"000000000000000000000000000000a1\",\"spanId\":"             \
    "\"00000000000000b1\",\"name\":\"a\",\"startTimeUnixNano\":\"1700000000000000000\",\"endTimeUnixNano\":\"1700000000000000000\"}]}]}]}"

enum { N_SLOW = 3 };

static struct server server;
static struct db_conn *locker;

static void start_with(const char *const *settings)
{
    server_start(&server, database_url(), settings);
}

/* One worker, one place to wait. */
static void start_narrow(void)
{
    static const char *const settings[] = {"TRACEKIN_READ_WORKERS=1", "TRACEKIN_QUEUE_MAX=1", "TRACEKIN_REQUEST_TIMEOUT=20s",
                                           "TRACEKIN_DRAIN_TIMEOUT=1s", NULL};
    start_with(settings);
}

/* Takes a lock and keeps it. */
static void hold(const char *sql)
{
    const struct db_wait wait = database_wait(10000);
    locker = db_conn_new(database_url(), "tracekin test");
    ck_assert_int_eq(db_exec(locker, &wait, "BEGIN", NULL, NULL), OK);
    ck_assert_int_eq(db_exec(locker, &wait, sql, NULL, NULL), OK);
}

static void lock_table(void)
{
    hold("LOCK TABLE operations IN ACCESS EXCLUSIVE MODE");
}

static void unlock_table(void)
{
    db_conn_free(locker);
    locker = NULL;
}

static void end(void)
{
    unlock_table();
    server_kill(&server);
}

static int64_t n_waiting(void)
{
    return database_number(database_url(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                           " AND application_name ~ '^tracekin (read|ingest)' AND wait_event_type = 'Lock'");
}

/* Waits until so many statements of the service wait for the lock. */
static void await_waiting(int64_t wanted, int ms)
{
    const int64_t until = clock_mono_ns() + ms * NS_PER_MS;
    while (n_waiting() != wanted) {
        ck_assert_msg(clock_mono_ns() < until, "%lld statements wait, not %lld", (long long)n_waiting(), (long long)wanted);
        (void)nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
    }
}

static void await_metric(const char *line)
{
    const int64_t until = clock_mono_ns() + 5 * NS_PER_S;
    for (bool is_there = false; !is_there;) {
        struct http_reply reply;
        http_get(&server, "/metrics", &reply);
        is_there = strstr(reply.body, line) != NULL;
        http_reply_close(&reply);
        ck_assert_msg(clock_mono_ns() < until, "no %s", line);
    }
}

static int ask_slowly(void)
{
    const int fd = http_connect(&server);
    http_write(fd, SLOW_REQUEST);
    return fd;
}

static void expect_status(int fd, int ms, int status)
{
    struct http_reply reply;
    ck_assert(http_read(fd, ms, false, &reply));
    ck_assert_msg(reply.status == status, "%d, not %d: %s", reply.status, status, reply.body);
    http_reply_close(&reply);
}

START_TEST(test_slow_questions_delay_nobody_else)
{
    int fds[N_SLOW];
    start_with((const char *const[]){"TRACEKIN_READ_WORKERS=2", "TRACEKIN_HTTP_THREADS=2", NULL});
    lock_table();
    for (int i = 0; i < N_SLOW; i++)
        fds[i] = ask_slowly();
    await_waiting(2, 5000);
    for (int i = 0; i < 20; i++) {
        static const char *const targets[] = {"/healthz", "/metrics", "/readyz", "/openapi.yaml"};
        struct http_reply reply;
        http_get(&server, targets[i % 4], &reply);
        ck_assert_int_eq(reply.status, 200);
        ck_assert_msg(reply.seconds < 0.5, "%s took %.3f s", targets[i % 4], reply.seconds);
        http_reply_close(&reply);
    }
    unlock_table();
    for (int i = 0; i < N_SLOW; i++) {
        expect_status(fds[i], 5000, 200);
        ck_assert_int_eq(close(fds[i]), 0);
    }
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(test_a_full_queue_is_said_at_once)
{
    start_narrow();
    lock_table();
    const int first = ask_slowly();
    await_waiting(1, 5000);
    const int second = ask_slowly();
    struct http_reply reply;
    await_metric("tracekin_queue_depth{lane=\"read\"} 1\n");
    http_get(&server, "/api/v1/services", &reply);
    ck_assert_int_eq(reply.status, 503);
    ck_assert_msg(strstr(reply.head, "Retry-After: ") != NULL, "%s", reply.head);
    ck_assert_msg(reply.seconds < 0.5, "%.3f s", reply.seconds);
    http_reply_close(&reply);
    unlock_table();
    expect_status(first, 5000, 200);
    expect_status(second, 5000, 200);
    ck_assert_int_eq(close(first), 0);
    ck_assert_int_eq(close(second), 0);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(test_a_client_that_leaves_cancels_its_question)
{
    start_narrow();
    lock_table();
    const int fd = ask_slowly();
    await_waiting(1, 5000);
    ck_assert_int_eq(close(fd), 0);
    await_waiting(0, 1000);
    unlock_table();
    struct http_reply reply;
    http_get(&server, "/api/v1/services", &reply);
    ck_assert_int_eq(reply.status, 200);
    http_reply_close(&reply);
    http_get(&server, "/metrics", &reply);
    ck_assert_ptr_nonnull(strstr(reply.body, "tracekin_http_cancelled_total 1\n"));
    http_reply_close(&reply);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

/* Data of a client that has nothing more to say is stored all the same. */
START_TEST(test_a_client_that_half_closes_has_its_traces_stored)
{
    start_narrow();
    hold("LOCK TABLE traces IN ACCESS EXCLUSIVE MODE");
    const int fd = http_connect(&server);
    http_write(fd, "POST /api/v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 93\r\n\r\n"
                   "{\"traces\":[{\"trace_id\":\"a1\",\"name\":\"a\",\"start_time\":\"2023-01-29T00:00:00Z\",\"duration_ms\":1}]}");
    await_waiting(1, 5000);
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    (void)nanosleep(&(struct timespec){.tv_nsec = 300 * NS_PER_MS}, NULL);
    unlock_table();
    expect_status(fd, 5000, 200);
    ck_assert_int_eq(database_number(database_url(), "SELECT count(*) FROM traces WHERE get_byte(trace_id, 15) = 161"), 1);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(test_a_question_has_its_time)
{
    start_with((const char *const[]){"TRACEKIN_REQUEST_TIMEOUT=500ms", NULL});
    lock_table();
    struct http_reply reply;
    http_get(&server, "/api/v1/services", &reply);
    ck_assert_int_eq(reply.status, 504);
    ck_assert_msg(reply.seconds >= 0.4 && reply.seconds < 1.5, "%.3f s", reply.seconds);
    http_reply_close(&reply);
    ck_assert_int_eq(n_waiting(), 0);
    unlock_table();
    http_get(&server, "/api/v1/services", &reply);
    ck_assert_int_eq(reply.status, 200);
    http_reply_close(&reply);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(test_a_stop_waits_for_requests_in_flight)
{
    start_with((const char *const[]){"TRACEKIN_DRAIN_TIMEOUT=10s", NULL});
    lock_table();
    const int fd = ask_slowly(), idle = http_connect(&server);
    await_waiting(1, 5000);
    server_signal(&server, SIGTERM);
    server_await_log(&server, "\"draining\"", 2000);
    int status = 0;
    ck_assert(!server_wait(&server, 300, &status));
    unlock_table();
    struct http_reply reply;
    ck_assert(http_read(fd, 5000, false, &reply));
    ck_assert_int_eq(reply.status, 200);
    ck_assert(http_has_header(&reply, "Connection: close"));
    http_reply_close(&reply);
    ck_assert(server_wait(&server, 5000, &status));
    ck_assert_int_eq(status, 0);
    ck_assert(http_is_closed(fd, 1000) && http_is_closed(idle, 1000));
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(close(idle), 0);
}
END_TEST

START_TEST(test_a_stop_cancels_what_takes_too_long)
{
    start_narrow();
    lock_table();
    const int running = ask_slowly();
    await_waiting(1, 5000);
    const int queued = ask_slowly();
    (void)nanosleep(&(struct timespec){.tv_nsec = 100 * NS_PER_MS}, NULL);
    server_signal(&server, SIGTERM);
    expect_status(running, 5000, 503);
    expect_status(queued, 5000, 503);
    int status = 0;
    ck_assert(server_wait(&server, 5000, &status));
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(n_waiting(), 0);
    ck_assert_int_eq(close(running), 0);
    ck_assert_int_eq(close(queued), 0);
}
END_TEST

START_TEST(test_a_second_signal_ends_at_once)
{
    start_with((const char *const[]){"TRACEKIN_DRAIN_TIMEOUT=60s", "TRACEKIN_REQUEST_TIMEOUT=60s", NULL});
    lock_table();
    const int fd = ask_slowly();
    await_waiting(1, 5000);
    server_signal(&server, SIGTERM);
    server_await_log(&server, "\"draining\"", 2000);
    server_signal(&server, SIGTERM);
    int status = 0;
    ck_assert(server_wait(&server, 5000, &status));
    ck_assert_int_eq(status, 1);
    ck_assert_int_eq(close(fd), 0);
}
END_TEST

static int export_slowly(void)
{
    const int fd = http_connect(&server);
    http_write(fd, EXPORT_REQUEST);
    return fd;
}

/* One is being stored, the other waits for the only writer. */
START_TEST(test_a_stop_cancels_exports)
{
    start_with((const char *const[]){"TRACEKIN_DRAIN_TIMEOUT=1s", "TRACEKIN_REQUEST_TIMEOUT=30s", "TRACEKIN_WRITER_THREADS=1", NULL});
    hold("LOCK TABLE spans IN ACCESS EXCLUSIVE MODE");
    const int running = export_slowly(), queued = export_slowly();
    await_metric("tracekin_queue_running{lane=\"ingest\"} 2\n");
    server_signal(&server, SIGTERM);
    expect_status(running, 5000, 503);
    expect_status(queued, 5000, 503);
    int status = 0;
    ck_assert(server_wait(&server, 5000, &status));
    ck_assert_int_eq(status, 0);
    unlock_table();
    ck_assert_int_eq(database_number(database_url(), "SELECT count(*) FROM spans"), 0);
    ck_assert_int_eq(close(running), 0);
    ck_assert_int_eq(close(queued), 0);
}
END_TEST

START_TEST(test_a_second_signal_ends_the_wait_for_a_commit)
{
    start_with((const char *const[]){"TRACEKIN_DRAIN_TIMEOUT=0", "TRACEKIN_REQUEST_TIMEOUT=60s", NULL});
    batches_slow_commits();
    hold(BATCHES_HOLD_COMMITS);
    const int fd = export_slowly();
    batches_await_commit();
    server_signal(&server, SIGTERM);
    server_await_log(&server, "\"drain_timeout\"", 2000);
    int status = 0;
    ck_assert(!server_wait(&server, 300, &status));
    server_signal(&server, SIGTERM);
    ck_assert(server_wait(&server, 5000, &status));
    ck_assert_int_eq(status, 128 + SIGTERM);
    ck_assert_int_eq(close(fd), 0);
}
END_TEST

static void await_readiness(int status, int ms)
{
    const int64_t until = clock_mono_ns() + ms * NS_PER_MS;
    for (int is = 0; is != status;) {
        struct http_reply reply;
        http_get(&server, "/readyz", &reply);
        is = reply.status;
        http_reply_close(&reply);
        ck_assert_msg(clock_mono_ns() < until, "/readyz answers %d, not %d", is, status);
    }
}

/* The sessions are ended and no new ones let in: to the service, the server is gone. */
START_TEST(test_a_database_that_goes_away_is_survived)
{
    struct database d;
    char sql[256];
    database_create(&d);
    server_start(&server, d.url, NULL);
    (void)snprintf(sql, sizeof sql, "ALTER DATABASE %s ALLOW_CONNECTIONS false", d.name);
    database_exec(database_url(), sql);
    (void)snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '%s'", d.name);
    database_exec(database_url(), sql);
    struct http_reply reply;
    http_get(&server, "/api/v1/services", &reply);
    ck_assert_int_eq(reply.status, 503);
    ck_assert_ptr_nonnull(strstr(reply.head, "Retry-After: "));
    http_reply_close(&reply);
    await_readiness(503, 5000);
    http_get(&server, "/healthz", &reply);
    ck_assert_int_eq(reply.status, 200);
    http_reply_close(&reply);
    (void)snprintf(sql, sizeof sql, "ALTER DATABASE %s ALLOW_CONNECTIONS true", d.name);
    database_exec(database_url(), sql);
    await_readiness(200, 10000);
    ck_assert_int_eq(server_stop(&server), 0);
    database_drop(&d);
}
END_TEST

enum { N_CONNECTIONS = 16 };

START_TEST(test_connections_are_bounded)
{
    int fds[N_CONNECTIONS];
    start_with((const char *const[]){"TRACEKIN_CONNECTIONS_MAX=16", NULL});
    (void)nanosleep(&(struct timespec){.tv_nsec = 200 * NS_PER_MS}, NULL);
    for (int i = 0; i < N_CONNECTIONS; i++) {
        fds[i] = http_connect(&server);
        http_write(fds[i], "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        expect_status(fds[i], 2000, 200);
    }
    const int one_more = http_connect(&server);
    expect_status(one_more, 2000, 503);
    ck_assert(http_is_closed(one_more, 1000));
    ck_assert_int_eq(close(one_more), 0);
    for (int i = 0; i < N_CONNECTIONS; i++)
        ck_assert_int_eq(close(fds[i]), 0);
    await_readiness(200, 2000);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

/* A connection past the limit of files waits in the kernel and is served when there is room again. */
START_TEST(test_running_out_of_files_is_survived)
{
    const struct rlimit none = {.rlim_cur = 3, .rlim_max = 4096}, plenty = {.rlim_cur = 4096, .rlim_max = 4096};
    start_with(NULL);
    ck_assert_int_eq(prlimit(server.pid, RLIMIT_NOFILE, &none, NULL), 0);
    const int fd = http_connect(&server);
    http_write(fd, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    server_await_log(&server, "\"accept_failed\"", 2000);
    ck_assert_int_eq(prlimit(server.pid, RLIMIT_NOFILE, &plenty, NULL), 0);
    expect_status(fd, 2000, 200);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

static TCase *tcase_load(void)
{
    TCase *tc = tcase_create("load");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, NULL, end);
    tcase_add_test(tc, test_slow_questions_delay_nobody_else);
    tcase_add_test(tc, test_a_full_queue_is_said_at_once);
    tcase_add_test(tc, test_a_client_that_leaves_cancels_its_question);
    tcase_add_test(tc, test_a_client_that_half_closes_has_its_traces_stored);
    tcase_add_test(tc, test_a_question_has_its_time);
    tcase_add_test(tc, test_a_stop_waits_for_requests_in_flight);
    tcase_add_test(tc, test_a_stop_cancels_what_takes_too_long);
    tcase_add_test(tc, test_a_second_signal_ends_at_once);
    tcase_add_test(tc, test_a_stop_cancels_exports);
    tcase_add_test(tc, test_a_second_signal_ends_the_wait_for_a_commit);
    tcase_add_test(tc, test_connections_are_bounded);
    tcase_add_test(tc, test_running_out_of_files_is_survived);
    tcase_add_test(tc, test_a_database_that_goes_away_is_survived);
    return tc;
}

DATABASE_MAIN("http_load", tcase_load)
