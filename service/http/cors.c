#include "service/http/cors.h"

#include "core/attr.h"

#define ANY STR("*")
#define ALLOWED_HEADERS STR("Authorization, Content-Encoding, Content-Type, X-API-Key, X-Request-Id")
#define EXPOSED_HEADERS STR("Retry-After, WWW-Authenticate, X-Request-Id")
/* As long as any browser keeps it. */
#define MAX_AGE_S STR("7200")

/* "https://host" or "https://host:port" as browsers write it: lower case, no path. */
static bool is_origin(struct str text)
{
    static const char never[] = "/?#@*\\\"";
    struct str host = {0};
    const struct str scheme = str_split(text, ':', &host);
    if (!(str_equal(scheme, STR("http")) || str_equal(scheme, STR("https"))) || !str_starts_with(host, STR("//")))
        return false;
    for (size_t i = 2; i < host.len; i++) {
        const char c = host.ptr[i];
        if (c <= ' ' || c > '~' || (c >= 'A' && c <= 'Z') || memchr(never, c, sizeof never - 1) != NULL)
            return false;
    }
    return host.len > 2;
}

enum err service_cors_check(struct str origins, struct err_info *e)
{
    size_t n = 0;
    if (origins.len == 0 || str_equal(origins, ANY))
        return OK;
    for (struct str rest = origins; rest.ptr != NULL;) {
        const struct str origin = str_trim(str_split(rest, ',', &rest));
        if (++n > SERVICE_ORIGINS_MAX)
            return ERR_SET(e, ERR_INVALID, "there may be at most %d origins", SERVICE_ORIGINS_MAX);
        if (!is_origin(origin))
            return ERR_SET(e, ERR_INVALID, "'%.*s' is not an origin such as https://grafana.example.com or http://localhost:3000, in lower case "
                           "and without a path; * alone allows every page", STR_ARG(origin));
    }
    return OK;
}

static bool has_origin(struct str origins, struct str origin)
{
    while (origins.ptr != NULL)
        if (str_equal(str_trim(str_split(origins, ',', &origins)), origin))
            return true;
    return false;
}

size_t service_cors_headers(struct str origins, const struct service_cors_request *request,
                            struct service_cors_header out[SERVICE_CORS_HEADERS_MAX])
{
    size_t n = 0;
    if (origins.len == 0)
        return 0;
    const bool is_any = str_equal(origins, ANY);
    if (!is_any)
        out[n++] = (struct service_cors_header){"Vary", STR("Origin")};
    if (request->origin.len == 0 || !(is_any || has_origin(origins, request->origin)))
        return n;
    out[n++] = (struct service_cors_header){"Access-Control-Allow-Origin", is_any ? ANY : request->origin};
    if (!request->is_preflight) {
        out[n++] = (struct service_cors_header){"Access-Control-Expose-Headers", EXPOSED_HEADERS};
        return n;
    }
    if (request->methods.ptr != NULL)
        out[n++] = (struct service_cors_header){"Access-Control-Allow-Methods", request->methods};
    out[n++] = (struct service_cors_header){"Access-Control-Allow-Headers", ALLOWED_HEADERS};
    out[n++] = (struct service_cors_header){"Access-Control-Max-Age", MAX_AGE_S};
    return n;
}
