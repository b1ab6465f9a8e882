/* Readiness: what /readyz says, kept up to date by a thread that asks the database each second on its own connection. */
#ifndef TRACEKIN_SERVICE_READY_H
#define TRACEKIN_SERVICE_READY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

struct service_ready;

enum err service_ready_new(const char *database_url, struct service_ready **out, struct err_info *e) MUST_USE;
void service_ready_free(struct service_ready *r);
/* The process is stopping: not ready any more. */
void service_ready_drain(struct service_ready *r);
/* The ready_check of struct api_world; arg is the struct service_ready. */
bool service_ready_check(void *arg, size_t i, const char **name, bool *is_ok, const char **why);

#endif
