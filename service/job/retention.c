#include "service/job/retention.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "db/schema/retention.h"
#include "service/job/background.h"

enum { STEP_TIMEOUT_S = 600, PERIOD_MS = 3600 * 1000, RETRY_MS = 10 * 1000 };

static const struct metric_family n_dropped = {"tracekin_retention_partitions_dropped_total", METRIC_COUNTER,
                                               "Day partitions dropped because they were older than the retention."};
static const struct metric_family n_deleted = {"tracekin_retention_rows_deleted_total", METRIC_COUNTER,
                                               "Traces, errors, operations and patterns deleted for the same reason."};
static const struct metric_family n_failures = {"tracekin_retention_failures_total", METRIC_COUNTER,
                                                "Runs of the retention that failed and will be tried again."};

struct service_retention {
    int64_t retention_ns;
    struct service_background *thread;
    struct metric *n_dropped, *n_deleted, *n_failures;
};

static enum err clean(struct service_retention *r, struct db_conn *conn, const struct db_wait *wait, int64_t now_ns,
                      struct err_info *e)
{
    struct db_retained done = {0};
    bool is_leader = false;
    const enum err code = db_retention_run(conn, wait, now_ns - r->retention_ns, &is_leader, &done, e);
    const int64_t n_rows = done.n_traces + done.n_errors + done.n_operations + done.n_patterns;
    metric_add(r->n_dropped, (uint64_t)done.n_partitions);
    metric_add(r->n_deleted, (uint64_t)n_rows);
    if (done.n_partitions > 0 || n_rows > 0)
        LOG(LOG_INFO, "retention_removed", LOG_INT("partitions", done.n_partitions), LOG_INT("traces", done.n_traces),
            LOG_INT("errors", done.n_errors));
    return code;
}

static int step(void *arg, struct db_conn *conn, const struct db_wait *wait)
{
    struct service_retention *const r = arg;
    struct err_info e = {0};
    const int64_t now_ns = clock_wall_ns();
    enum err code = db_retention_premake(conn, wait, now_ns, &e);
    if (code == OK && r->retention_ns > 0)
        code = clean(r, conn, wait, now_ns, &e);
    if (code == OK)
        return PERIOD_MS;
    if (code == ERR_CANCELLED)
        return 0;
    metric_add(r->n_failures, 1);
    log_err(LOG_WARN, "retention_failed", &e);
    return RETRY_MS;
}

enum err service_retention_start(const char *url, int64_t retention_ns, struct service_retention **out, struct err_info *e)
{
    struct service_retention *const r = mem_calloc(1, sizeof *r);
    if (r == NULL)
        return ERR_SET_NOMEM(e);
    r->retention_ns = retention_ns;
    r->n_dropped = metrics_series(&n_dropped, "");
    r->n_deleted = metrics_series(&n_deleted, "");
    r->n_failures = metrics_series(&n_failures, "");
    const struct service_background_job job = {"retention", STEP_TIMEOUT_S, step, r};
    const enum err code = service_background_new(&job, url, &r->thread, e);
    if (code != OK)
        mem_free(r);
    else
        *out = r;
    return code;
}

void service_retention_stop(struct service_retention *r)
{
    if (r == NULL)
        return;
    service_background_free(r->thread);
    mem_free(r);
}
