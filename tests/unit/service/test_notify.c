/* The datagrams to the service manager, received by a socket as it has one. */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/str.h"
#include "service/process/notify.h"
#include "tests/check_main.h"

enum { MESSAGE_MAX = 256, WAIT_MS = 10000 };

static char message[MESSAGE_MAX];

/* Abstract names of sockets begin with a NUL, written @. */
static int manager_open(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    memcpy(address.sun_path, name, strlen(name));
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    const size_t len = offsetof(struct sockaddr_un, sun_path) + strlen(name) + (name[0] == '/');
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, (socklen_t)len), 0);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
    return fd;
}

static const char *manager_read(int fd)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    ck_assert_int_eq(poll(&readable, 1, WAIT_MS), 1);
    const ssize_t n = recv(fd, message, sizeof message - 1, 0);
    ck_assert_int_ge(n, 0);
    message[n] = '\0';
    return message;
}

static void expect_every_message(int fd)
{
    service_notify_ready();
    ck_assert_str_eq(manager_read(fd), "READY=1");
    service_notify_alive();
    ck_assert_str_eq(manager_read(fd), "WATCHDOG=1");
    service_notify_stopping();
    ck_assert_str_eq(manager_read(fd), "STOPPING=1");
    const long long before_us = clock_mono_ns() / NS_PER_US;
    long long at_us = 0;
    service_notify_reloading();
    ck_assert_int_eq(sscanf(manager_read(fd), "RELOADING=1\nMONOTONIC_USEC=%lld", &at_us), 1);
    ck_assert_int_ge(at_us, before_us);
    ck_assert_int_le(at_us, clock_mono_ns() / NS_PER_US);
}

START_TEST(test_a_socket_in_the_file_system)
{
    char folder[] = "/tmp/tracekin-notify-XXXXXX", name[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(name, sizeof name, "%s/notify", folder);
    const int fd = manager_open(name);
    expect_every_message(fd);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(unlink(name), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(test_an_abstract_socket)
{
    char name[64];
    (void)snprintf(name, sizeof name, "@tracekin-notify-%d", (int)getpid());
    const int fd = manager_open(name);
    expect_every_message(fd);
    ck_assert_int_eq(close(fd), 0);
}
END_TEST

/* Nobody to tell is no failure, and opens nothing that stays. */
START_TEST(test_no_manager)
{
    static const char *const names[] = {"", "@", "/", "relative", "/tmp/no-such-socket-of-tracekin", NULL};
    char too_long[200];
    memset(too_long, 'x', sizeof too_long);
    too_long[0] = '/';
    too_long[sizeof too_long - 1] = '\0';
    const int next = dup(STDERR_FILENO);
    ck_assert_int_eq(close(next), 0);
    ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
    service_notify_ready();
    for (size_t i = 0; names[i] != NULL; i++) {
        ck_assert_int_eq(setenv("NOTIFY_SOCKET", names[i], 1), 0);
        service_notify_ready();
    }
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", too_long, 1), 0);
    service_notify_ready();
    const int after = dup(STDERR_FILENO);
    ck_assert_int_eq(after, next);
    ck_assert_int_eq(close(after), 0);
}
END_TEST

START_TEST(test_the_watchdogs_interval)
{
    char own[32];
    (void)snprintf(own, sizeof own, "%d", (int)getpid());
    const struct { const char *interval, *whom; int64_t expected_ns; } cases[] = {
        {NULL, NULL, 0}, {"", NULL, 0}, {"0", NULL, 0}, {"-1", NULL, 0}, {"1s", NULL, 0}, {"1", "", 0}, {"1", "x", 0}, {"1", "1", 0},
        {"30000000", NULL, 30 * NS_PER_S}, {"500000", own, NS_PER_S / 2}, {"18446744073709551615", own, NS_PER_DAY},
        {"18446744073709551616", own, 0}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_int_eq(cases[i].interval == NULL ? unsetenv("WATCHDOG_USEC") : setenv("WATCHDOG_USEC", cases[i].interval, 1), 0);
        ck_assert_int_eq(cases[i].whom == NULL ? unsetenv("WATCHDOG_PID") : setenv("WATCHDOG_PID", cases[i].whom, 1), 0);
        ck_assert_msg(service_notify_watchdog_ns() == cases[i].expected_ns, "case %zu: %lld", i, (long long)service_notify_watchdog_ns());
    }
}
END_TEST

static TCase *tcase_notify(void)
{
    TCase *tcase = tcase_create("notify");
    tcase_add_test(tcase, test_a_socket_in_the_file_system);
    tcase_add_test(tcase, test_an_abstract_socket);
    tcase_add_test(tcase, test_no_manager);
    tcase_add_test(tcase, test_the_watchdogs_interval);
    return tcase;
}

CHECK_MAIN("notify", tcase_notify)
