/* Which web pages may read the answers: cross-origin resource sharing, as browsers ask for it (the Fetch standard). Credentials are
 * never allowed: a page has to send its API key itself. Pure; texts are borrowed. */
#ifndef TRACEKIN_SERVICE_CORS_H
#define TRACEKIN_SERVICE_CORS_H

#include "core/err.h"
#include "core/str.h"

enum { SERVICE_ORIGINS_MAX = 64, SERVICE_CORS_HEADERS_MAX = 5 };

struct service_cors_header {
    const char *name;
    struct str value;
};

/* What a request says. */
struct service_cors_request {
    struct str origin;
    bool is_preflight; /* OPTIONS with Access-Control-Request-Method */
    struct str methods; /* of its path, for a preflight; absent when there is no such path */
};

/* Whether a list of origins ("https://grafana.example.com, http://localhost:3000"), or * alone, is one. ERR_INVALID says what is
 * wrong; an empty list allows no page. */
enum err service_cors_check(struct str origins, struct err_info *e) MUST_USE;
/* The headers of the reply to a request; returns how many. */
size_t service_cors_headers(struct str origins, const struct service_cors_request *request,
                            struct service_cors_header out[SERVICE_CORS_HEADERS_MAX]);

#endif
