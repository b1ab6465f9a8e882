/* POST requests to one HTTP server, by libcurl: with a deadline, cancelled like a statement, and with a bound on the reply.
 *
 * api_http_new makes it, api_http_free frees it; connections are kept and used again. No redirect is followed, only http and
 * https are spoken, certificates are verified, link-local addresses (api/embed/peer.h) are not connected to unless that is allowed;
 * proxies are those of the environment, as libcurl reads it, and then it is the proxy that is connected to. Any thread; each
 * call has a connection of its own and blocks its caller alone. */
#ifndef TRACEKIN_API_HTTP_H
#define TRACEKIN_API_HTTP_H

#include "db/session/conn.h"

struct api_http;

struct api_http_request {
    const char *url;
    const char *authorization; /* a whole header line; NULL for none */
    struct str json;           /* the body */
    int64_t timeout_ns;
};

struct api_http_reply {
    int status;
    int64_t retry_after_ns; /* 0: not told */
    struct buf *body;       /* borrowed; its bound is the reply's */
};

enum err api_http_new(bool allows_link_local, struct api_http **out, struct err_info *e) MUST_USE;
void api_http_free(struct api_http *h);
/* Any status is OK. ERR_TIMEOUT at the timeout or the wait's deadline, ERR_CANCELLED, ERR_UNAVAILABLE when there was no
 * connection or it broke, ERR_FORBIDDEN when there was only a link-local address to connect to, ERR_TOO_LARGE when the reply
 * did not fit, ERR_NOMEM. libcurl's words are in e->detail. */
enum err api_http_post(struct api_http *h, const struct db_wait *wait, const struct api_http_request *request,
                       struct api_http_reply *reply, struct err_info *e) MUST_USE;

/* Sleeps until the instant or the wait's deadline; ERR_CANCELLED when the wait is cancelled. */
enum err api_http_pause(const struct db_wait *wait, int64_t until_ns, struct err_info *e) MUST_USE;

#endif
