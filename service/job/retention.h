/* The retention's thread: at start and every hour it makes partitions ahead and, with a retention set, removes what is older. */
#ifndef TRACEKIN_SERVICE_RETENTION_H
#define TRACEKIN_SERVICE_RETENTION_H

#include "core/err.h"

#include <stdint.h>

struct service_retention;

/* retention_ns 0: nothing is removed. */
enum err service_retention_start(const char *url, int64_t retention_ns, struct service_retention **out,
                                 struct err_info *e) MUST_USE;
void service_retention_stop(struct service_retention *r);

#endif
