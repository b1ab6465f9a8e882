/* The handlers of the route table and the query parameters each takes; every pair lives in the file of its resource.
 * A handler runs on one thread, with req->db leased when its lane has a database. */
#ifndef TRACEKIN_API_HANDLERS_H
#define TRACEKIN_API_HANDLERS_H

#include "api/request/params.h"
#include "api/request/req.h"

/* health.c */
enum err api_healthz(struct api_req *req, struct api_reply *reply, struct err_info *e);
enum err api_readyz(struct api_req *req, struct api_reply *reply, struct err_info *e);
/* exposition.c: /metrics, for Prometheus */
enum err api_metrics(struct api_req *req, struct api_reply *reply, struct err_info *e);
/* contract.c: /openapi.yaml */
enum err api_openapi(struct api_req *req, struct api_reply *reply, struct err_info *e);

/* services.c */
extern const struct api_param_spec api_services_params[];
enum err api_list_services(struct api_req *req, struct api_reply *reply, struct err_info *e);
enum err api_list_operations(struct api_req *req, struct api_reply *reply, struct err_info *e);
/* traces.c */
extern const struct api_param_spec api_traces_params[];
enum err api_list_traces(struct api_req *req, struct api_reply *reply, struct err_info *e);
/* trace.c */
extern const struct api_param_spec api_trace_params[];
enum err api_get_trace(struct api_req *req, struct api_reply *reply, struct err_info *e);
/* context.c */
extern const struct api_param_spec api_context_params[];
enum err api_get_trace_context(struct api_req *req, struct api_reply *reply, struct err_info *e);
/* similar.c: of a stored trace, and of what a body describes */
extern const struct api_param_spec api_similar_params[];
enum err api_find_similar_traces(struct api_req *req, struct api_reply *reply, struct err_info *e);
enum err api_search_similar_traces(struct api_req *req, struct api_reply *reply, struct err_info *e);
/* traces_write.c */
enum err api_store_traces(struct api_req *req, struct api_reply *reply, struct err_info *e);
/* patterns.c */
extern const struct api_param_spec api_patterns_params[];
extern const struct api_param_spec api_pattern_params[];
enum err api_list_patterns(struct api_req *req, struct api_reply *reply, struct err_info *e);
enum err api_get_pattern(struct api_req *req, struct api_reply *reply, struct err_info *e);
/* errors.c */
extern const struct api_param_spec api_errors_params[];
enum err api_get_traces_by_error(struct api_req *req, struct api_reply *reply, struct err_info *e);
/* logs.c */
extern const struct api_param_spec api_logs_params[];
enum err api_search_logs(struct api_req *req, struct api_reply *reply, struct err_info *e);
/* metric_points.c */
extern const struct api_param_spec api_metric_names_params[];
extern const struct api_param_spec api_metric_points_params[];
enum err api_list_metric_names(struct api_req *req, struct api_reply *reply, struct err_info *e);
enum err api_query_metrics(struct api_req *req, struct api_reply *reply, struct err_info *e);
/* explain.c: for the admin */
extern const struct api_param_spec api_explain_params[];
enum err api_explain(struct api_req *req, struct api_reply *reply, struct err_info *e);
/* stats.c */
enum err api_get_stats(struct api_req *req, struct api_reply *reply, struct err_info *e);

#endif
