#include "service/job/chunker.h"

#include <stdio.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "db/chunk/chunk_build.h"
#include "service/job/background.h"
#include "service/job/lead.h"

enum { ROUND_TIMEOUT_S = 60, POLL_MS = 500, FOLLOWER_POLL_MS = 1000, RETRY_MS = 1000, LABELS_MAX = 32 };
/* A chunk is worth its index when it is full; until then, or for ten minutes, a search reads what has arrived. */
static const struct db_chunk_when when = {.settled_ms = 2000, .n_rows = DB_CHUNK_ROWS, .max_age_ms = 600 * 1000};

static const struct metric_family n_chunks = {"tracekin_chunker_chunks_total", METRIC_COUNTER,
                                              "Chunks built for searches, each time anew when late rows came, by table."};
static const struct metric_family n_rows = {"tracekin_chunker_rows_total", METRIC_COUNTER, "Rows read to build chunks, by table."};
static const struct metric_family n_failures = {"tracekin_chunker_failures_total", METRIC_COUNTER,
                                                "Rounds of the chunker that failed and will be tried again."};
static const struct metric_family round_time = {"tracekin_chunker_round_seconds", METRIC_HISTOGRAM,
                                                "Time of a round that built something, by table."};
static const struct metric_family is_leader = {"tracekin_chunker_is_leader", METRIC_GAUGE,
                                            "1 in the process that builds chunks, 0 in the others."};
static const struct metric_family backlog = {"tracekin_chunker_backlog_rows", METRIC_GAUGE,
                                             "Rows that have arrived and are in no chunk yet, by table: searches read them."};
static const struct metric_family oldest = {"tracekin_chunker_oldest_arrival_timestamp_seconds", METRIC_GAUGE,
                                            "When the oldest of them came, by table; 0 when there is none."};

struct chunked_series {
    struct metric *n_chunks, *n_rows, *round_time, *backlog, *oldest;
};

struct service_chunker {
    struct service_background *thread;
    struct service_lead lead;
    struct metric *n_failures;
    struct chunked_series series[DB_CHUNKED_TABLES];
};

static enum err build(struct service_chunker *c, struct db_conn *conn, const struct db_wait *wait, enum db_chunked table,
                      bool *is_due, struct err_info *e)
{
    const struct chunked_series *const series = &c->series[table];
    const int64_t start_ns = clock_mono_ns();
    struct db_chunk_built done = {0};
    TRY(db_chunk_round(conn, wait, table, &when, &done, e));
    metric_set(series->backlog, (double)(done.n_waiting > done.n_rows ? done.n_waiting - done.n_rows : 0));
    metric_set(series->oldest, (double)done.oldest_ns / (double)NS_PER_S);
    metric_add(series->n_chunks, (uint64_t)done.n_chunks);
    metric_add(series->n_rows, (uint64_t)done.n_rows);
    if (done.is_due)
        metric_observe(series->round_time, (double)(clock_mono_ns() - start_ns) / (double)NS_PER_S);
    *is_due = *is_due || done.is_due;
    return OK;
}

static int step(void *arg, struct db_conn *conn, const struct db_wait *wait)
{
    struct service_chunker *const c = arg;
    struct err_info e = {0};
    bool is_due = false;
    enum err code = service_lead_take(&c->lead, conn, wait, db_chunk_lead, &e);
    if (code == OK && !c->lead.is_held)
        return FOLLOWER_POLL_MS;
    for (int table = 0; code == OK && table < DB_CHUNKED_TABLES; table++)
        code = build(c, conn, wait, (enum db_chunked)table, &is_due, &e);
    if (code == OK)
        return is_due ? 0 : POLL_MS;
    if (code == ERR_CANCELLED)
        return 0;
    metric_add(c->n_failures, 1);
    log_err(LOG_WARN, "chunker_failed", &e);
    return RETRY_MS;
}

static void make_series(struct service_chunker *c)
{
    c->n_failures = metrics_series(&n_failures, "");
    service_lead_init(&c->lead, &is_leader);
    for (int table = 0; table < DB_CHUNKED_TABLES; table++) {
        char labels[LABELS_MAX];
        (void)snprintf(labels, sizeof labels, "table=\"%s\"", db_chunked_name((enum db_chunked)table));
        c->series[table] = (struct chunked_series){metrics_series(&n_chunks, labels), metrics_series(&n_rows, labels),
                                                   metrics_series(&round_time, labels), metrics_series(&backlog, labels),
                                                   metrics_series(&oldest, labels)};
    }
}

enum err service_chunker_start(const char *url, struct service_chunker **out, struct err_info *e)
{
    struct service_chunker *const c = mem_calloc(1, sizeof *c);
    if (c == NULL)
        return ERR_SET_NOMEM(e);
    make_series(c);
    const struct service_background_job job = {"chunker", ROUND_TIMEOUT_S, step, c};
    const enum err code = service_background_new(&job, url, &c->thread, e);
    if (code != OK)
        mem_free(c);
    else
        *out = c;
    return code;
}

void service_chunker_stop(struct service_chunker *c)
{
    if (c == NULL)
        return;
    service_background_free(c->thread);
    service_lead_end(&c->lead);
    mem_free(c);
}
