#include "service/command/tls_client.h"

#include <gnutls/gnutls.h>

#include "core/mem.h"

struct service_tls_client {
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
};

static bool client_start(struct service_tls_client *c, int fd)
{
    if (gnutls_certificate_allocate_credentials(&c->credentials) != GNUTLS_E_SUCCESS ||
        gnutls_init(&c->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) != GNUTLS_E_SUCCESS)
        return false;
    gnutls_transport_set_int(c->session, fd);
    return gnutls_set_default_priority(c->session) == GNUTLS_E_SUCCESS &&
           gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->credentials) == GNUTLS_E_SUCCESS;
}

enum err service_tls_client_new(int fd, struct service_tls_client **out, struct err_info *e)
{
    struct service_tls_client *const c = mem_calloc(1, sizeof *c);
    if (c == NULL)
        return ERR_SET_NOMEM(e);
    if (!client_start(c, fd)) {
        service_tls_client_free(c);
        return ERR_SET_NOMEM(e);
    }
    *out = c;
    return OK;
}

void service_tls_client_free(struct service_tls_client *c)
{
    if (c == NULL)
        return;
    if (c->session != NULL)
        gnutls_deinit(c->session);
    if (c->credentials != NULL)
        gnutls_certificate_free_credentials(c->credentials);
    mem_free(c);
}

/* A session ticket that comes between is GNUTLS_E_AGAIN too. */
static ssize_t answer_of(const struct service_tls_client *c, ssize_t code)
{
    if (code >= 0)
        return code;
    if (code != GNUTLS_E_AGAIN && code != GNUTLS_E_INTERRUPTED)
        return SERVICE_TLS_FAILED;
    return gnutls_record_get_direction(c->session) == 0 ? SERVICE_TLS_WANTS_READ : SERVICE_TLS_WANTS_WRITE;
}

ssize_t service_tls_client_handshake(struct service_tls_client *c)
{
    int code;
    do
        code = gnutls_handshake(c->session);
    while (code < 0 && code != GNUTLS_E_AGAIN && gnutls_error_is_fatal(code) == 0);
    return answer_of(c, code);
}

ssize_t service_tls_client_send(struct service_tls_client *c, const void *bytes, size_t len)
{
    return answer_of(c, gnutls_record_send(c->session, bytes, len));
}

ssize_t service_tls_client_recv(struct service_tls_client *c, void *bytes, size_t len)
{
    const ssize_t n = gnutls_record_recv(c->session, bytes, len);
    return n == GNUTLS_E_PREMATURE_TERMINATION ? 0 : answer_of(c, n);
}
