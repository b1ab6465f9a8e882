/* The one table of routes: what openapi.yaml promises, a test compares the two. */
#ifndef TRACEKIN_API_ROUTES_H
#define TRACEKIN_API_ROUTES_H

#include "api/req.h"
#include "api/scope.h"

/* Where a request's work runs: on the HTTP thread (no database, microseconds), or queued to the workers of a lane. What is written
 * is so by API_LANE_INGEST: it is stored whether its client still waits or not. */
enum api_lane { API_LANE_NONE, API_LANE_READ, API_LANE_SEARCH, API_LANE_INGEST };
/* How the route's errors are written. */
enum api_dialect { API_DIALECT_PROBLEM, API_DIALECT_OTLP };

struct api_param_spec; /* api/params.h */

struct api_route {
    const char *method; /* GET also answers HEAD */
    const char *path;   /* template, "/api/v1/traces/{trace_id}" */
    const char *name;   /* operationId in openapi.yaml, and the name in metrics: get_trace */
    enum api_lane lane;
    enum api_scope scope; /* what the API key must have that asks for it */
    enum api_dialect dialect;
    api_handler handler;
    const struct api_param_spec *params; /* the query parameters it takes, up to a row without a name; NULL for none */
};

extern const struct api_route api_routes[];
extern const size_t api_n_routes;

/* Finds the route of req->method and req->target and fills req->route and req->path_args. ERR_NOT_FOUND, or ERR_UNSUPPORTED
 * with e->parameter "method" when the path exists with other methods: allow then holds them, "GET, HEAD", and req->route is one
 * of them, so that the error is written in its dialect. */
enum err api_route_find(struct api_req *req, struct str *allow, struct err_info *e) MUST_USE;

/* Parses the parameters and runs the route's handler: req->route must be set. On failure the reply may be half an answer. */
enum err api_run(struct api_req *req, struct api_reply *reply, struct err_info *e) MUST_USE;
/* Parses the parameters, runs the route's handler, and turns an error into its document: on return the reply is whole.
 * req->route must be set. */
void api_dispatch(struct api_req *req, struct api_reply *reply);
/* Writes the document of an error that happened before or around dispatch (no route, queue full, too large, draining). */
void api_reply_error(const struct api_req *req, struct api_reply *reply, const struct err_info *e);
/* The HTTP status of an error code. */
int api_status_of(enum err code);

#endif
