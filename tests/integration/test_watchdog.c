/* What a service manager hears of the service: that it is ready, that it lives for as long as each of its threads does, and that
 * it stops. A thread is made to hang by stopping it as a debugger does. */
#include <ctype.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/support/certificate.h"
#include "tests/integration/support/database.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/server.h"

/* The service looks four times an interval. SILENT_MS is of a watchdog that is not fed any more; FED_MS is for slow machines. */
enum { INTERVAL_MS = 1000, SILENT_MS = 1500, FED_MS = 60000, FEEDS_MAX = 40, THREADS_MAX = 64, MESSAGE_MAX = 256, NAME_MAX_BYTES = 64 };

static struct server server;
static int manager_fd;
static pid_t stopped[THREADS_MAX];
static size_t n_stopped;

static char cert_folder[NAME_MAX_BYTES], cert_path[NAME_MAX_BYTES + 16], key_path[NAME_MAX_BYTES + 16];
static char cert_setting[2 * NAME_MAX_BYTES], key_setting[2 * NAME_MAX_BYTES];

static void certificate_make(void)
{
    (void)snprintf(cert_folder, sizeof cert_folder, "/tmp/tracekin-watchdog-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(cert_folder));
    (void)snprintf(cert_path, sizeof cert_path, "%s/cert.pem", cert_folder);
    (void)snprintf(key_path, sizeof key_path, "%s/key.pem", cert_folder);
    (void)snprintf(cert_setting, sizeof cert_setting, "TRACEKIN_TLS_CERT_FILE=%s", cert_path);
    (void)snprintf(key_setting, sizeof key_setting, "TRACEKIN_TLS_KEY_FILE=%s", key_path);
    certificate_write(cert_path, key_path, "watched", 30);
}

static void start(bool has_tls)
{
    char name[NAME_MAX_BYTES], socket_setting[NAME_MAX_BYTES + 16], interval_setting[NAME_MAX_BYTES];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int len = snprintf(name, sizeof name, "@tracekin-watchdog-%d", (int)getpid());
    memcpy(address.sun_path + 1, name + 1, (size_t)len - 1);
    manager_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(manager_fd, 0);
    ck_assert_int_eq(bind(manager_fd, (const struct sockaddr *)&address, (socklen_t)offsetof(struct sockaddr_un, sun_path) + (socklen_t)len), 0);
    (void)snprintf(socket_setting, sizeof socket_setting, "NOTIFY_SOCKET=%s", name);
    (void)snprintf(interval_setting, sizeof interval_setting, "WATCHDOG_USEC=%d", INTERVAL_MS * 1000);
    const char *const settings[] = {socket_setting, interval_setting, "TRACEKIN_HTTP_THREADS=3", "TRACEKIN_READ_WORKERS=2",
                                    "TRACEKIN_WRITER_THREADS=3", "TRACEKIN_REQUEST_TIMEOUT=100ms", has_tls ? cert_setting : NULL, key_setting, NULL};
    if (has_tls)
        server_start_tls(&server, database_url(), settings, cert_path);
    else
        server_start(&server, database_url(), settings);
}

static void setup(void)
{
    start(false);
}

static void setup_tls(void)
{
    certificate_make();
    start(true);
}

static void teardown(void)
{
    server_kill(&server);
    (void)close(manager_fd);
}

static void teardown_tls(void)
{
    teardown();
    (void)unlink(cert_path);
    (void)unlink(key_path);
    (void)rmdir(cert_folder);
}

/* Whether a message came within the time; it is left in out. */
static bool hear(int ms, char out[MESSAGE_MAX])
{
    struct pollfd readable = {.fd = manager_fd, .events = POLLIN};
    if (poll(&readable, 1, ms) != 1)
        return false;
    const ssize_t n = recv(manager_fd, out, MESSAGE_MAX - 1, 0);
    ck_assert_int_ge(n, 0);
    out[n] = '\0';
    return true;
}

static void expect_heard(const char *wanted)
{
    char message[MESSAGE_MAX];
    for (int i = 0; i < FEEDS_MAX; i++) {
        ck_assert_msg(hear(FED_MS, message), "%s does not come: %s", wanted, server_log(&server));
        if (strcmp(message, wanted) == 0)
            return;
    }
    ck_abort_msg("%s does not come, but %s: %s", wanted, message, server_log(&server));
}

/* What was sent before a thread hung may still come. */
static void expect_silence(const char *why)
{
    char message[MESSAGE_MAX];
    for (int i = 0; i < FEEDS_MAX; i++)
        if (!hear(SILENT_MS, message))
            return;
    ck_abort_msg("the watchdog is fed although %s hangs: %s", why, server_log(&server));
}

static pid_t thread_if_named(const struct dirent *entry, const char *name)
{
    char path[NAME_MAX_BYTES], comm[NAME_MAX_BYTES] = "";
    if (!isdigit((unsigned char)entry->d_name[0]))
        return 0;
    (void)snprintf(path, sizeof path, "/proc/%d/task/%.16s/comm", (int)server.pid, entry->d_name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    const bool is_named = fgets(comm, sizeof comm, file) != NULL && strncmp(comm, name, strlen(name)) == 0;
    (void)fclose(file);
    return is_named ? (pid_t)strtol(entry->d_name, NULL, 10) : 0;
}

static size_t threads_named(const char *name, pid_t out[THREADS_MAX])
{
    char path[NAME_MAX_BYTES];
    size_t n = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)server.pid);
    DIR *folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL && n < THREADS_MAX;) {
        out[n] = thread_if_named(entry, name);
        n += out[n] != 0;
    }
    (void)closedir(folder);
    return n;
}

static void thread_stop(pid_t thread)
{
    int status = 0;
    ck_assert_msg(ptrace(PTRACE_SEIZE, thread, NULL, NULL) == 0, "this system lets no test stop a thread of its child (ptrace)");
    ck_assert_int_eq(ptrace(PTRACE_INTERRUPT, thread, NULL, NULL), 0);
    ck_assert_int_eq(waitpid(thread, &status, __WALL), thread);
    stopped[n_stopped++] = thread;
}

static void threads_go_on(void)
{
    while (n_stopped > 0)
        ck_assert_int_eq(ptrace(PTRACE_DETACH, stopped[--n_stopped], NULL, NULL), 0);
}

START_TEST(ready_alive_stopping)
{
    char message[MESSAGE_MAX];
    ck_assert(hear(FED_MS, message));
    if (strcmp(message, "WATCHDOG=1") == 0)
        ck_assert(hear(FED_MS, message));
    ck_assert_str_eq(message, "READY=1");
    expect_heard("WATCHDOG=1");
    expect_heard("WATCHDOG=1");
    ck_assert_int_eq(kill(server.pid, SIGHUP), 0);
    do
        ck_assert(hear(FED_MS, message));
    while (strcmp(message, "WATCHDOG=1") == 0);
    ck_assert_int_eq(strncmp(message, "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
    expect_heard("READY=1");
    ck_assert_int_eq(kill(server.pid, SIGTERM), 0);
    expect_heard("STOPPING=1");
    int status = -1;
    ck_assert(server_wait(&server, FED_MS, &status));
    ck_assert_int_eq(status, 0);
    ck_assert_msg(!hear(0, message), "%s comes after STOPPING=1", message);
}
END_TEST

/* Each of them by itself: a watchdog that asks whichever thread answers first would be fed by the others. */
static void expect_hanging_is_seen(const char *name, size_t n_wanted)
{
    pid_t threads[THREADS_MAX];
    const size_t n = threads_named(name, threads);
    ck_assert_uint_eq(n, n_wanted);
    for (size_t i = 0; i < n; i++) {
        expect_heard("WATCHDOG=1");
        thread_stop(threads[i]);
        expect_silence(name);
        threads_go_on();
        expect_heard("WATCHDOG=1");
    }
    server_await_log(&server, "\"watchdog_not_fed\"", FED_MS);
}

START_TEST(a_hanging_http_thread_is_seen)
{
    expect_hanging_is_seen("MHD-worker", 3);
}
END_TEST

START_TEST(a_hanging_listener_is_seen)
{
    expect_hanging_is_seen("tk-listener", 1);
}
END_TEST

START_TEST(a_hanging_writer_is_seen)
{
    expect_hanging_is_seen("tk-writer", 3);
}
END_TEST

/* Idle workers that hang harm nobody until there is a request for them. */
START_TEST(hanging_workers_are_seen)
{
    pid_t threads[THREADS_MAX];
    const size_t n = threads_named("tk-read", threads);
    ck_assert_uint_eq(n, 2);
    for (size_t i = 0; i < n; i++)
        thread_stop(threads[i]);
    expect_heard("WATCHDOG=1");
    const int fd = http_connect(&server);
    http_write(fd, "GET /api/v1/services HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_silence("every reading worker");
    threads_go_on();
    expect_heard("WATCHDOG=1");
    (void)close(fd);
}
END_TEST

static TCase *tcase_watchdog(void)
{
    TCase *tcase = tcase_create("watchdog");
    tcase_set_timeout(tcase, 200);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, ready_alive_stopping);
    tcase_add_test(tcase, a_hanging_http_thread_is_seen);
    tcase_add_test(tcase, a_hanging_listener_is_seen);
    tcase_add_test(tcase, a_hanging_writer_is_seen);
    tcase_add_test(tcase, hanging_workers_are_seen);
    return tcase;
}

static TCase *tcase_tls(void)
{
    TCase *tcase = tcase_create("tls");
    tcase_set_timeout(tcase, 200);
    tcase_add_checked_fixture(tcase, setup_tls, teardown_tls);
    tcase_add_test(tcase, a_hanging_http_thread_is_seen);
    return tcase;
}

DATABASE_MAIN("watchdog", tcase_watchdog, tcase_tls)
