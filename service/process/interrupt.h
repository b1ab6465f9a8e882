/* An interrupt: a thread that turns the first SIGTERM or SIGINT into the end of the main thread's waits for the database.
 *
 * For work before there is anything to drain, which may take long. The signals must be blocked (service/process/signals.h) for it to
 * get them; the main thread calls all of this. */
#ifndef TRACEKIN_SERVICE_INTERRUPT_H
#define TRACEKIN_SERVICE_INTERRUPT_H

#include "db/session/conn.h"

struct service_interrupt;

enum err service_interrupt_new(struct service_interrupt **out, struct err_info *e) MUST_USE;
/* Frees it; returns whether a signal came. */
bool service_interrupt_end(struct service_interrupt *i);
/* Ends at the deadline or with ERR_CANCELLED when a signal comes; borrowed until the interrupt is freed. */
struct db_wait service_interrupt_wait(const struct service_interrupt *i, int64_t deadline_ns);
/* Sleeps so long or until a signal comes; returns whether one has. */
bool service_interrupt_pause(const struct service_interrupt *i, int ms);

#endif
