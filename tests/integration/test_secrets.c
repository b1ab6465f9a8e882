/* A password is in no log, error, reply or argument, whatever goes wrong. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "tests/integration/support/database.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/server.h"

#define SECRET "hush" /* no other word of what is read has it */
#define PASSWORD SECRET "%24e" /* as a URL has it: an escaped $ */

enum { OUTPUT_MAX = 1 << 18, SETTING_MAX = DATABASE_URL_MAX + 128, PATH_MAX_BYTES = 64, MESSAGE_MAX = 4096, LOG_MS = 30000 };

static char output[OUTPUT_MAX];

/* --- a PostgreSQL that asks for the password and is never pleased */

static struct refuser {
    int listen_fd, port;
    atomic_int n_passwords; /* that were the right one */
    pthread_t thread;
} refuser;

static bool read_bytes(int fd, char *bytes, size_t len)
{
    return recv(fd, bytes, len, MSG_WAITALL) == (ssize_t)len;
}

/* Of a message its length and what follows, into text, NUL-terminated; messages may have a type before it. */
static bool read_message(int fd, bool has_type, char text[MESSAGE_MAX], size_t *len)
{
    char type;
    uint32_t n;
    if ((has_type && !read_bytes(fd, &type, 1)) || !read_bytes(fd, (char *)&n, sizeof n))
        return false;
    *len = ntohl(n) - sizeof n;
    if (*len >= MESSAGE_MAX || !read_bytes(fd, text, *len))
        return false;
    text[*len] = '\0';
    return true;
}

static void refuse(int fd)
{
    static const char ask[] = {'R', 0, 0, 0, 8, 0, 0, 0, 3};
    static const char error[] = "SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"u\"\0";
    const char head[] = {'E', 0, 0, 0, (char)(4 + sizeof error)};
    char text[MESSAGE_MAX];
    size_t len = 0;
    if (!read_message(fd, false, text, &len))
        return;
    if (len == 4 && (send(fd, "N", 1, MSG_NOSIGNAL) != 1 || !read_message(fd, false, text, &len))) /* it asked for TLS */
        return;
    if (send(fd, ask, sizeof ask, MSG_NOSIGNAL) != sizeof ask || !read_message(fd, true, text, &len))
        return;
    atomic_fetch_add(&refuser.n_passwords, strcmp(text, SECRET "$e") == 0);
    (void)send(fd, head, sizeof head, MSG_NOSIGNAL);
    (void)send(fd, error, sizeof error, MSG_NOSIGNAL);
}

static void *refuser_run(void *arg)
{
    (void)arg;
    for (;;) {
        const int fd = accept4(refuser.listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return NULL;
        refuse(fd);
        (void)close(fd);
    }
}

static void refuser_start(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    refuser.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(refuser.listen_fd, (const struct sockaddr *)&in, len), 0);
    ck_assert_int_eq(listen(refuser.listen_fd, 64), 0);
    ck_assert_int_eq(getsockname(refuser.listen_fd, (struct sockaddr *)&in, &len), 0);
    refuser.port = ntohs(in.sin_port);
    atomic_store(&refuser.n_passwords, 0);
    ck_assert_int_eq(pthread_create(&refuser.thread, NULL, refuser_run, NULL), 0);
}

static void refuser_stop(void)
{
    ck_assert_int_eq(shutdown(refuser.listen_fd, SHUT_RDWR), 0);
    ck_assert_int_eq(pthread_join(refuser.thread, NULL), 0);
    ck_assert_int_eq(close(refuser.listen_fd), 0);
}

/* --- files */

static void write_secret(char path[PATH_MAX_BYTES], const char *text)
{
    (void)snprintf(path, PATH_MAX_BYTES, "/tmp/tracekin-secret-XXXXXX");
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(write(fd, "\n", 1), 1);
    ck_assert_int_eq(close(fd), 0);
}

static bool cmdline_has(pid_t pid, const char *text)
{
    char path[PATH_MAX_BYTES], bytes[MESSAGE_MAX];
    (void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
    ck_assert(fd >= 0 && n > 0);
    (void)close(fd);
    return memmem(bytes, (size_t)n, text, strlen(text)) != NULL;
}

/* --- commands that fail */

static const char *const commands[][4] = {{"serve"}, {"check-config"}, {"migrate"}, {"migrate", "status"}, {"import", "/dev/null"}, {"index"},
                                          {"index", "rebuild"}};
enum { N_COMMANDS = ARRAY_LEN(commands), N_COMMANDS_THAT_CHECK = 2 };

/* Runs the first of them with the URL: as a variable, as a flag, in a file, and as the owner's in a file. */
static void fail_with(const char *url, size_t n_commands, int status_of_check)
{
    char path[PATH_MAX_BYTES], settings[3][SETTING_MAX], flag[SETTING_MAX];
    static const char *const ways[] = {"TRACEKIN_DATABASE_URL=%s", "TRACEKIN_DATABASE_URL_FILE=%s", "TRACEKIN_DATABASE_OWNER_URL_FILE=%s"};
    write_secret(path, url);
    (void)snprintf(flag, sizeof flag, "--database-url=%s", url);
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(settings[i], SETTING_MAX, ways[i], i == 0 ? url : path);
#pragma GCC diagnostic pop
    }
    for (size_t i = 0; i < n_commands * (ARRAY_LEN(ways) + 1); i++) {
        const char *const *command = commands[i % n_commands];
        const size_t way = i / n_commands;
        const char *arguments[4] = {command[0], command[1], NULL, NULL};
        const bool is_flag = way == ARRAY_LEN(ways), is_owner = way == 2;
        const char *const all[] = {"TRACEKIN_STARTUP_TIMEOUT=0", "TRACEKIN_LISTEN=127.0.0.1:0", "TRACEKIN_LOG_LEVEL=debug",
                                   is_flag ? NULL : settings[way], is_owner ? settings[1] : NULL, NULL};
        if (is_flag)
            arguments[command[1] == NULL ? 1 : 2] = flag;
        const int status = server_command(arguments, all, output, sizeof output);
        const bool is_check = strcmp(command[0], "check-config") == 0;
        ck_assert_msg(is_check ? status == status_of_check : status != 0, "%s %zu ends with %d: %.2000s", command[0], way, status, output);
        ck_assert_msg(strstr(output, SECRET) == NULL, "%s %zu: %.2000s", command[0], way, output);
    }
    ck_assert_int_eq(unlink(path), 0);
}

START_TEST(a_wrong_password_is_not_repeated)
{
    char url[SETTING_MAX];
    refuser_start();
    (void)snprintf(url, sizeof url, "postgresql://u:%s@127.0.0.1:%d/db", PASSWORD, refuser.port);
    fail_with(url, N_COMMANDS, 0);
    (void)snprintf(url, sizeof url, "host=127.0.0.1 port=%d user=u dbname=db password='" SECRET "$e'", refuser.port);
    fail_with(url, N_COMMANDS, 0);
    ck_assert_int_ge(atomic_load(&refuser.n_passwords), 2);
    refuser_stop();
}
END_TEST

START_TEST(a_host_that_is_not_there)
{
    fail_with("postgresql://u:" PASSWORD "@127.0.0.1:1/db", N_COMMANDS, 0);
    fail_with("postgresql://u:" PASSWORD "@nowhere.invalid/db", N_COMMANDS, 0);
    fail_with("postgresql://u:" PASSWORD "@/db?host=/nowhere&sslpassword=" SECRET, N_COMMANDS_THAT_CHECK, 0);
}
END_TEST

START_TEST(urls_with_a_fault)
{
    static const char *const urls[] = {
        "postgresql://u:" PASSWORD "@127.0.0.1:port/db", "postgresql://u:p@" SECRET "@h/db", "postgresql://u:%" SECRET "@h/db", SECRET,
        "host=h passwort=" SECRET, "password='" SECRET, "postgresql://u:" SECRET "\n@h/db",
        "postgresql://u:" PASSWORD "@h/db?sslmode=never"};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++)
        fail_with(urls[i], N_COMMANDS_THAT_CHECK, 2);
}
END_TEST

START_TEST(both_ways_at_once_are_refused)
{
    char path[PATH_MAX_BYTES], file[SETTING_MAX];
    write_secret(path, "postgresql://u:" PASSWORD "@127.0.0.1:1/db");
    (void)snprintf(file, sizeof file, "TRACEKIN_DATABASE_URL_FILE=%s", path);
    const char *const settings[] = {"TRACEKIN_DATABASE_URL=postgresql://u:" PASSWORD "@127.0.0.1:1/db", file, NULL};
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        ck_assert_int_eq(server_command(commands[i], settings, output, sizeof output), 2);
        ck_assert_msg(strstr(output, "TRACEKIN_DATABASE_URL and TRACEKIN_DATABASE_URL_FILE are both set") != NULL, "%.2000s", output);
        ck_assert_msg(strstr(output, SECRET) == NULL, "%.2000s", output);
    }
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

/* --- a service that runs, and is disturbed */

static const char *const targets[] = {"/metrics", "/readyz", "/healthz", "/api/v1/stats", "/api/v1/traces?limit=x", "/api/v1/errors?q=a",
                                      "/api/v1/logs?regex=(&since=1h", "/nothing"};

static void look_at_all(const struct server *s)
{
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        struct http_reply reply;
        http_get(s, targets[i], &reply);
        ck_assert_int_ne(reply.status, 0);
        ck_assert_msg(strstr(reply.head, SECRET) == NULL && strstr(reply.body, SECRET) == NULL, "%s: %.2000s", targets[i], reply.body);
        http_reply_close(&reply);
    }
    ck_assert(!cmdline_has(s->pid, SECRET));
    ck_assert_msg(strstr(server_log(s), SECRET) == NULL, "%.2000s", server_log(s));
}

/* Sessions end, and new ones are refused for a while. The server of the tests asks nobody for a password. */
static void disturb(const struct database *d, const struct server *s)
{
    char sql[SETTING_MAX];
    (void)snprintf(sql, sizeof sql, "ALTER DATABASE %s ALLOW_CONNECTIONS false;", d->name);
    database_exec(getenv("TRACEKIN_TEST_DATABASE_URL"), sql);
    (void)snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'", d->name);
    database_exec(getenv("TRACEKIN_TEST_DATABASE_URL"), sql);
    server_await_log(s, "database_lost", LOG_MS);
    look_at_all(s);
    (void)snprintf(sql, sizeof sql, "ALTER DATABASE %s ALLOW_CONNECTIONS true;", d->name);
    database_exec(getenv("TRACEKIN_TEST_DATABASE_URL"), sql);
    server_await_log(s, "database_found", LOG_MS);
}

static void run_service(const char *const *arguments, const char *const *settings, const struct database *d)
{
    struct server s;
    server_spawn(&s, arguments, settings);
    server_await_log(&s, "\"address\":\"", LOG_MS);
    ck_assert_int_eq(sscanf(strstr(server_log(&s), "\"address\":\""), "\"address\":\"%63[^\"]", s.address), 1);
    look_at_all(&s);
    disturb(d, &s);
    look_at_all(&s);
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(a_service_that_runs_tells_nobody)
{
    struct database d;
    char url[DATABASE_URL_MAX], flag[SETTING_MAX], path[PATH_MAX_BYTES], file[SETTING_MAX];
    database_create(&d);
    const int n = snprintf(url, sizeof url, "%s%cpassword=%s", d.url, strchr(d.url, '?') == NULL ? '?' : '&', PASSWORD);
    ck_assert_int_lt(n, (int)sizeof url);
    (void)snprintf(flag, sizeof flag, "--database-url=%s", url);
    write_secret(path, url);
    (void)snprintf(file, sizeof file, "TRACEKIN_DATABASE_URL_FILE=%s", path);
    run_service((const char *const[]){"serve", NULL},
                (const char *const[]){file, "TRACEKIN_LISTEN=127.0.0.1:0", "TRACEKIN_LOG_LEVEL=debug", NULL}, &d);
    run_service((const char *const[]){"serve", flag, NULL},
                (const char *const[]){"TRACEKIN_LISTEN=127.0.0.1:0", "TRACEKIN_LOG_LEVEL=debug", NULL}, &d);
    ck_assert_int_eq(unlink(path), 0);
    database_drop(&d);
}
END_TEST

static TCase *tcase_secrets(void)
{
    TCase *tc = tcase_create("secrets");
    tcase_set_timeout(tc, 200);
    tcase_add_test(tc, a_wrong_password_is_not_repeated);
    tcase_add_test(tc, a_host_that_is_not_there);
    tcase_add_test(tc, urls_with_a_fault);
    tcase_add_test(tc, both_ways_at_once_are_refused);
    tcase_add_test(tc, a_service_that_runs_tells_nobody);
    return tc;
}

DATABASE_MAIN("secrets", tcase_secrets)
