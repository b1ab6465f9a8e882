#include "service/job/index_keeper.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "db/vector/vector_index.h"
#include "db/vector/vector_recall.h"
#include "service/job/background.h"
#include "service/job/lead.h"

/* A build may take hours; PERIOD_MS is how soon a store that has grown gets its index. One that failed is not tried again at once, as
 * it is dear; a lost session is. */
enum { STEP_TIMEOUT_S = 24 * 3600, PERIOD_MS = 2000, FOLLOWER_PERIOD_MS = 2000, RETRY_MS = 15000, RECONNECT_MS = 1000 };

static const struct metric_family n_builds = {"tracekin_vector_index_builds_total", METRIC_COUNTER,
                                              "Generations of the vector index that this process built."};
static const struct metric_family n_measured = {"tracekin_vector_index_measurements_total", METRIC_COUNTER,
                                                "Measurements of recall that this process made, calibrations included."};
static const struct metric_family n_failures = {"tracekin_vector_index_failures_total", METRIC_COUNTER,
                                                "Steps of the index keeper that failed and will be tried again."};
static const struct metric_family is_keeper = {"tracekin_vector_index_is_keeper", METRIC_GAUGE,
                                            "1 in the process that keeps the vector index, 0 in the others."};

struct service_index_keeper {
    struct db_vector_wish wish;
    struct db_vector_board *board;
    struct service_background *thread;
    struct service_lead lead;
};

static void log_decision(const char *event, const struct db_vector_decision *d)
{
    LOG(LOG_INFO, event, LOG_CSTR("index", d->name), LOG_CSTR("why", d->why), LOG_INT("lists", d->lists));
}

/* Too little memory for the lists that the rows ask for is worth a word: recall then costs more. */
static void warn_of_memory(const struct db_vector_wish *wish, const struct db_vector_facts *f, const struct db_vector_decision *d)
{
    const int64_t lists = wish->lists > 0 ? wish->lists : db_vector_lists_for(f->n_rows);
    const int64_t needed = db_vector_build_bytes(d->method, f->n_rows, d->method == DB_VECTOR_IVFFLAT ? lists : 0);
    if (needed <= wish->memory_max_bytes)
        return;
    LOG(LOG_WARN, "vector_index_memory", LOG_INT("needed_bytes", needed), LOG_INT("allowed_bytes", wish->memory_max_bytes),
        LOG_INT("lists", d->lists),
        LOG_CSTR("help", "raise TRACEKIN_INDEX_MEMORY for a better index: ivfflat gets fewer lists, hnsw is built slowly on disk"));
}

static enum err build(struct db_conn *conn, const struct db_wait *wait, const struct db_vector_wish *wish,
                      const struct db_vector_facts *f, const struct db_vector_decision *d, struct err_info *e)
{
    const int64_t start_ns = clock_mono_ns();
    log_decision("vector_index_build", d);
    warn_of_memory(wish, f, d);
    TRY(db_vector_build(conn, wait, wish, f, d, e));
    metric_add(metrics_series(&n_builds, ""), 1);
    LOG(LOG_INFO, "vector_index_built", LOG_CSTR("index", db_vector_name(d->method)), LOG_INT("lists", d->lists),
        LOG_INT("rows", f->n_rows), LOG_INT("took_ms", (clock_mono_ns() - start_ns) / NS_PER_MS));
    return OK;
}

static enum err look(struct db_conn *conn, const struct db_wait *wait, const struct db_vector_wish *wish,
                     const struct db_vector_facts *f, const struct db_vector_decision *d, struct err_info *e)
{
    const struct db_vector_index *const index = db_vector_current(f, d->method);
    const int64_t start_ns = clock_mono_ns();
    struct db_vector_measured m = {0};
    if (d->action == DB_VECTOR_CALIBRATE)
        TRY(db_vector_calibrate(conn, wait, wish, f, index, &m, e));
    else
        TRY(db_vector_measure(conn, wait, f, &m, e));
    TRY(db_vector_record(conn, wait, f, index, &m, wish->recall_target, e));
    metric_add(metrics_series(&n_measured, ""), 1);
    LOG(m.effort > 0 ? LOG_INFO : LOG_WARN, d->action == DB_VECTOR_CALIBRATE ? "vector_index_calibrated" : "vector_index_measured",
        LOG_CSTR("index", index->name), LOG_CSTR("why", d->why), LOG_INT("lists", index->lists), LOG_INT("effort", m.effort),
        LOG_REAL("recall", m.recall), LOG_REAL("target", wish->recall_target), LOG_INT("queries", m.n_queries),
        LOG_INT("took_ms", (clock_mono_ns() - start_ns) / NS_PER_MS));
    return OK;
}

static enum err act(struct db_conn *conn, const struct db_wait *wait, const struct db_vector_wish *wish,
                    const struct db_vector_facts *f, const struct db_vector_decision *d, struct err_info *e)
{
    switch (d->action) {
    case DB_VECTOR_REST:
        return OK;
    case DB_VECTOR_DROP:
        log_decision("vector_index_drop", d);
        return db_vector_drop(conn, wait, d, e);
    case DB_VECTOR_ADOPT:
        log_decision("vector_index_adopt", d);
        return db_vector_adopt(conn, wait, f, d, e);
    case DB_VECTOR_BUILD:
        return build(conn, wait, wish, f, d, e);
    case DB_VECTOR_CALIBRATE:
    case DB_VECTOR_MEASURE:
        return look(conn, wait, wish, f, d, e);
    }
    return OK;
}

enum err service_index_keeper_once(struct db_conn *conn, const struct db_wait *wait, const struct db_vector_wish *wish,
                                   struct db_vector_board *board, bool *is_done, struct err_info *e)
{
    struct db_vector_facts facts;
    TRY(db_vector_facts_read(conn, wait, &facts, e));
    const struct db_vector_use use = db_vector_use_of(&facts);
    db_vector_board_post(board, &use);
    const struct db_vector_decision d = db_vector_plan(wish, &facts);
    *is_done = d.action == DB_VECTOR_REST;
    return act(conn, wait, wish, &facts, &d, e);
}

static int step(void *arg, struct db_conn *conn, const struct db_wait *wait)
{
    struct service_index_keeper *const k = arg;
    struct err_info e = {0};
    bool is_done = true;
    enum err code = service_lead_take(&k->lead, conn, wait, db_vector_lead, &e);
    if (code == OK && !k->lead.is_held)
        return FOLLOWER_PERIOD_MS;
    if (code == OK)
        code = service_index_keeper_once(conn, wait, &k->wish, k->board, &is_done, &e);
    if (code == OK)
        return is_done ? PERIOD_MS : 0;
    if (code == ERR_CANCELLED)
        return 0;
    metric_add(metrics_series(&n_failures, ""), 1);
    log_err(LOG_WARN, "vector_index_failed", &e);
    return code == ERR_UNAVAILABLE ? RECONNECT_MS : RETRY_MS;
}

/* Before the first of each there is a 0 to see. */
static void make_series(void)
{
    const struct metric_family *const counters[] = {&n_builds, &n_measured, &n_failures};
    for (size_t i = 0; i < ARRAY_LEN(counters); i++)
        metric_add(metrics_series(counters[i], ""), 0);
}

enum err service_index_keeper_start(const char *url, const struct db_vector_wish *wish, struct db_vector_board *board,
                                    struct service_index_keeper **out, struct err_info *e)
{
    struct service_index_keeper *const k = mem_calloc(1, sizeof *k);
    if (k == NULL)
        return ERR_SET_NOMEM(e);
    k->wish = *wish;
    k->board = board;
    make_series();
    service_lead_init(&k->lead, &is_keeper);
    const struct service_background_job job = {"index-keeper", STEP_TIMEOUT_S, step, k};
    const enum err code = service_background_new(&job, url, &k->thread, e);
    if (code != OK)
        mem_free(k);
    else
        *out = k;
    return code;
}

void service_index_keeper_stop(struct service_index_keeper *k)
{
    if (k == NULL)
        return;
    service_background_free(k->thread);
    service_lead_end(&k->lead);
    mem_free(k);
}
