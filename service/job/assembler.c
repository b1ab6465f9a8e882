#include "service/job/assembler.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "service/job/background.h"
#include "service/job/lead.h"

enum { ROUND_TIMEOUT_S = 60, POLL_MS = 200, FOLLOWER_POLL_MS = 1000, RETRY_MS = 1000, BACKLOG_PERIOD_MS = 5000 };

static const struct metric_family n_traces = {"tracekin_assembler_traces_total", METRIC_COUNTER,
                                              "Traces assembled, each time anew when late spans came."};
static const struct metric_family n_spans = {"tracekin_assembler_spans_total", METRIC_COUNTER,
                                             "Spans read to assemble traces."};
static const struct metric_family n_failures = {"tracekin_assembler_failures_total", METRIC_COUNTER,
                                                "Rounds of the assembler that failed and will be tried again."};
static const struct metric_family n_set_aside = {"tracekin_assembler_set_aside_total", METRIC_COUNTER,
                                                 "Traces that failed alone and will be tried again in an hour."};
static const struct metric_family round_time = {"tracekin_assembler_round_seconds", METRIC_HISTOGRAM,
                                                "Time of a round that assembled something."};
static const struct metric_family is_leader = {"tracekin_assembler_is_leader", METRIC_GAUGE,
                                            "1 in the process that assembles, 0 in the others."};
static const struct metric_family backlog = {"tracekin_assembler_backlog_traces", METRIC_GAUGE,
                                             "Traces that have arrived and are not assembled yet."};
static const struct metric_family oldest = {"tracekin_assembler_oldest_arrival_timestamp_seconds", METRIC_GAUGE,
                                            "When the oldest arrival not assembled yet came; 0 when there is none."};

struct service_assembler {
    struct db_assemble_when when;
    struct service_background *thread;
    struct service_lead lead;
    size_t n_traces_max; /* of the next round */
    int64_t next_backlog_ns; /* monotonic */
    struct metric *n_traces, *n_spans, *n_failures, *n_set_aside, *round_time, *backlog, *oldest;
};

static enum err look_at_backlog(struct service_assembler *a, struct db_conn *conn, const struct db_wait *wait,
                                struct err_info *e)
{
    int64_t n = 0;
    int64_t oldest_ns = 0;
    if (clock_mono_ns() < a->next_backlog_ns)
        return OK;
    TRY(db_assemble_backlog(conn, wait, &n, &oldest_ns, e));
    a->next_backlog_ns = clock_mono_ns() + BACKLOG_PERIOD_MS * NS_PER_MS;
    metric_set(a->backlog, (double)n);
    metric_set(a->oldest, (double)oldest_ns / (double)NS_PER_S);
    return OK;
}

static enum err assemble(struct service_assembler *a, struct db_conn *conn, const struct db_wait *wait,
                         struct db_assembled *done, struct err_info *e)
{
    const int64_t start_ns = clock_mono_ns();
    TRY(db_assemble_round(conn, wait, &a->when, &a->n_traces_max, done, e));
    metric_add(a->n_set_aside, done->n_set_aside);
    if (done->n_traces > 0) {
        metric_add(a->n_traces, done->n_traces);
        metric_add(a->n_spans, done->n_spans);
        metric_observe(a->round_time, (double)(clock_mono_ns() - start_ns) / (double)NS_PER_S);
    }
    return look_at_backlog(a, conn, wait, e);
}

static int step(void *arg, struct db_conn *conn, const struct db_wait *wait)
{
    struct service_assembler *const a = arg;
    struct err_info e = {0};
    struct db_assembled done = {0};
    enum err code = service_lead_take(&a->lead, conn, wait, db_assemble_lead, &e);
    if (code == OK && !a->lead.is_held)
        return FOLLOWER_POLL_MS;
    if (code == OK)
        code = assemble(a, conn, wait, &done, &e);
    if (code == OK)
        return done.is_full ? 0 : POLL_MS;
    if (code == ERR_CANCELLED)
        return 0;
    metric_add(a->n_failures, 1);
    log_err(LOG_WARN, "assembler_failed", &e);
    return RETRY_MS;
}

static void make_series(struct service_assembler *a)
{
    a->n_traces = metrics_series(&n_traces, "");
    a->n_spans = metrics_series(&n_spans, "");
    a->n_failures = metrics_series(&n_failures, "");
    a->n_set_aside = metrics_series(&n_set_aside, "");
    a->round_time = metrics_series(&round_time, "");
    service_lead_init(&a->lead, &is_leader);
    a->backlog = metrics_series(&backlog, "");
    a->oldest = metrics_series(&oldest, "");
}

enum err service_assembler_start(const char *url, const struct db_assemble_when *when, struct service_assembler **out,
                                 struct err_info *e)
{
    struct service_assembler *const a = mem_calloc(1, sizeof *a);
    if (a == NULL)
        return ERR_SET_NOMEM(e);
    a->when = *when;
    a->n_traces_max = DB_ASSEMBLE_TRACES_MAX;
    make_series(a);
    const struct service_background_job job = {"assembler", ROUND_TIMEOUT_S, step, a};
    const enum err code = service_background_new(&job, url, &a->thread, e);
    if (code != OK)
        mem_free(a);
    else
        *out = a;
    return code;
}

void service_assembler_stop(struct service_assembler *a)
{
    if (a == NULL)
        return;
    service_background_free(a->thread);
    service_lead_end(&a->lead);
    mem_free(a);
}
