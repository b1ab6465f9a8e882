/* The one table of routes: what openapi.yaml promises, a test compares the two. */
#ifndef TRACEKIN_API_ROUTES_H
#define TRACEKIN_API_ROUTES_H

#include "api/request/route.h"

extern const struct api_route api_routes[];
extern const size_t api_n_routes;

/* Finds the route of req->method and req->target and fills req->route and req->path_args. ERR_NOT_FOUND, or ERR_UNSUPPORTED
 * with e->parameter "method" when the path exists with other methods: allow then holds them, "GET, HEAD", and req->route is one
 * of them, so that the error is written in its dialect. */
enum err api_route_find(struct api_req *req, struct str *allow, struct err_info *e) MUST_USE;

#endif
