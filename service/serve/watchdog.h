/* The watchdog: a thread that tells the service manager that the service lives, for as long as that is so.
 *
 * Alive means: the listener's thread turns, every HTTP thread answers a request, no worker and no thread of the writer is far past
 * the deadline of what it serves, and those of the writer that have nothing to do wake when they are called. The database has no
 * part in it: a service without one is alive and not ready (service/serve/ready.h), and starting it anew would bring nothing back.
 * When the manager hears nothing for its interval, it ends the process and starts another. */
#ifndef TRACEKIN_SERVICE_WATCHDOG_H
#define TRACEKIN_SERVICE_WATCHDOG_H

#include "db/write/writer.h"
#include "service/http/engine.h"
#include "service/http/listener.h"

struct service_watchdog;

/* What it looks at; all of it outlives the watchdog. */
struct service_watched {
    struct db_writer *writer; /* NULL: nothing is written */
    struct service_engine *engine;
    struct service_listener *listener;
    struct service_lane *const *lanes; /* NULL where there is none */
    size_t n_lanes, n_http_threads;
};

/* Where no manager asks for signs of life (service_notify_watchdog_ns) nothing is started, and *out is NULL. */
enum err service_watchdog_new(const struct service_watched *watched, struct service_watchdog **out, struct err_info *e) MUST_USE;
void service_watchdog_free(struct service_watchdog *w);

#endif
