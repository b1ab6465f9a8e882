#include "service/http/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "service/http/traffic.h"
#include "service/process/wake.h"

enum { BACKLOG = 1024, BACK_OFF_MS = 100 };

struct service_listener {
    struct service_engine *engine;
    size_t n_connections_max;
    bool is_plain; /* not TLS */
    pthread_t thread;
    int fd;
    int stop_fd;
    int ping_fd, pong_fd; /* who asks whether it turns writes the first, it the second */
};

/* Plain text would be noise to one who speaks TLS. */
static void listener_turn_away(int fd, bool is_plain)
{
    static const char reply[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
                                "Connection: close\r\n\r\n";
    if (is_plain)
        (void)send(fd, reply, sizeof reply - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)close(fd);
    service_traffic_rejected(REJECTED_CONNECTIONS);
}

/* Whether the failure was of one connection, or there is none: nothing to wait for but the next. */
static bool is_passing(int error)
{
    return error == EAGAIN || error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM;
}

/* Returns whether the loop may go on at once. */
static bool listener_accept(struct service_listener *l)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    const int fd = accept4(l->fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return is_passing(errno);
    if (service_engine_n_connections(l->engine) >= l->n_connections_max)
        listener_turn_away(fd, l->is_plain);
    else
        (void)service_engine_add(l->engine, fd, (struct sockaddr *)&address, len);
    return true;
}

static void listener_pong(const struct service_listener *l)
{
    eventfd_t n_pings = 0;
    if (eventfd_read(l->ping_fd, &n_pings) == 0)
        service_wake(l->pong_fd);
}

/* Waits for a connection or the end; the end is true. */
static bool listener_wait(const struct service_listener *l, bool backs_off)
{
    struct pollfd fds[] = {{.fd = l->stop_fd, .events = POLLIN}, {.fd = l->ping_fd, .events = POLLIN}, {.fd = l->fd, .events = POLLIN}};
    (void)poll(fds, backs_off ? 2 : 3, backs_off ? BACK_OFF_MS : -1);
    listener_pong(l);
    return fds[0].revents != 0;
}

static void *listener_run(void *arg)
{
    struct service_listener *l = arg;
    bool backs_off = false;
    (void)pthread_setname_np(pthread_self(), "tk-listener");
    while (!listener_wait(l, backs_off)) {
        const bool was_fine = !backs_off;
        backs_off = !listener_accept(l);
        if (backs_off && was_fine)
            LOG(LOG_WARN, "accept_failed", LOG_CSTR("help", "the process is out of files or memory: raise its limit of open files"));
    }
    return NULL;
}

static enum err listener_refuse(const struct service_address *address, int error, struct err_info *e)
{
    char text[SERVICE_ADDRESS_TEXT_MAX], why[64] = "";
    service_address_print(address, text);
    return ERR_SET(e, ERR_INVALID, "TRACEKIN_LISTEN is %s, where nothing can listen now (%s): choose another address", text,
                   strerror_r(error, why, sizeof why));
}

static enum err listener_bind(struct service_listener *l, const struct service_address *address, struct service_address *bound,
                              struct err_info *e)
{
    const int on = 1;
    l->fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return listener_refuse(address, errno, e);
    (void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(l->fd, (const struct sockaddr *)&address->storage, address->len) != 0 || listen(l->fd, BACKLOG) != 0)
        return listener_refuse(address, errno, e);
    bound->len = sizeof bound->storage;
    (void)getsockname(l->fd, (struct sockaddr *)&bound->storage, &bound->len);
    return OK;
}

static void listener_close(struct service_listener *l)
{
    if (l->fd >= 0)
        (void)close(l->fd);
    if (l->stop_fd >= 0)
        (void)close(l->stop_fd);
    if (l->ping_fd >= 0)
        (void)close(l->ping_fd);
    if (l->pong_fd >= 0)
        (void)close(l->pong_fd);
    mem_free(l);
}

enum err service_listener_new(const struct service_config *config, struct service_engine *engine, struct service_address *bound,
                              struct service_listener **out, struct err_info *e)
{
    struct service_listener *l = mem_calloc(1, sizeof *l);
    if (l == NULL)
        return ERR_SET_NOMEM(e);
    *l = (struct service_listener){.engine = engine, .n_connections_max = (size_t)config->n_connections_max,
                                    .is_plain = config->tls_cert_file.len == 0, .fd = -1};
    l->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->ping_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->pong_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum err code = listener_bind(l, &config->listen, bound, e);
    if (code == OK && (l->stop_fd < 0 || l->ping_fd < 0 || l->pong_fd < 0 || pthread_create(&l->thread, NULL, listener_run, l) != 0))
        code = ERR_SET(e, ERR_INTERNAL, "the listener's thread cannot be started: raise the limits of files and threads");
    if (code == OK)
        *out = l;
    else
        listener_close(l);
    return code;
}

bool service_listener_answers(struct service_listener *listener, int64_t deadline_ns)
{
    eventfd_t n_pongs = 0;
    struct pollfd pong = {.fd = listener->pong_fd, .events = POLLIN};
    (void)eventfd_read(listener->pong_fd, &n_pongs);
    service_wake(listener->ping_fd);
    return poll(&pong, 1, clock_left_ms(deadline_ns)) == 1;
}

void service_listener_free(struct service_listener *listener)
{
    if (listener == NULL)
        return;
    service_wake(listener->stop_fd);
    (void)pthread_join(listener->thread, NULL);
    listener_close(listener);
}
