#include "db/write/writer_metrics.h"

#include <pthread.h>

#include "core/metrics.h"

enum { SIGNALS = 3, RESULTS = 3 };

static const struct metric_family items = {"tracekin_ingest_items_total", METRIC_COUNTER,
                                           "Spans, log records and metric points by what became of them."};
static const struct metric_family dead = {"tracekin_dead_letters_total", METRIC_COUNTER,
                                          "Items that PostgreSQL refused and dead_letters holds."};
static const struct metric_family transactions = {"tracekin_ingest_transactions_total", METRIC_COUNTER,
                                                  "Transactions that stored ingested batches."};
static const struct metric_family batches = {"tracekin_ingest_batches_total", METRIC_COUNTER,
                                             "Batches stored; several may share a transaction."};
static const struct metric_family batch_size = {"tracekin_ingest_batch_items", METRIC_HISTOGRAM_OF_ITEMS,
                                                "Items of a batch, by signal: what one export request brought."};
static const struct metric_family commit_time = {"tracekin_ingest_commit_seconds", METRIC_HISTOGRAM,
                                                 "Time from the start of an ingest transaction to its commit."};
static const struct metric_family depth = {"tracekin_ingest_queue_depth", METRIC_GAUGE,
                                           "Batches waiting for their transaction."};

static const char *const item_labels[SIGNALS][RESULTS] = {
    [DB_SIGNAL_TRACES] = {"signal=\"traces\",result=\"stored\"", "signal=\"traces\",result=\"duplicate\"",
                          "signal=\"traces\",result=\"dead_letter\""},
    [DB_SIGNAL_LOGS] = {"signal=\"logs\",result=\"stored\"", "signal=\"logs\",result=\"duplicate\"",
                        "signal=\"logs\",result=\"dead_letter\""},
    [DB_SIGNAL_METRICS] = {"signal=\"metrics\",result=\"stored\"", "signal=\"metrics\",result=\"duplicate\"",
                           "signal=\"metrics\",result=\"dead_letter\""},
};
static const char *const signal_labels[SIGNALS] = {"signal=\"traces\"", "signal=\"logs\"", "signal=\"metrics\""};

static struct {
    struct metric *items[SIGNALS][RESULTS], *dead[SIGNALS], *batch_size[SIGNALS], *transactions, *batches, *commit_time, *depth;
} series;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_series(void)
{
    for (int signal = 0; signal < SIGNALS; signal++) {
        for (int result = 0; result < RESULTS; result++)
            series.items[signal][result] = metrics_series(&items, item_labels[signal][result]);
        series.dead[signal] = metrics_series(&dead, signal_labels[signal]);
        series.batch_size[signal] = metrics_series(&batch_size, signal_labels[signal]);
    }
    series.transactions = metrics_series(&transactions, "");
    series.batches = metrics_series(&batches, "");
    series.commit_time = metrics_series(&commit_time, "");
    series.depth = metrics_series(&depth, "");
}

void db_writer_metrics_init(void)
{
    (void)pthread_once(&once, make_series);
}

void db_writer_metrics_queued(int64_t delta)
{
    metric_move(series.depth, delta);
}

void db_writer_metrics_committed(size_t n_batches, double seconds)
{
    metric_add(series.transactions, 1);
    metric_add(series.batches, n_batches);
    metric_observe(series.commit_time, seconds);
}

void db_writer_metrics_written(enum db_signal signal, const struct db_written *written)
{
    const int64_t counts[RESULTS] = {written->n_stored, written->n_duplicate, written->n_dead};
    for (int result = 0; result < RESULTS; result++)
        metric_add(series.items[signal][result], (uint64_t)counts[result]);
    metric_add(series.dead[signal], (uint64_t)written->n_dead);
    metric_observe(series.batch_size[signal], (double)(written->n_stored + written->n_duplicate + written->n_dead));
}
