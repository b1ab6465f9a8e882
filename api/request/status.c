#include "api/request/status.h"

#include <string.h>

/* No default: a new code does not compile until it has a status. */
static struct api_status status_of(enum err code)
{
    switch (code) {
    case OK: return (struct api_status){200, "OK", NULL};
    case ERR_INVALID: return (struct api_status){400, "Bad Request", NULL};
    case ERR_UNAUTHENTICATED: return (struct api_status){401, "Unauthorized", NULL};
    case ERR_FORBIDDEN: return (struct api_status){403, "Forbidden", NULL};
    case ERR_RATE: return (struct api_status){429, "Too Many Requests", "1"}; /* no limit is below one a second */
    case ERR_NOT_FOUND: return (struct api_status){404, "Not Found", NULL};
    case ERR_TOO_LARGE: return (struct api_status){413, "Content Too Large", NULL};
    case ERR_UNSUPPORTED: return (struct api_status){415, "Unsupported Media Type", NULL};
    case ERR_BUSY: return (struct api_status){503, "Service Unavailable", "1"};
    case ERR_TIMEOUT: return (struct api_status){504, "Gateway Timeout", NULL};
    case ERR_CANCELLED: return (struct api_status){503, "Service Unavailable", "1"};
    case ERR_OUTCOME_UNKNOWN: return (struct api_status){503, "Service Unavailable", "1"};
    case ERR_UNAVAILABLE: return (struct api_status){503, "Service Unavailable", "5"};
    case ERR_NOMEM: return (struct api_status){503, "Service Unavailable", "5"};
    case ERR_INTERNAL: return (struct api_status){500, "Internal Server Error", NULL};
    }
    return (struct api_status){500, "Internal Server Error", NULL};
}

int api_status_of(enum err code)
{
    return status_of(code).code;
}

/* What HTTP tells apart by more than the code. */
static const struct {
    enum err code;
    const char *parameter;
    struct api_status status;
} of_parameters[] = {
    {ERR_UNSUPPORTED, "method", {405, "Method Not Allowed", NULL}},
    {ERR_TOO_LARGE, "answer", {422, "Unprocessable Content", NULL}},
    {ERR_TOO_LARGE, "target", {414, "URI Too Long", NULL}},
    {ERR_TOO_LARGE, "headers", {431, "Request Header Fields Too Large", NULL}},
};

struct api_status api_status_of_error(const struct err_info *e)
{
    for (size_t i = 0; i < ARRAY_LEN(of_parameters); i++)
        if (e->code == of_parameters[i].code && strcmp(e->parameter, of_parameters[i].parameter) == 0)
            return of_parameters[i].status;
    return status_of(e->code);
}
