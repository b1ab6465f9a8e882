/* The header fields of one request that matter here, and what is refused by them alone: a request whose end a proxy in front
 * could see elsewhere (RFC 9112 sections 3.2, 6.1 to 6.3) must never be answered on a connection that stays open.
 *
 * Pure; texts are borrowed. */
#ifndef TRACEKIN_SERVICE_HEAD_H
#define TRACEKIN_SERVICE_HEAD_H

#include "core/err.h"
#include "core/str.h"

enum { SERVICE_REQUEST_ID_MAX = 64, SERVICE_FORWARDED_MAX = 8 };
/* Of the target, which may hold as long a query as api/request/params.h allows; of the header fields together; and of fields, cookies and
 * parameters of the query together. */
enum { SERVICE_TARGET_MAX_BYTES = 18 << 10, SERVICE_FIELDS_MAX_BYTES = 16 << 10, SERVICE_VALUES_MAX = 128 };

struct service_head {
    bool is_http_1_0;
    bool is_target_malformed; /* it holds a space or a control character */
    bool is_malformed; /* a field has a name or a value that none may have, or there is more than fields */
    const char *at;    /* where the next field must lie; NULL: anywhere */
    size_t target_bytes, n_bytes, n_values; /* what these are of; the last is set by who reads the request */
    size_t n_host, n_content_length, n_transfer_encoding, n_content_type, n_content_encoding, n_authorization, n_api_key;
    struct str content_length, transfer_encoding, content_type, content_encoding, accept, authorization, api_key, expect, request_id;
    struct str origin, preflight_method; /* of cross-origin requests */
    size_t n_forwarded;                  /* of the fields X-Forwarded-For, the last of which are here, i modulo their number */
    struct str forwarded[SERVICE_FORWARDED_MAX];
};

/* Takes the target of the request line in. */
void service_head_set_target(struct service_head *h, struct str target);
/* Tells where the request line, and then the whole head, lie in memory: fields are added from there, in order, each with the zeros
 * that its reader put in place of the end of its line, up to end. Whatever lies between, a NUL, a line that is folded or that ends
 * in a lone LF, makes the head malformed: it is read differently elsewhere. Not called: nothing is known of that. */
void service_head_begin(struct service_head *h, struct str method, struct str target, struct str version);
void service_head_end(struct service_head *h, const char *end);
/* Takes one field in; names compare without case. */
void service_head_add(struct service_head *h, struct str name, struct str value);
/* ERR_INVALID, naming the header, when the request is ambiguous: answer and close. */
enum err service_head_check(const struct service_head *h, struct err_info *e) MUST_USE;
/* ERR_TOO_LARGE, whose parameter is target or headers, past the bounds above: answer and close. */
enum err service_head_check_size(const struct service_head *h, struct err_info *e) MUST_USE;
/* Whether a body follows. */
bool service_head_has_body(const struct service_head *h);
/* Content-Length, 0 when there is none; only after service_head_check. */
uint64_t service_head_content_length(const struct service_head *h);
/* The values of X-Forwarded-For, the last SERVICE_FORWARDED_MAX of them, in their order; returns how many. */
size_t service_head_forwarded(const struct service_head *h, struct str out[SERVICE_FORWARDED_MAX]);
/* Whether the client waits for a go-ahead before it sends the body. */
bool service_head_expects_continue(const struct service_head *h);
/* Whether a client's X-Request-Id may be kept: 1 to 64 of A-Z a-z 0-9 . _ - */
bool service_head_is_request_id(struct str id);

#endif
