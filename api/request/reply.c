#include "api/request/req.h"

bool api_reply_header(struct api_reply *reply, const char *name, struct str value)
{
    if (reply->n_headers == API_HEADERS_MAX)
        return false;
    reply->headers[reply->n_headers++] = (struct api_header){name, value};
    return true;
}
