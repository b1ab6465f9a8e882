/* From a request whose route is found to its reply. */
#ifndef TRACEKIN_API_DISPATCH_H
#define TRACEKIN_API_DISPATCH_H

#include "api/request/route.h"

/* Parses the parameters and runs the route's handler: req->route must be set. On failure the reply may be half an answer. */
enum err api_run(struct api_req *req, struct api_reply *reply, struct err_info *e) MUST_USE;
/* Parses the parameters, runs the route's handler, and turns an error into its document: on return the reply is whole.
 * req->route must be set. */
void api_dispatch(struct api_req *req, struct api_reply *reply);

#endif
