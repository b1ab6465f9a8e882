/* The listener: one thread that accepts connections and hands them to the engine.
 *
 * Past the bound of connections it answers 503 itself, unless TLS is spoken, and closes; when the process is out of files it
 * waits a little and leaves the rest in the kernel's queue. */
#ifndef TRACEKIN_SERVICE_LISTENER_H
#define TRACEKIN_SERVICE_LISTENER_H

#include "service/http/engine.h"

struct service_listener;

/* Binds at once and accepts from now on; *bound is the address with its real port. */
enum err service_listener_new(const struct service_config *config, struct service_engine *engine, struct service_address *bound,
                              struct service_listener **out, struct err_info *e) MUST_USE;
/* Whether its thread turns: blocks until it has taken note, or the deadline. One caller at a time. */
bool service_listener_answers(struct service_listener *listener, int64_t deadline_ns);
/* Accepts nothing any more. */
void service_listener_free(struct service_listener *listener);

#endif
