/* Connections that there is no memory for are closed, and no longer counted: libmicrohttpd says nothing of them. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "tests/integration/support/database.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/server.h"

enum { N_REFUSED = 24, CLOSED_MS = 5000, BACK_MS = 10000, STEP_MS = 50 };

static struct server server;

static void end(void)
{
    server_kill(&server);
}

static int status_of_health(void)
{
    struct http_reply reply;
    http_get(&server, "/healthz", &reply);
    const int status = reply.status;
    http_reply_close(&reply);
    return status;
}

/* The start asks for readiness until it has it, so there are fewer left to refuse than the setting says, or none. */
START_TEST(connections_without_memory_leave_room_for_others)
{
    static const char *const settings[] = {"LD_PRELOAD=" PRELOAD_LIBRARY, "TRACEKIN_TEST_POOLS=24", "TRACEKIN_CONNECTIONS_MAX=16", NULL};
    server_start(&server, database_url(), settings);
    for (int i = 0; i < N_REFUSED; i++) {
        const int fd = http_connect(&server);
        (void)http_is_closed(fd, CLOSED_MS / N_REFUSED);
        (void)close(fd);
    }
    const int64_t until = clock_mono_ns() + BACK_MS * NS_PER_MS;
    while (status_of_health() != 200) {
        ck_assert_msg(clock_mono_ns() < until, "nobody is let in any more");
        (void)nanosleep(&(struct timespec){.tv_nsec = STEP_MS * NS_PER_MS}, NULL);
    }
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

static TCase *tcase_pools(void)
{
    TCase *tc = tcase_create("pools");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, NULL, end);
    tcase_add_test(tc, connections_without_memory_leave_room_for_others);
    return tc;
}

DATABASE_MAIN("http_pools", tcase_pools)
