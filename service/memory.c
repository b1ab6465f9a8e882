#include "service/memory.h"

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

void service_memory_init(struct service_memory *m, const struct service_config *config)
{
    budget_init(&m->budget, (size_t)config->memory_max_bytes);
    m->request_max_bytes = (size_t)service_config_request_bytes(config);
    metrics_add_hook(memory_show, m);
}
