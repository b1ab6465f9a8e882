#include "service/job/index_monitor.h"

#include <math.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "db/vector/vector_index.h"
#include "service/job/background.h"
#include "service/job/index_usage.h"

enum { STEP_TIMEOUT_S = 10, PERIOD_MS = 2000, LOG_PERIOD_S = 15, USAGE_PERIOD_S = 15 };

enum gauge { ROWS, LISTS, EFFORT, RECALL, SIZE, GENERATION, BUILT, MEASURED, BUILDING, PROGRESS, GAUGES };

static const struct metric_family families[GAUGES] = {
    [ROWS] = {"tracekin_vector_rows", METRIC_GAUGE, "Traces with an embedding, roughly."},
    [LISTS] = {"tracekin_vector_index_lists", METRIC_GAUGE, "Lists of the ivfflat index; 0 without one."},
    [EFFORT] = {"tracekin_vector_index_effort", METRIC_GAUGE,
                "What a search by the index costs: ivfflat.probes or hnsw.ef_search; 0: it is not used."},
    [RECALL] = {"tracekin_vector_index_recall_ratio", METRIC_GAUGE,
                "Share of the ten nearest that a search by the index finds, as measured last; NaN before."},
    [SIZE] = {"tracekin_vector_index_size_bytes", METRIC_GAUGE, "Size of the vector index."},
    [GENERATION] = {"tracekin_vector_index_generation", METRIC_GAUGE, "How often the vector index has been built."},
    [BUILT] = {"tracekin_vector_index_built_timestamp_seconds", METRIC_GAUGE, "When it was built; 0: never."},
    [MEASURED] = {"tracekin_vector_index_measured_timestamp_seconds", METRIC_GAUGE, "When its recall was measured; 0: never."},
    [BUILDING] = {"tracekin_vector_index_building", METRIC_GAUGE, "1 while an index over traces is being built."},
    [PROGRESS] = {"tracekin_vector_index_build_progress_ratio", METRIC_GAUGE,
                  "Share done of the present phase of the build, as far as PostgreSQL tells."},
};

struct service_index_monitor {
    struct db_vector_board *board;
    struct service_background *thread;
    struct metric *gauges[GAUGES];
    int64_t next_log_ns, next_usage_ns; /* monotonic */
    bool has_failed;
};

static double seconds_of(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

static void set_gauges(struct service_index_monitor *m, const struct db_vector_facts *f, const struct db_vector_progress *p)
{
    const struct db_vector_use use = db_vector_use_of(f);
    const struct db_vector_index *const current = db_vector_current(f, f->record.method);
    metric_set(m->gauges[ROWS], (double)f->n_rows);
    metric_set(m->gauges[LISTS], current == NULL ? 0 : (double)current->lists);
    metric_set(m->gauges[EFFORT], (double)use.effort);
    metric_set(m->gauges[RECALL], f->record.is_measured ? f->record.recall : (double)NAN);
    metric_set(m->gauges[SIZE], current == NULL ? 0 : (double)current->size_bytes);
    metric_set(m->gauges[GENERATION], (double)f->record.generation);
    metric_set(m->gauges[BUILT], seconds_of(f->record.built_ns));
    metric_set(m->gauges[MEASURED], seconds_of(f->record.measured_ns));
    metric_set(m->gauges[BUILDING], p->is_building ? 1 : 0);
    metric_set(m->gauges[PROGRESS], p->share);
}

static void log_progress(struct service_index_monitor *m, const struct db_vector_progress *p)
{
    if (!p->is_building) {
        m->next_log_ns = clock_mono_ns() + LOG_PERIOD_S * NS_PER_S;
        return;
    }
    if (clock_mono_ns() < m->next_log_ns)
        return;
    m->next_log_ns = clock_mono_ns() + LOG_PERIOD_S * NS_PER_S;
    LOG(LOG_INFO, "vector_index_progress", LOG_CSTR("phase", p->phase), LOG_REAL("share", p->share));
}

static enum err sample_usage(struct service_index_monitor *m, struct db_conn *conn, const struct db_wait *wait,
                             struct err_info *e)
{
    if (clock_mono_ns() < m->next_usage_ns)
        return OK;
    TRY(service_index_usage_sample(conn, wait, e));
    m->next_usage_ns = clock_mono_ns() + USAGE_PERIOD_S * NS_PER_S;
    return OK;
}

static enum err look(struct service_index_monitor *m, struct db_conn *conn, const struct db_wait *wait, struct err_info *e)
{
    struct db_vector_facts facts;
    struct db_vector_progress progress;
    TRY(db_vector_facts_read(conn, wait, &facts, e));
    TRY(db_vector_progress_read(conn, wait, &progress, e));
    const struct db_vector_use use = db_vector_use_of(&facts);
    db_vector_board_post(m->board, &use);
    set_gauges(m, &facts, &progress);
    log_progress(m, &progress);
    return sample_usage(m, conn, wait, e);
}

/* Meanwhile searches go on as they did. */
static int step(void *arg, struct db_conn *conn, const struct db_wait *wait)
{
    struct service_index_monitor *const m = arg;
    struct err_info e = {0};
    const enum err code = look(m, conn, wait, &e);
    if (code != OK && code != ERR_CANCELLED && !m->has_failed)
        log_err(LOG_WARN, "vector_index_unseen", &e);
    m->has_failed = code != OK;
    return PERIOD_MS;
}

enum err service_index_monitor_start(const char *url, struct db_vector_board *board, struct service_index_monitor **out,
                                     struct err_info *e)
{
    struct service_index_monitor *const m = mem_calloc(1, sizeof *m);
    if (m == NULL)
        return ERR_SET_NOMEM(e);
    m->board = board;
    for (size_t i = 0; i < GAUGES; i++)
        m->gauges[i] = metrics_series(&families[i], "");
    const struct service_background_job job = {"index-monitor", STEP_TIMEOUT_S, step, m};
    const enum err code = service_background_new(&job, url, &m->thread, e);
    if (code != OK)
        mem_free(m);
    else
        *out = m;
    return code;
}

void service_index_monitor_stop(struct service_index_monitor *m)
{
    if (m == NULL)
        return;
    service_background_free(m->thread);
    mem_free(m);
}
