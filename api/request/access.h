/* Who may ask: whether a request brings an API key that may do what its route does. Any thread; nothing blocks.
 *
 * Without a keyring everybody may read and ingest, and nobody is admin. */
#ifndef TRACEKIN_API_ACCESS_H
#define TRACEKIN_API_ACCESS_H

#include "api/request/keyring.h"
#include "api/request/route.h"

/* Header values as they were sent, absent when they were not. */
struct api_credentials {
    struct str authorization, api_key;
};

/* Who asks, as far as that was asked for. */
struct api_caller {
    char key_name[API_KEY_NAME_MAX + 1]; /* "" without a key */
    bool has_rate;                       /* its key has a rate of its own */
    struct bucket_rate rate;
};

/* ERR_UNAUTHENTICATED without a key or with one that is not in the ring, whatever is wrong with it; ERR_FORBIDDEN when the key
 * may not do that. e->parameter names the header that was sent, if any was; no message tells any of it. ring may be NULL. */
enum err api_access_check(const struct api_keyring *ring, const struct api_route *route, const struct api_credentials *given,
                          struct api_caller *caller, struct err_info *e) MUST_USE;

/* The token of an Authorization header of the scheme Bearer (RFC 6750), which may be empty; absent when it is of another. */
struct str api_bearer_token(struct str authorization);

#endif
