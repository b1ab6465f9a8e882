/* A proxy between the code under test and PostgreSQL, to play a network that fails.
 *
 * Listens on a Unix socket of its own and forwards to the server that a URL names, in a thread, until it is told otherwise.
 * One caller at a time; proxy_stop ends the thread and removes the socket. */
#ifndef TRACEKIN_TESTS_PROXY_H
#define TRACEKIN_TESTS_PROXY_H

#include <pthread.h>
#include <stdatomic.h>

#include "tests/integration/support/database.h"

enum { PROXY_LINKS_MAX = 16, PROXY_PATH_MAX = 64 };

enum proxy_mode {
    PROXY_FORWARD,
    PROXY_HOLD, /* sockets stay open, nothing passes, nobody is accepted */
    PROXY_CUT,  /* every connection is closed, and new ones too */
};

struct proxy {
    char url[DATABASE_URL_MAX]; /* what to connect to */
    char folder[PROXY_PATH_MAX];
    char target[DATABASE_URL_MAX]; /* host of the server */
    char target_port[16];
    int listen_fd;
    struct {
        int client_fd, server_fd; /* -1: free */
    } links[PROXY_LINKS_MAX];
    int orphan_fds[PROXY_LINKS_MAX]; /* the server's ends of sessions whose clients were dropped */
    int n_orphans;
    atomic_int mode;
    atomic_bool is_dropping, is_stopping;
    pthread_t thread;
};

void proxy_start(struct proxy *p, const char *url);
void proxy_set(struct proxy *p, enum proxy_mode mode);
/* Closes the client's end of every connection; the server sees nothing of it until proxy_stop. */
void proxy_drop(struct proxy *p);
void proxy_stop(struct proxy *p);

#endif
