/* The pulse of the HTTP threads: whether each of them still answers. One caller at a time. */
#ifndef TRACEKIN_SERVICE_PULSE_H
#define TRACEKIN_SERVICE_PULSE_H

#include "service/http/engine.h"

/* Asks every thread of the engine for /healthz, over a connection of its own; blocks until each has answered or ended it, or the deadline.
 * False also when no connection can be made. */
bool service_pulse_is_felt(struct service_engine *engine, size_t n_threads, int64_t deadline_ns);

#endif
