/* The other side of TLS, for the probe of a container (service/command/healthcheck.h): over a socket that does not block, with any
 * certificate. The probe asks its own machine whether the service is up, by an address that the certificate need not name. One
 * thread. */
#ifndef TRACEKIN_SERVICE_TLS_CLIENT_H
#define TRACEKIN_SERVICE_TLS_CLIENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/err.h"

struct service_tls_client;

/* What a call answers instead of a number of bytes. */
enum { SERVICE_TLS_WANTS_READ = -1, SERVICE_TLS_WANTS_WRITE = -2, SERVICE_TLS_FAILED = -3 };

/* The socket is borrowed. ERR_NOMEM. */
enum err service_tls_client_new(int fd, struct service_tls_client **out, struct err_info *e) MUST_USE;
void service_tls_client_free(struct service_tls_client *c);
/* 0 when it is done. After SERVICE_TLS_WANTS_..., each is called again with the same when the socket is ready. */
ssize_t service_tls_client_handshake(struct service_tls_client *c);
ssize_t service_tls_client_send(struct service_tls_client *c, const void *bytes, size_t len);
/* 0 at the end. */
ssize_t service_tls_client_recv(struct service_tls_client *c, void *bytes, size_t len);

#endif
