/* SIGTERM and SIGINT, which stop the process, and SIGHUP, which has it read its files again: blocked and waited for. SIGPIPE is ignored. */
#ifndef TRACEKIN_SERVICE_SIGNALS_H
#define TRACEKIN_SERVICE_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

/* Before any thread is started: threads inherit what is blocked. SIGHUP is blocked by the second only, for who takes it. */
void service_signals_block(void);
void service_signals_block_reload(void);
/* Whether one to stop came within the time. */
bool service_signals_wait(int64_t timeout_ns);
/* Which one came within the time. */
enum service_signal { SERVICE_SIGNAL_NONE, SERVICE_SIGNAL_STOP, SERVICE_SIGNAL_RELOAD };
enum service_signal service_signals_next(int64_t timeout_ns);
/* From now on one to stop ends the process at once. For the thread that blocked them. */
void service_signals_unblock(void);
/* A descriptor that is readable when one to stop has come; the caller closes it. -1 when there is none to be had. */
int service_signals_open(void);
/* Takes the one that made it readable; false when there is none. */
bool service_signals_take(int fd);

#endif
