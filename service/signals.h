/* SIGTERM and SIGINT, blocked and waited for; SIGPIPE is ignored. */
#ifndef TRACEKIN_SERVICE_SIGNALS_H
#define TRACEKIN_SERVICE_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

/* Before any thread is started: threads inherit what is blocked. */
void service_signals_block(void);
/* Whether one of them came within the time. */
bool service_signals_wait(int64_t timeout_ns);
/* From now on one of them ends the process at once. For the thread that blocked them. */
void service_signals_unblock(void);
/* A descriptor that is readable when one of them has come; the caller closes it. -1 when there is none to be had. */
int service_signals_open(void);
/* Takes the one that made it readable; false when there is none. */
bool service_signals_take(int fd);

#endif
