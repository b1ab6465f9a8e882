/* The running service: all its parts, started in order and drained in order. */
#ifndef TRACEKIN_SERVICE_SERVER_H
#define TRACEKIN_SERVICE_SERVER_H

#include "service/setting/config.h"

/* Migrates, serves until SIGTERM or SIGINT, drains, returns; SIGHUP reads the API keys again. A second signal ends the process at once. Call once. */
enum err service_server_run(const struct service_config *config, struct err_info *e) MUST_USE;

#endif
