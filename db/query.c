#include "db/query.h"

#include <pthread.h>

#include "core/clock.h"
#include "core/metrics.h"

static const struct metric_family durations = {
    "tracekin_db_query_duration_seconds", METRIC_HISTOGRAM,
    "Time of a question to the database, from its first statement to its last row, by query."};
static const struct metric_family failures = {"tracekin_db_query_errors_total", METRIC_COUNTER,
                                              "Questions that the database failed to answer, by query."};

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

static void make_series(void)
{
    for (size_t i = 0; i < DB_N_QUESTIONS; i++) {
        duration_of[i] = metrics_series(&durations, questions[i].labels);
        failures_of[i] = metrics_series(&failures, questions[i].labels);
    }
}

static bool is_failure(enum err err)
{
    return err != OK && err != ERR_INVALID && err != ERR_NOT_FOUND && err != ERR_CANCELLED;
}

enum err db_query_done(enum db_question question, int64_t started_ns, enum err err)
{
    (void)pthread_once(&once, make_series);
    metric_observe(duration_of[question], (double)(clock_mono_ns() - started_ns) / (double)NS_PER_S);
    if (is_failure(err))
        metric_add(failures_of[question], 1);
    return err;
}

struct db_query_stats db_query_stats_of(enum db_question question)
{
    (void)pthread_once(&once, make_series);
    const struct metric *m = duration_of[question];
    return (struct db_query_stats){.name = questions[question].name,
                                   .n_asked = metric_count(m),
                                   .n_failed = metric_count(failures_of[question]),
                                   .p50_ms = metric_quantile(m, 0.50) * 1e3,
                                   .p95_ms = metric_quantile(m, 0.95) * 1e3,
                                   .p99_ms = metric_quantile(m, 0.99) * 1e3};
}
