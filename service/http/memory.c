#include "service/http/memory.h"

#include <malloc.h>

#include "core/metrics.h"

static const struct metric_family used_bytes = {
    "tracekin_request_memory_bytes", METRIC_GAUGE, "Memory of requests and their replies now."};
static const struct metric_family max_bytes = {
    "tracekin_request_memory_max_bytes", METRIC_GAUGE, "What that may be at most, by TRACEKIN_MEMORY_MAX_BYTES."};

static void memory_show(void *arg)
{
    const struct service_memory *const m = arg;
    metric_set(metrics_series(&used_bytes, ""), (double)atomic_load(&m->budget.used_bytes));
    metric_set(metrics_series(&max_bytes, ""), (double)m->budget.max_bytes);
}

/* The C library would raise the size from which a block is mapped to that of the largest freed so far, up to 32 MiB, and keep what
 * is smaller in the heap of whichever thread asked: several times what the budget allows stays resident after a few large bodies. */
void service_memory_return_freed(void)
{
    enum { MAPPED_MIN_BYTES = 1 << 20, KEPT_MAX_BYTES = 2 << 20 }; /* the latter of each heap */
    /* There is no other thread yet. NOLINTBEGIN(concurrency-mt-unsafe) */
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_MIN_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_MAX_BYTES);
    /* NOLINTEND(concurrency-mt-unsafe) */
}

void service_memory_init(struct service_memory *m, const struct service_config *config)
{
    budget_init(&m->budget, (size_t)config->memory_max_bytes);
    m->request_max_bytes = (size_t)service_config_request_bytes(config);
    metrics_add_hook(memory_show, m);
}
