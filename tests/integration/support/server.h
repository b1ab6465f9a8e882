/* The built service as a child process, on a free port of the loopback, for tests.
 *
 * A failure to start it ends the test. It dies with the test, whatever becomes of that. One thread. */
#ifndef TRACEKIN_TESTS_SERVER_H
#define TRACEKIN_TESTS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

enum { SERVER_ADDRESS_MAX = 64, SERVER_LOG_MAX = 1 << 20, SERVER_SETTINGS_MAX = 16 };

struct server {
    pid_t pid;
    int port;
    char address[SERVER_ADDRESS_MAX]; /* "127.0.0.1:40001" */
    int log_fd;
    const char *ca_path; /* the certificates that its own must follow from; NULL: it speaks plain HTTP */
};

/* Starts `tracekin serve` on the database with settings ("TRACEKIN_X=value", up to a NULL; NULL for none) and waits until
 * /readyz is 200. */
void server_start(struct server *s, const char *database_url, const char *const *settings);
/* As server_start, by HTTPS: the settings name a certificate that follows from those at ca_path, which is borrowed. */
void server_start_tls(struct server *s, const char *database_url, const char *const *settings, const char *ca_path);
/* Starts `tracekin` with arguments up to a NULL and settings, and waits for nothing; what it prints, both streams, is its log. */
void server_spawn(struct server *s, const char *const *arguments, const char *const *settings);
/* SIGTERM, and waits; returns the exit status, 128 + n when signal n ended it. */
int server_stop(struct server *s);
void server_signal(const struct server *s, int signal);
/* Waits for the end, at most so long; false when it still runs. */
bool server_wait(struct server *s, int ms, int *status);
/* Ends it at once, if it runs. */
void server_kill(struct server *s);
/* What it has logged so far; valid until the next call. */
const char *server_log(const struct server *s);
/* Waits for text in the log; the test fails when it does not come in time. */
void server_await_log(const struct server *s, const char *text, int ms);

/* Runs `tracekin` with arguments up to a NULL and settings as above; returns its exit status and what it printed, both
 * streams, in out (NUL-terminated). */
int server_command(const char *const *arguments, const char *const *settings, char *out, size_t out_size);

#endif
