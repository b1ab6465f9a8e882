/* The probe of a container: asks the service at the configured address whether it is ready. */
#ifndef TRACEKIN_SERVICE_HEALTHCHECK_H
#define TRACEKIN_SERVICE_HEALTHCHECK_H

#include "service/setting/address.h"

enum { SERVICE_HEALTHCHECK_TIMEOUT_MS = 3000 };

/* OK when /readyz answers 200; else what it answered, or why there is no answer. */
enum err service_healthcheck(const struct service_address *address, bool by_tls, struct err_info *e) MUST_USE;

#endif
