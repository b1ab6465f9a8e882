/* The HTTP engine: libmicrohttpd without a listening socket, fed by the listener (docs/decisions/002-own-acceptor-and-lanes.md).
 *
 * Its threads never wait for a database: they read, judge, route, and either answer at once or suspend the connection and push
 * the request to a lane, whose worker resumes it. */
#ifndef TRACEKIN_SERVICE_ENGINE_H
#define TRACEKIN_SERVICE_ENGINE_H

#include "service/http/access.h"
#include "service/http/lane.h"
#include "service/http/tls.h"
#include "service/setting/config.h"

struct service_engine;

/* All but out and e outlive it; lanes holds one for each value of enum api_lane, NULL for API_LANE_NONE; tls is NULL for plain HTTP. */
enum err service_engine_new(const struct service_config *config, const struct api_world *world, struct service_lane *const *lanes,
                            struct service_access *access, struct service_tls *tls, struct service_engine **out,
                            struct err_info *e) MUST_USE;
/* Every lane must be freed before: no request may be suspended. Closes what connections are left. */
void service_engine_free(struct service_engine *engine);
/* Serves an accepted, non-blocking socket; it is taken. Any thread. */
bool service_engine_add(struct service_engine *engine, int fd, const struct sockaddr *address, socklen_t len);
/* From now on each reply closes its connection. */
void service_engine_drain(struct service_engine *engine);
/* Requests whose header has come and whose reply has not gone. */
size_t service_engine_n_in_flight(const struct service_engine *engine);
/* Those added and not closed yet. */
size_t service_engine_n_connections(struct service_engine *engine);
/* What a lane calls when a request's reply is whole. */
void service_engine_resume(struct service_request *r);

#endif
