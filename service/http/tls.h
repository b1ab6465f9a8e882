/* TLS: the certificate that the service shows, and how it is replaced while the service runs.
 *
 * Each connection holds the certificate it began with until it ends, so that a new one disturbs none. libmicrohttpd does the rest:
 * its handshakes are of its threads, never block, and have the time that a request's header has. */
#ifndef TRACEKIN_SERVICE_TLS_H
#define TRACEKIN_SERVICE_TLS_H

#include "service/setting/config.h"

/* TLS 1.2 and 1.3; only with forward secrecy and authenticated encryption. */
#define SERVICE_TLS_PRIORITIES                                                                                     \
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:+DHE-RSA:-MAC-ALL:+AEAD:%SERVER_PRECEDENCE"

struct service_tls;
struct service_tls_cert; /* one certificate with its key */

/* Whether the files of the settings can be used; OK when there are none. ERR_INVALID says which is wrong and how. */
enum err service_tls_check(const struct service_config *c, struct err_info *e) MUST_USE;
/* Fails as the check does; *out is NULL when there are no files. */
enum err service_tls_new(const struct service_config *c, struct service_tls **out, struct err_info *e) MUST_USE;
/* When all connections have ended. */
void service_tls_free(struct service_tls *t);

/* Reads the files again; connections that begin from now on see what is in them. What cannot be used is logged, and the old
 * certificate stays. NULL is none. Any thread. */
void service_tls_reload(struct service_tls *t);

/* What the files held at the start, NUL-terminated PEM, for as long as it lives. */
const char *service_tls_first_cert(const struct service_tls *t);
const char *service_tls_first_key(const struct service_tls *t);

/* Gives a session that has not begun its handshake (a gnutls_session_t) the present certificate, which is held until
 * service_tls_release. Any thread. */
struct service_tls_cert *service_tls_acquire(struct service_tls *t, void *session);
/* NULL is none. The session must have been freed. Any thread. */
void service_tls_release(struct service_tls_cert *cert);

#endif
