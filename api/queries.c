#include "api/queries.h"

#include <stdio.h>

#include "core/clock.h"

static const char *const names[API_N_QUERIES] = {
    [API_QUERY_FIND_SIMILAR_TRACES] = "find_similar_traces",
    [API_QUERY_GET_TRACES_BY_ERROR] = "get_traces_by_error",
    [API_QUERY_SEARCH_LOGS] = "search_logs",
    [API_QUERY_GET_TRACE_CONTEXT] = "get_trace_context",
    [API_QUERY_GET_TRACE] = "get_trace",
    [API_QUERY_LIST_TRACES] = "list_traces",
    [API_QUERY_LIST_SERVICES] = "list_services",
    [API_QUERY_LIST_OPERATIONS] = "list_operations",
    [API_QUERY_LIST_METRIC_NAMES] = "list_metric_names",
    [API_QUERY_QUERY_METRICS] = "query_metrics",
    [API_QUERY_STORE_TRACES] = "store_traces",
};

static const struct metric_family durations = {
    "tracekin_db_query_duration_seconds", METRIC_HISTOGRAM, "Time a database query took, as the API saw it."};

static struct metric *series(enum api_query query)
{
    char labels[METRICS_LABELS_MAX];
    (void)snprintf(labels, sizeof labels, "query=\"%s\"", names[query]);
    return metrics_series(&durations, labels);
}

const char *api_query_name(enum api_query query)
{
    return names[query];
}

const struct metric *api_query_metric(enum api_query query)
{
    return series(query);
}

void api_query_observe(enum api_query query, int64_t begun_ns)
{
    metric_observe(series(query), (double)(clock_mono_ns() - begun_ns) / (double)NS_PER_S);
}
