#include "tests/integration/support/server.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "tests/integration/support/http.h"

enum { START_MS = 60000, STOP_MS = 60000, STEP_MS = 5, ARGUMENTS_MAX = 16 };

static void nap(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = STEP_MS * NS_PER_MS}, NULL);
}

static int64_t after_ms(int ms)
{
    return clock_mono_ns() + ms * NS_PER_MS;
}

/* Only the settings given: what the test itself was started with must not change what is tested. */
static void child_set_environment(const char *const *settings)
{
    for (char **v = environ; *v != NULL;)
        if (strncmp(*v, "TRACEKIN_", 9) == 0)
            (void)unsetenv(strndup(*v, strcspn(*v, "=")));
        else
            v++;
    for (; settings != NULL && *settings != NULL; settings++)
        (void)putenv(strdup(*settings));
}

static _Noreturn void child_run(const char *const *arguments, const char *const *settings, int out_fd)
{
    char *argv[ARGUMENTS_MAX] = {strdup(TRACEKIN_BINARY)};
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; arguments[i] != NULL && i + 2 < ARGUMENTS_MAX; i++)
        argv[i + 1] = strdup(arguments[i]);
    child_set_environment(settings);
    if (dup2(out_fd, STDOUT_FILENO) >= 0 && dup2(out_fd, STDERR_FILENO) >= 0)
        (void)execv(TRACEKIN_BINARY, argv);
    _exit(127);
}

static void server_learn_address(struct server *s)
{
    const char *listening = NULL;
    for (const int64_t until = after_ms(START_MS); listening == NULL && clock_mono_ns() < until; nap()) {
        int status = 0;
        if (server_wait(s, 0, &status))
            ck_abort_msg("the service ended with status %d: %s", status, server_log(s));
        listening = strstr(server_log(s), "\"address\":\"");
    }
    ck_assert_msg(listening != NULL, "the service does not listen: %s", server_log(s));
    ck_assert_int_eq(sscanf(listening, "\"address\":\"%63[^\"]", s->address), 1);
    s->port = atoi(strrchr(s->address, ':') + 1);
}

static void server_await_ready(struct server *s)
{
    int status = 0;
    for (const int64_t until = after_ms(START_MS); status != 200 && clock_mono_ns() < until; nap()) {
        struct http_reply reply;
        http_get(s, "/readyz", &reply);
        status = reply.status;
        http_reply_close(&reply);
    }
    ck_assert_int_eq(status, 200);
}

void server_spawn(struct server *s, const char *const *arguments, const char *const *settings)
{
    *s = (struct server){.log_fd = memfd_create("log", MFD_CLOEXEC)};
    ck_assert_int_ge(s->log_fd, 0);
    s->pid = fork();
    ck_assert_int_ge(s->pid, 0);
    if (s->pid == 0)
        child_run(arguments, settings, s->log_fd);
}

void server_start(struct server *s, const char *database_url, const char *const *settings)
{
    server_start_tls(s, database_url, settings, NULL);
}

void server_start_tls(struct server *s, const char *database_url, const char *const *settings, const char *ca_path)
{
    static const char *const arguments[] = {"serve", NULL};
    char url[600];
    const char *all[SERVER_SETTINGS_MAX + 3] = {url, "TRACEKIN_LISTEN=127.0.0.1:0"};
    for (size_t i = 0; settings != NULL && settings[i] != NULL; i++) {
        ck_assert_uint_lt(i, SERVER_SETTINGS_MAX);
        all[i + 2] = settings[i];
    }
    (void)snprintf(url, sizeof url, "TRACEKIN_DATABASE_URL=%s", database_url);
    server_spawn(s, arguments, all);
    s->ca_path = ca_path;
    server_learn_address(s);
    server_await_ready(s);
}

bool server_wait(struct server *s, int ms, int *status)
{
    const int64_t until = after_ms(ms);
    for (;;) {
        int raw = 0;
        if (s->pid > 0 && waitpid(s->pid, &raw, WNOHANG) == s->pid) {
            s->pid = 0;
            *status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
            return true;
        }
        if (clock_mono_ns() >= until)
            return false;
        nap();
    }
}

void server_signal(const struct server *s, int signal)
{
    ck_assert_int_eq(kill(s->pid, signal), 0);
}

int server_stop(struct server *s)
{
    int status = 0;
    server_signal(s, SIGTERM);
    const bool ended = server_wait(s, STOP_MS, &status);
    ck_assert_msg(ended, "the service does not end: %s", server_log(s));
    /* What a sanitizer found is there, at its end. */
    if (status != 0)
        (void)fprintf(stderr, "%s\n", server_log(s));
    (void)close(s->log_fd);
    return status;
}

void server_kill(struct server *s)
{
    int status = 0;
    if (s->pid > 0 && kill(s->pid, SIGKILL) == 0)
        (void)server_wait(s, STOP_MS, &status);
    (void)close(s->log_fd);
}

static const char *read_all(int fd)
{
    static char text[SERVER_LOG_MAX];
    const ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

const char *server_log(const struct server *s)
{
    return read_all(s->log_fd);
}

void server_await_log(const struct server *s, const char *text, int ms)
{
    for (const int64_t until = after_ms(ms); strstr(server_log(s), text) == NULL; nap())
        ck_assert_msg(clock_mono_ns() < until, "'%s' is not in the log: %s", text, server_log(s));
}

int server_command(const char *const *arguments, const char *const *settings, char *out, size_t out_size)
{
    struct server s;
    int status = 0;
    server_spawn(&s, arguments, settings);
    const bool ended = server_wait(&s, START_MS, &status);
    (void)snprintf(out, out_size, "%s", server_log(&s));
    ck_assert_msg(ended, "tracekin %s does not end: %s", arguments[0], out);
    (void)close(s.log_fd);
    return status;
}
