/* The handlers of the route table and the query parameters each takes; every pair lives in the file of its resource.
 * A handler runs on one thread, with req->db leased when its lane has a database. */
#ifndef TRACEKIN_API_HANDLERS_H
#define TRACEKIN_API_HANDLERS_H

#include "api/params.h"
#include "api/req.h"

/* health.c */
enum err api_healthz(struct api_req *req, struct api_reply *reply, struct err_info *e);
enum err api_readyz(struct api_req *req, struct api_reply *reply, struct err_info *e);
/* exposition.c: /metrics, for Prometheus */
enum err api_metrics(struct api_req *req, struct api_reply *reply, struct err_info *e);
/* contract.c: /openapi.yaml */
enum err api_openapi(struct api_req *req, struct api_reply *reply, struct err_info *e);

#endif
