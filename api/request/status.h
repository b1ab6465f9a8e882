/* The HTTP status of errors. Pure. */
#ifndef TRACEKIN_API_STATUS_H
#define TRACEKIN_API_STATUS_H

#include "core/err.h"

struct api_status {
    int code;
    const char *title;
    const char *retry_after; /* seconds, NULL when trying again is useless */
};

/* By the code, and by the parameter at fault where HTTP tells more apart: "method" (405), "target" (414), "headers" (431), and
 * "answer" (422), which asks for more than a request may have. */
struct api_status api_status_of_error(const struct err_info *e);
/* By the code alone. */
int api_status_of(enum err code);

#endif
