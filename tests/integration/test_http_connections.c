/* What the service does when connections come faster than its threads take them. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "tests/integration/support/database.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/server.h"

enum { N_STORM = 200 };

static struct server server;

static void kill_server(void)
{
    server_kill(&server);
}

/* Does not wait for it to be accepted. */
static int connect_at_once(void)
{
    const struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)server.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert(connect(fd, (const struct sockaddr *)&in, sizeof in) == 0 || errno == EINPROGRESS);
    return fd;
}

static void await_health(int ms)
{
    const int64_t until = clock_mono_ns() + ms * NS_PER_MS;
    for (int status = 0; status != 200;) {
        struct http_reply reply;
        http_get(&server, "/healthz", &reply);
        status = reply.status;
        http_reply_close(&reply);
        ck_assert_msg(clock_mono_ns() < until, "/healthz answers %d", status);
    }
}

static int metric_value(const char *name)
{
    struct http_reply reply;
    int value = -1;
    http_get(&server, "/metrics", &reply);
    const char *line = strstr(reply.body, name);
    ck_assert_ptr_nonnull(line);
    ck_assert_int_eq(sscanf(line + strlen(name), " %d", &value), 1);
    http_reply_close(&reply);
    return value;
}

/* The one that asks, and the one that asked before. */
static void await_few_connections(int ms)
{
    const int64_t until = clock_mono_ns() + ms * NS_PER_MS;
    for (int n = metric_value("\ntracekin_http_connections"); n > 2; n = metric_value("\ntracekin_http_connections"))
        ck_assert_msg(clock_mono_ns() < until, "%d connections are left", n);
}

/* A storm leaves every thread and every place as it found them. */
START_TEST(test_a_storm_of_connections_passes)
{
    static const struct { const char *max, *threads; } cases[] = {
        {"TRACEKIN_CONNECTIONS_MAX=16", "TRACEKIN_HTTP_THREADS=2"}, {"TRACEKIN_CONNECTIONS_MAX=16", "TRACEKIN_HTTP_THREADS=64"},
        {"TRACEKIN_CONNECTIONS_MAX=128", "TRACEKIN_HTTP_THREADS=4"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int fds[N_STORM], status = 0;
        server_start(&server, database_url(), (const char *const[]){cases[i].max, cases[i].threads, NULL});
        for (size_t n = 0; n < N_STORM; n++)
            fds[n] = connect_at_once();
        (void)nanosleep(&(struct timespec){.tv_nsec = 300 * NS_PER_MS}, NULL);
        for (size_t n = 0; n < N_STORM; n++)
            ck_assert_int_eq(close(fds[n]), 0);
        await_health(5000);
        ck_assert_int_gt(metric_value("\ntracekin_rejected_total{reason=\"connections\"}"), 0);
        await_few_connections(5000);
        server_signal(&server, SIGTERM);
        ck_assert_msg(server_wait(&server, 10000, &status), "%s, %s: it does not end", cases[i].max, cases[i].threads);
        ck_assert_int_eq(status, 0);
        ck_assert_int_eq(close(server.log_fd), 0);
    }
}
END_TEST

static TCase *tcase_connections(void)
{
    TCase *tc = tcase_create("connections");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, NULL, kill_server);
    tcase_add_test(tc, test_a_storm_of_connections_passes);
    return tc;
}

DATABASE_MAIN("http_connections", tcase_connections)
