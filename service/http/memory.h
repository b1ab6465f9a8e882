/* The memory of requests: their bodies, compressed and not, what they are decoded to, and the replies until they are taken.
 *
 * All together have TRACEKIN_MEMORY_MAX_BYTES, past which a request is answered 503; one has a multiple of
 * TRACEKIN_BODY_MAX_BYTES, past which it is 413. Made by the engine; any thread. */
#ifndef TRACEKIN_SERVICE_MEMORY_H
#define TRACEKIN_SERVICE_MEMORY_H

#include "core/budget.h"
#include "service/setting/config.h"

struct service_memory {
    struct budget budget;
    size_t request_max_bytes;
};

/* What is freed of large blocks goes back to the system from now on, in the whole process. Before other threads start. */
void service_memory_return_freed(void);
/* Shown in the metrics from now on, so it must live as long as they are asked for. */
void service_memory_init(struct service_memory *m, const struct service_config *config);

#endif
