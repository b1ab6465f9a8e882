#include "db/session/query.h"

#include <pthread.h>

#include "core/clock.h"
#include "core/histogram.h"
#include "core/metrics.h"
#include "db/session/conn_internal.h"
#include "db/session/slow_query.h"

static const struct metric_family durations = {
    "tracekin_db_query_duration_seconds", METRIC_HISTOGRAM,
    "Time of a question to the database, from its first statement to its last row, by query."};
static const struct metric_family failures = {"tracekin_db_query_errors_total", METRIC_COUNTER,
                                              "Questions that the database failed to answer, by query."};

static const struct metric_family slow = {"tracekin_db_slow_queries_total", METRIC_COUNTER,
                                          "Questions that took longer than TRACEKIN_SLOW_QUERY, by query."};

struct question {
    const char *name;
    const char *labels;
};

#define QUESTION(name) {name, "query=\"" name "\""}

static const struct question questions[DB_N_QUESTIONS] = {
    [DB_FIND_SIMILAR_TRACES] = QUESTION("find_similar_traces"),
    [DB_GET_TRACES_BY_ERROR] = QUESTION("get_traces_by_error"),
    [DB_SEARCH_LOGS] = QUESTION("search_logs"),
    [DB_GET_TRACE] = QUESTION("get_trace"),
    [DB_GET_TRACE_CONTEXT] = QUESTION("get_trace_context"),
    [DB_LIST_TRACES] = QUESTION("list_traces"),
    [DB_LIST_PATTERNS] = QUESTION("list_patterns"),
    [DB_GET_PATTERN] = QUESTION("get_pattern"),
    [DB_LIST_SERVICES] = QUESTION("list_services"),
    [DB_LIST_OPERATIONS] = QUESTION("list_operations"),
    [DB_LIST_METRIC_NAMES] = QUESTION("list_metric_names"),
    [DB_QUERY_METRICS] = QUESTION("query_metrics"),
    [DB_INDEX_USAGE] = QUESTION("index_usage"),
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct metric *duration_of[DB_N_QUESTIONS];
static struct metric *failures_of[DB_N_QUESTIONS];
static struct metric *slow_of[DB_N_QUESTIONS];
/* The buckets of /metrics are too wide apart for quantiles. */
static struct histogram times_of[DB_N_QUESTIONS];

static void make_series(void)
{
    for (size_t i = 0; i < DB_N_QUESTIONS; i++) {
        duration_of[i] = metrics_series(&durations, questions[i].labels);
        failures_of[i] = metrics_series(&failures, questions[i].labels);
        slow_of[i] = metrics_series(&slow, questions[i].labels);
    }
}

void db_query_init(void)
{
    (void)pthread_once(&once, make_series);
}

static bool is_failure(enum err err)
{
    return err != OK && err != ERR_INVALID && err != ERR_NOT_FOUND && err != ERR_CANCELLED;
}

static void note_slow(struct db_conn *c, enum db_question question, int64_t took_ns, enum err err)
{
    struct db_call *const slowest = TAKE(c->trail.slowest);
    struct db_slow_query q = {.query = questions[question].name,
                              .took_ns = took_ns,
                              .n_rows = c->trail.n_rows,
                              .outcome = err,
                              .slowest = slowest};
    metric_add(slow_of[question], 1);
    db_slow_query_put(&q);
}

int64_t db_query_begin(struct db_conn *c)
{
    db_trail_open(c);
    return clock_mono_ns();
}

static void record(struct db_conn *c, enum db_question question, int64_t took_ns, enum err err)
{
    db_query_init();
    metric_observe(duration_of[question], (double)took_ns / (double)NS_PER_S);
    histogram_add(&times_of[question], took_ns);
    if (is_failure(err))
        metric_add(failures_of[question], 1);
    if (db_slow_query_is_slow(took_ns))
        note_slow(c, question, took_ns, err);
}

enum err db_query_done(struct db_conn *c, enum db_question question, int64_t started_ns, enum err err)
{
    if (c->trail.explain == NULL)
        record(c, question, clock_mono_ns() - started_ns, err);
    db_trail_close(c);
    return err;
}

static double quantile_ms(enum db_question question, double q)
{
    return (double)histogram_quantile(&times_of[question], q) / (double)NS_PER_MS;
}

struct db_query_stats db_query_stats_of(enum db_question question)
{
    db_query_init();
    return (struct db_query_stats){.name = questions[question].name,
                                   .n_asked = histogram_count(&times_of[question]),
                                   .n_failed = metric_count(failures_of[question]),
                                   .p50_ms = quantile_ms(question, 0.50),
                                   .p95_ms = quantile_ms(question, 0.95),
                                   .p99_ms = quantile_ms(question, 0.99)};
}
