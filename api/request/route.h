/* A route: what a method and a path stand for. The table of them is in api/endpoint/routes.h. */
#ifndef TRACEKIN_API_ROUTE_H
#define TRACEKIN_API_ROUTE_H

#include "api/request/req.h"
#include "api/request/scope.h"

/* Where a request's work runs: on the HTTP thread (no database, microseconds), or queued to the workers of a lane. What is written
 * is so by API_LANE_INGEST: it is stored whether its client still waits or not. */
enum api_lane { API_LANE_NONE, API_LANE_READ, API_LANE_SEARCH, API_LANE_INGEST };
/* How the route's errors are written. */
enum api_dialect { API_DIALECT_PROBLEM, API_DIALECT_OTLP };

struct api_param_spec; /* api/request/params.h */

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

#endif
