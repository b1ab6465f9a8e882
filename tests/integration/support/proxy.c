#include "tests/integration/support/proxy.h"

#include <libpq-fe.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TURN_MS = 5, PIECE_BYTES = 64 * 1024, BACKLOG = 16 };

/* --- sockets */

static struct sockaddr_un socket_address(const char *folder, const char *port)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int n = snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.%s", folder, port);
    ck_assert_int_lt(n, (int)sizeof address.sun_path);
    return address;
}

static int server_connect(const struct proxy *p)
{
    int fd = -1;
    if (p->target[0] == '/') {
        const struct sockaddr_un address = socket_address(p->target, p->target_port);
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        return connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? fd : -1;
    }
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    if (getaddrinfo(p->target, p->target_port, &hints, &found) != 0)
        return -1;
    fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    const int status = connect(fd, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return status == 0 ? fd : -1;
}

/* --- links */

static void link_close(struct proxy *p, int i)
{
    if (p->links[i].client_fd < 0)
        return;
    (void)close(p->links[i].client_fd);
    (void)close(p->links[i].server_fd);
    p->links[i].client_fd = p->links[i].server_fd = -1;
}

static void link_drop(struct proxy *p, int i)
{
    if (p->links[i].client_fd < 0)
        return;
    ck_assert_int_lt(p->n_orphans, PROXY_LINKS_MAX);
    p->orphan_fds[p->n_orphans++] = p->links[i].server_fd;
    (void)close(p->links[i].client_fd);
    p->links[i].client_fd = p->links[i].server_fd = -1;
}

static void link_accept(struct proxy *p)
{
    const int client_fd = accept(p->listen_fd, NULL, NULL);
    int i = 0;
    while (i < PROXY_LINKS_MAX && p->links[i].client_fd >= 0)
        i++;
    const int server_fd = i < PROXY_LINKS_MAX && atomic_load(&p->mode) == PROXY_FORWARD ? server_connect(p) : -1;
    if (server_fd < 0) {
        (void)close(client_fd);
        return;
    }
    p->links[i].client_fd = client_fd;
    p->links[i].server_fd = server_fd;
}

static bool bytes_forward(int from, int to)
{
    char piece[PIECE_BYTES];
    const ssize_t n = read(from, piece, sizeof piece);
    return n > 0 && send(to, piece, (size_t)n, MSG_NOSIGNAL) == n;
}

static void link_turn(struct proxy *p, int i)
{
    struct pollfd fds[] = {{.fd = p->links[i].client_fd, .events = POLLIN}, {.fd = p->links[i].server_fd, .events = POLLIN}};
    if (fds[0].fd < 0 || poll(fds, 2, 0) <= 0)
        return;
    if ((fds[0].revents != 0 && !bytes_forward(fds[0].fd, fds[1].fd)) ||
        (fds[1].revents != 0 && !bytes_forward(fds[1].fd, fds[0].fd)))
        link_close(p, i);
}

/* --- the thread */

static void wait_for_news(const struct proxy *p)
{
    struct pollfd fds[1 + 2 * PROXY_LINKS_MAX] = {{.fd = p->listen_fd, .events = POLLIN}};
    for (int i = 0; i < PROXY_LINKS_MAX; i++) {
        fds[1 + 2 * i] = (struct pollfd){.fd = p->links[i].client_fd, .events = POLLIN};
        fds[2 + 2 * i] = (struct pollfd){.fd = p->links[i].server_fd, .events = POLLIN};
    }
    (void)poll(fds, ARRAY_LEN(fds), TURN_MS);
}

static void *proxy_thread(void *arg)
{
    struct proxy *const p = arg;
    while (!atomic_load(&p->is_stopping)) {
        struct pollfd listening = {.fd = p->listen_fd, .events = POLLIN};
        const int mode = atomic_load(&p->mode);
        if (mode == PROXY_HOLD) {
            (void)poll(NULL, 0, TURN_MS);
            continue;
        }
        wait_for_news(p);
        if (atomic_load(&p->is_dropping)) {
            for (int i = 0; i < PROXY_LINKS_MAX; i++)
                link_drop(p, i);
            atomic_store(&p->is_dropping, false);
        }
        if (poll(&listening, 1, 0) > 0)
            link_accept(p);
        for (int i = 0; i < PROXY_LINKS_MAX; i++)
            if (mode == PROXY_CUT)
                link_close(p, i);
            else
                link_turn(p, i);
    }
    return NULL;
}

/* --- starting and stopping */

/* Finds the server in the URL and makes the proxy's own of the rest. */
static void proxy_address(struct proxy *p, const char *url)
{
    PQconninfoOption *const options = PQconninfoParse(url, NULL);
    ck_assert_ptr_nonnull(options);
    int len = snprintf(p->url, sizeof p->url, "host='%s' port=5432", p->folder);
    (void)snprintf(p->target_port, sizeof p->target_port, "5432");
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        if (o->val == NULL)
            continue;
        if (strcmp(o->keyword, "host") == 0)
            (void)snprintf(p->target, sizeof p->target, "%s", o->val);
        else if (strcmp(o->keyword, "port") == 0)
            (void)snprintf(p->target_port, sizeof p->target_port, "%s", o->val);
        else
            len += snprintf(p->url + len, sizeof p->url - (size_t)len, " %s='%s'", o->keyword, o->val);
        ck_assert_int_lt(len, (int)sizeof p->url);
    }
    PQconninfoFree(options);
}

void proxy_start(struct proxy *p, const char *url)
{
    *p = (struct proxy){.folder = "/tmp/tracekin-proxy-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(p->folder));
    proxy_address(p, url);
    for (int i = 0; i < PROXY_LINKS_MAX; i++)
        p->links[i].client_fd = p->links[i].server_fd = -1;
    const struct sockaddr_un address = socket_address(p->folder, "5432");
    p->listen_fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(p->listen_fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(p->listen_fd, BACKLOG), 0);
    ck_assert_int_eq(pthread_create(&p->thread, NULL, proxy_thread, p), 0);
}

void proxy_set(struct proxy *p, enum proxy_mode mode)
{
    atomic_store(&p->mode, mode);
    (void)poll(NULL, 0, 4 * TURN_MS); /* for the thread to have seen it */
}

void proxy_drop(struct proxy *p)
{
    atomic_store(&p->is_dropping, true);
    while (atomic_load(&p->is_dropping))
        (void)poll(NULL, 0, TURN_MS);
}

void proxy_stop(struct proxy *p)
{
    const struct sockaddr_un address = socket_address(p->folder, "5432");
    atomic_store(&p->is_stopping, true);
    (void)pthread_join(p->thread, NULL);
    for (int i = 0; i < PROXY_LINKS_MAX; i++)
        link_close(p, i);
    while (p->n_orphans > 0)
        (void)close(p->orphan_fds[--p->n_orphans]);
    (void)close(p->listen_fd);
    (void)unlink(address.sun_path);
    (void)rmdir(p->folder);
}
