#include "api/endpoint/routes.h"

#include <stdio.h>

#include "api/endpoint/handlers.h"
#include "api/otlp/otlp.h"
#include "api/request/values.h"

const struct api_route api_routes[] = {
    {"POST", "/v1/traces", "export_traces", API_LANE_INGEST, API_SCOPE_INGEST, API_DIALECT_OTLP, api_otlp_traces, NULL},
    {"POST", "/v1/logs", "export_logs", API_LANE_INGEST, API_SCOPE_INGEST, API_DIALECT_OTLP, api_otlp_logs, NULL},
    {"POST", "/v1/metrics", "export_metrics", API_LANE_INGEST, API_SCOPE_INGEST, API_DIALECT_OTLP, api_otlp_metrics, NULL},
    {"GET", "/api/v1/services", "list_services", API_LANE_READ, API_SCOPE_READ, API_DIALECT_PROBLEM, api_list_services,
     api_services_params},
    {"GET", "/api/v1/services/{service}/operations", "list_operations", API_LANE_READ, API_SCOPE_READ, API_DIALECT_PROBLEM, api_list_operations,
     api_services_params},
    {"GET", "/api/v1/traces", "list_traces", API_LANE_READ, API_SCOPE_READ, API_DIALECT_PROBLEM, api_list_traces, api_traces_params},
    {"POST", "/api/v1/traces", "store_traces", API_LANE_INGEST, API_SCOPE_INGEST, API_DIALECT_PROBLEM, api_store_traces, NULL},
    {"POST", "/api/v1/traces/similar", "search_similar_traces", API_LANE_SEARCH, API_SCOPE_READ, API_DIALECT_PROBLEM, api_search_similar_traces,
     api_similar_params},
    {"GET", "/api/v1/traces/{trace_id}", "get_trace", API_LANE_READ, API_SCOPE_READ, API_DIALECT_PROBLEM, api_get_trace,
     api_trace_params},
    {"GET", "/api/v1/traces/{trace_id}/context", "get_trace_context", API_LANE_READ, API_SCOPE_READ, API_DIALECT_PROBLEM, api_get_trace_context,
     api_context_params},
    {"GET", "/api/v1/traces/{trace_id}/similar", "find_similar_traces", API_LANE_SEARCH, API_SCOPE_READ, API_DIALECT_PROBLEM, api_find_similar_traces,
     api_similar_params},
    {"GET", "/api/v1/patterns", "list_patterns", API_LANE_READ, API_SCOPE_READ, API_DIALECT_PROBLEM, api_list_patterns, api_patterns_params},
    {"GET", "/api/v1/patterns/{pattern_id}", "get_pattern", API_LANE_READ, API_SCOPE_READ, API_DIALECT_PROBLEM, api_get_pattern,
     api_pattern_params},
    {"GET", "/api/v1/errors", "get_traces_by_error", API_LANE_SEARCH, API_SCOPE_READ, API_DIALECT_PROBLEM, api_get_traces_by_error,
     api_errors_params},
    {"GET", "/api/v1/logs", "search_logs", API_LANE_SEARCH, API_SCOPE_READ, API_DIALECT_PROBLEM, api_search_logs, api_logs_params},
    {"GET", "/api/v1/metrics/names", "list_metric_names", API_LANE_READ, API_SCOPE_READ, API_DIALECT_PROBLEM, api_list_metric_names,
     api_metric_names_params},
    {"GET", "/api/v1/metrics/query", "query_metrics", API_LANE_READ, API_SCOPE_READ, API_DIALECT_PROBLEM, api_query_metrics,
     api_metric_points_params},
    {"GET", "/api/v1/stats", "get_stats", API_LANE_READ, API_SCOPE_READ, API_DIALECT_PROBLEM, api_get_stats, NULL},
    {"GET", "/api/v1/admin/explain", "explain", API_LANE_SEARCH, API_SCOPE_ADMIN, API_DIALECT_PROBLEM, api_explain, api_explain_params},
    {"GET", "/healthz", "get_health", API_LANE_NONE, API_SCOPE_NONE, API_DIALECT_PROBLEM, api_healthz, NULL},
    {"GET", "/readyz", "get_readiness", API_LANE_NONE, API_SCOPE_NONE, API_DIALECT_PROBLEM, api_readyz, NULL},
    {"GET", "/metrics", "get_metrics", API_LANE_NONE, API_SCOPE_READ, API_DIALECT_PROBLEM, api_metrics, NULL},
    {"GET", "/openapi.yaml", "get_contract", API_LANE_NONE, API_SCOPE_READ, API_DIALECT_PROBLEM, api_openapi, NULL},
};
const size_t api_n_routes = ARRAY_LEN(api_routes);

/* Compares segment by segment; a {} takes one segment that is not empty, still encoded. */
static bool path_matches(struct str path, const char *template, struct str args[API_PATH_ARGS_MAX])
{
    struct str want_rest = str_of(template), have_rest = path;
    size_t n_args = 0;
    while (want_rest.ptr != NULL && have_rest.ptr != NULL) {
        const struct str want = str_split(want_rest, '/', &want_rest);
        const struct str have = str_split(have_rest, '/', &have_rest);
        const bool is_arg = str_starts_with(want, STR("{"));
        if (is_arg ? have.len == 0 : !str_equal(want, have))
            return false;
        if (is_arg)
            args[n_args++] = have;
    }
    return want_rest.ptr == NULL && have_rest.ptr == NULL;
}

static bool method_matches(struct str method, const char *route_method)
{
    return str_equal(method, str_of(route_method)) ||
           (str_equal(method, STR("HEAD")) && strcmp(route_method, "GET") == 0);
}

static void allow_append(struct arena *arena, struct str *allow, const char *method)
{
    *allow = arena_printf(arena, "%.*s%s%s%s", STR_ARG(*allow), allow->len == 0 ? "" : ", ", method,
                          strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

static enum err decode_args(struct api_req *req, struct err_info *e)
{
    for (size_t i = 0; i < API_PATH_ARGS_MAX; i++)
        if (req->path_args[i].ptr != NULL && !api_url_decode(req->path_args[i], false, req->arena, &req->path_args[i]))
            return ERR_PARAM(e, "path", "the path is not percent-encoded UTF-8 without NUL");
    return OK;
}

/* The struct err_info of a wrong method names "method", by which it becomes a 405. */
static enum err method_err(struct str allow, struct err_info *e)
{
    (void)ERR_PARAM(e, "method", "this path takes %.*s only", STR_ARG(allow));
    if (e != NULL)
        e->code = ERR_UNSUPPORTED;
    return ERR_UNSUPPORTED;
}

static enum err not_found(struct str path, struct arena *arena, struct err_info *e)
{
    struct str ignored;
    if (!api_url_decode(path, false, arena, &ignored))
        return ERR_PARAM(e, "path", "the path is not percent-encoded UTF-8 without NUL");
    return ERR_SET(e, ERR_NOT_FOUND, "there is nothing at this path; /openapi.yaml lists what there is");
}

enum err api_route_find(struct api_req *req, struct str *allow, struct err_info *e)
{
    struct str ignored, allowed = {NULL, 0};
    const struct str path = str_split(req->target, '?', &ignored);
    for (size_t i = 0; i < api_n_routes; i++) {
        struct str args[API_PATH_ARGS_MAX] = {{NULL, 0}};
        if (!path_matches(path, api_routes[i].path, args))
            continue;
        if (!method_matches(req->method, api_routes[i].method)) {
            allow_append(req->arena, &allowed, api_routes[i].method);
            req->route = &api_routes[i];
            continue;
        }
        req->route = &api_routes[i];
        memcpy(req->path_args, args, sizeof args);
        return decode_args(req, e);
    }
    if (allowed.ptr == NULL)
        return not_found(path, req->arena, e);
    *allow = allowed;
    return method_err(allowed, e);
}
