/* A request's reply as libmicrohttpd sends it. */
#ifndef TRACEKIN_SERVICE_REPLY_H
#define TRACEKIN_SERVICE_REPLY_H

#include "service/http/request.h"

struct MHD_Response;

/* new: takes the reply's body out of the request. origins: those of TRACEKIN_CORS_ORIGINS. NULL when memory is out or a header is not one. */
struct MHD_Response *service_reply_build(struct service_request *r, struct str origins, bool closes) MUST_USE;

#endif
