/* Who may ask: whether a request brings the secret that a route is kept for. Any thread; nothing blocks.
 *
 * There is one such secret yet, the admin's token. */
#ifndef TRACEKIN_API_ACCESS_H
#define TRACEKIN_API_ACCESS_H

#include "api/req.h"

/* ERR_FORBIDDEN when the service has no admin token, so that nobody may; ERR_UNAUTHENTICATED without it, or with another. */
enum err api_access_admin(const struct api_req *req, struct err_info *e) MUST_USE;

/* The token of an Authorization header of the scheme Bearer (RFC 6750), absent when it is none. */
struct str api_bearer_token(struct str authorization);
/* Whether two secrets are equal, in a time that tells nothing but the length of the one given. */
bool api_secret_equal(struct str given, struct str wanted);

#endif
