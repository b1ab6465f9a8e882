/* Request bodies in memory: kept up to a bound each and as far as the memory of requests goes, past which the rest is read and
 * thrown away, so that the client reads the refusal instead of a reset connection. */
#ifndef TRACEKIN_SERVICE_BODY_H
#define TRACEKIN_SERVICE_BODY_H

#include "service/http/request.h"

/* A body this many times larger than what may be kept is not read to its end. */
enum { SERVICE_DISCARD_FACTOR = 4 };

/* Refuses the request when its Content-Length is over the bound; before its body is read. */
void service_body_begin(struct service_request *r);
/* Keeps or throws away a piece; false when the connection must be closed because there is no end to it. */
bool service_body_take(struct service_request *r, struct str piece) MUST_USE;
/* Whether a body will be more than is read to its end. */
bool service_body_is_endless(const struct service_request *r, uint64_t n_bytes);

#endif
