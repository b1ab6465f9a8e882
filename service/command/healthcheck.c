#include "service/command/healthcheck.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "core/clock.h"
#include "service/command/tls_client.h"

enum { REPLY_MAX_BYTES = 4096 };

struct probe {
    int fd;
    struct service_tls_client *tls; /* NULL: none */
    int64_t deadline_ns;
    char text[SERVICE_ADDRESS_TEXT_MAX];
};

static void probe_auto(struct probe *p)
{
    service_tls_client_free(p->tls);
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

static enum err probe_closed(const struct probe *p, struct err_info *e)
{
    return ERR_SET(e, ERR_UNAVAILABLE, "%s closed the connection", p->text);
}

static enum err probe_handshake(const struct probe *p, struct err_info *e)
{
    ssize_t n = 0;
    while (p->tls != NULL && (n = service_tls_client_handshake(p->tls)) != 0) {
        if (n == SERVICE_TLS_FAILED)
            return ERR_SET(e, ERR_UNAVAILABLE, "%s does not speak TLS, which TRACEKIN_TLS_CERT_FILE asks for", p->text);
        TRY(probe_wait(p, n == SERVICE_TLS_WANTS_READ ? POLLIN : POLLOUT, e));
    }
    return OK;
}

/* The request fits what a new connection takes at once. */
static enum err probe_ask(const struct probe *p, struct err_info *e)
{
    char request[256];
    const int len = snprintf(request, sizeof request, "GET /readyz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", p->text);
    const ssize_t n = p->tls != NULL ? service_tls_client_send(p->tls, request, (size_t)len)
                                     : send(p->fd, request, (size_t)len, MSG_NOSIGNAL);
    return n == len ? OK : probe_closed(p, e);
}

/* What has come already is taken before the socket is waited for: TLS may hold some. */
static enum err probe_recv(const struct probe *p, char *bytes, size_t size, size_t *n_out, struct err_info *e)
{
    for (;;) {
        const ssize_t n = p->tls != NULL ? service_tls_client_recv(p->tls, bytes, size) : recv(p->fd, bytes, size, 0);
        const bool is_early = p->tls != NULL ? n == SERVICE_TLS_WANTS_READ : n < 0 && errno == EAGAIN;
        if (n < 0 && !is_early)
            return probe_closed(p, e);
        if (n >= 0) {
            *n_out = (size_t)n;
            return OK;
        }
        TRY(probe_wait(p, POLLIN, e));
    }
}

/* The whole reply, up to the bound. */
static enum err probe_read(const struct probe *p, char reply[REPLY_MAX_BYTES], size_t *len, struct err_info *e)
{
    size_t have = 0;
    for (size_t n = 1; have < REPLY_MAX_BYTES && n > 0; have += n)
        TRY(probe_recv(p, reply + have, REPLY_MAX_BYTES - have, &n, e));
    *len = have;
    return OK;
}

enum err service_healthcheck(const struct service_address *address, bool by_tls, struct err_info *e)
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
    if (by_tls)
        TRY(service_tls_client_new(p.fd, &p.tls, e));
    TRY(probe_handshake(&p, e));
    TRY(probe_ask(&p, e));
    TRY(probe_read(&p, bytes, &len, e));
    const struct str reply = {bytes, len};
    if (str_starts_with(reply, STR("HTTP/1.1 200 ")))
        return OK;
    const char *end = len == 0 ? NULL : memmem(bytes, len, "\r\n\r\n", 4);
    const struct str body = end == NULL ? reply : (struct str){end + 4, (size_t)(bytes + len - end) - 4};
    return ERR_SET(e, ERR_UNAVAILABLE, "%s is not ready: %.*s", p.text, STR_ARG(body));
}
