/* The questions and writes this service times, by the names that metrics and /api/v1/stats call them. Any thread. */
#ifndef TRACEKIN_API_QUERIES_H
#define TRACEKIN_API_QUERIES_H

#include "core/metrics.h"

enum api_query {
    API_QUERY_FIND_SIMILAR_TRACES,
    API_QUERY_GET_TRACES_BY_ERROR,
    API_QUERY_SEARCH_LOGS,
    API_QUERY_GET_TRACE_CONTEXT,
    API_QUERY_GET_TRACE,
    API_QUERY_LIST_TRACES,
    API_QUERY_LIST_SERVICES,
    API_QUERY_LIST_OPERATIONS,
    API_QUERY_LIST_METRIC_NAMES,
    API_QUERY_QUERY_METRICS,
    API_QUERY_STORE_TRACES,
    API_N_QUERIES,
};

const char *api_query_name(enum api_query query);
/* The query's durations, as /metrics shows them. */
const struct metric *api_query_metric(enum api_query query);
/* Counts a run that began at the monotonic time begun_ns and ends now, whether it failed or not. */
void api_query_observe(enum api_query query, int64_t begun_ns);

#endif
