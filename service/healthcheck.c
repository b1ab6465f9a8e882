#include "service/healthcheck.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "core/clock.h"

enum { REPLY_MAX_BYTES = 4096 };

struct probe {
    int fd;
    int64_t deadline_ns;
    char text[SERVICE_ADDRESS_TEXT_MAX];
};

static void probe_auto(struct probe *p)
{
    if (p->fd >= 0)
        (void)close(p->fd);
}

static enum err probe_wait(const struct probe *p, short events, struct err_info *e)
{
    struct pollfd fd = {.fd = p->fd, .events = events};
    if (poll(&fd, 1, clock_left_ms(p->deadline_ns)) == 1)
        return OK;
    return ERR_SET(e, ERR_TIMEOUT, "no answer from %s within %d ms", p->text, SERVICE_HEALTHCHECK_TIMEOUT_MS);
}

static enum err probe_connect(const struct probe *p, const struct service_address *address, struct err_info *e)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (connect(p->fd, (const struct sockaddr *)&address->storage, address->len) == 0)
        return OK;
    if (errno == EINPROGRESS) {
        TRY(probe_wait(p, POLLOUT, e));
        if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)
            return OK;
    }
    return ERR_SET(e, ERR_UNAVAILABLE, "nothing listens at %s; TRACEKIN_LISTEN says where to look", p->text);
}

static enum err probe_ask(const struct probe *p, struct err_info *e)
{
    char request[256];
    const int len = snprintf(request, sizeof request, "GET /readyz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", p->text);
    if (send(p->fd, request, (size_t)len, MSG_NOSIGNAL) == len)
        return OK;
    return ERR_SET(e, ERR_UNAVAILABLE, "%s closed the connection", p->text);
}

/* The whole reply, up to the bound. */
static enum err probe_read(const struct probe *p, char reply[REPLY_MAX_BYTES], size_t *len, struct err_info *e)
{
    size_t have = 0;
    while (have < REPLY_MAX_BYTES) {
        TRY(probe_wait(p, POLLIN, e));
        const ssize_t n = recv(p->fd, reply + have, REPLY_MAX_BYTES - have, 0);
        if (n < 0)
            return ERR_SET(e, ERR_UNAVAILABLE, "%s closed the connection", p->text);
        if (n == 0)
            break;
        have += (size_t)n;
    }
    *len = have;
    return OK;
}

enum err service_healthcheck(const struct service_address *address, struct err_info *e)
{
    const struct service_address reach = service_address_reach(address);
    AUTO(probe) struct probe p = {.deadline_ns = clock_mono_ns() + SERVICE_HEALTHCHECK_TIMEOUT_MS * NS_PER_MS};
    service_address_print(&reach, p.text);
    p.fd = socket(reach.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p.fd < 0)
        return ERR_SET(e, ERR_INTERNAL, "no socket can be made: raise the limit of open files");
    char bytes[REPLY_MAX_BYTES];
    size_t len = 0;
    TRY(probe_connect(&p, &reach, e));
    TRY(probe_ask(&p, e));
    TRY(probe_read(&p, bytes, &len, e));
    const struct str reply = {bytes, len};
    if (str_starts_with(reply, STR("HTTP/1.1 200 ")))
        return OK;
    const char *end = len == 0 ? NULL : memmem(bytes, len, "\r\n\r\n", 4);
    const struct str body = end == NULL ? reply : (struct str){end + 4, (size_t)(bytes + len - end) - 4};
    return ERR_SET(e, ERR_UNAVAILABLE, "%s is not ready: %.*s", p.text, STR_ARG(body));
}
