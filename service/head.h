/* The header fields of one request that matter here, and what is refused by them alone: a request whose end a proxy in front
 * could see elsewhere (RFC 9112 sections 3.2, 6.1 to 6.3) must never be answered on a connection that stays open.
 *
 * Pure; texts are borrowed. */
#ifndef TRACEKIN_SERVICE_HEAD_H
#define TRACEKIN_SERVICE_HEAD_H

#include "core/err.h"
#include "core/str.h"

enum { SERVICE_REQUEST_ID_MAX = 64 };

struct service_head {
    bool is_http_1_0;
    bool is_malformed; /* a field has a name or a value that none may have */
    size_t n_host, n_content_length, n_transfer_encoding, n_content_type, n_content_encoding, n_authorization;
    struct str content_length, transfer_encoding, content_type, content_encoding, accept, authorization, expect, request_id;
};

/* Takes one field in; names compare without case. */
void service_head_add(struct service_head *h, struct str name, struct str value);
/* ERR_INVALID, naming the header, when the request is ambiguous: answer and close. */
enum err service_head_check(const struct service_head *h, struct err_info *e) MUST_USE;
/* Whether a body follows. */
bool service_head_has_body(const struct service_head *h);
/* Content-Length, 0 when there is none; only after service_head_check. */
uint64_t service_head_content_length(const struct service_head *h);
/* Whether the client waits for a go-ahead before it sends the body. */
bool service_head_expects_continue(const struct service_head *h);
/* Whether a client's X-Request-Id may be kept: 1 to 64 of A-Z a-z 0-9 . _ - */
bool service_head_is_request_id(struct str id);

#endif
