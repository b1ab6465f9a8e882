/* Errors as RFC 9457 problem documents, or in OTLP's dialect where the route has it. */
#ifndef TRACEKIN_API_PROBLEM_H
#define TRACEKIN_API_PROBLEM_H

#include "api/request/req.h"

/* The whole reply of an error, of a handler or of what happened before or around one (no route, queue full, too large, draining):
 * status, headers and document. */
void api_reply_error(const struct api_req *req, struct api_reply *reply, const struct err_info *e);

#endif
