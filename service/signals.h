/* SIGTERM and SIGINT, blocked and waited for, and SIGHUP, which asks a service to read its files again; SIGPIPE is ignored. */
#ifndef TRACEKIN_SERVICE_SIGNALS_H
#define TRACEKIN_SERVICE_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

enum service_signal { SIGNAL_NONE, SIGNAL_STOP, SIGNAL_RELOAD };

/* Before any thread is started: threads inherit what is blocked. */
void service_signals_block(void);
/* SIGHUP too, for a service: it ends anything else, as ever. */
void service_signals_block_reload(void);
/* The one that came within the time. */
enum service_signal service_signals_wait(int64_t timeout_ns);
/* From now on SIGTERM or SIGINT ends the process at once. For the thread that blocked them. */
void service_signals_unblock(void);
/* A descriptor that is readable when SIGTERM or SIGINT has come; the caller closes it. -1 when there is none to be had. */
int service_signals_open(void);
/* Takes the one that made it readable; false when there is none. */
bool service_signals_take(int fd);

#endif
