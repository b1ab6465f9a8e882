/* SIGTERM and SIGINT, waited for by the main thread; SIGPIPE is ignored. */
#ifndef TRACEKIN_SERVICE_SIGNALS_H
#define TRACEKIN_SERVICE_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

/* Before any thread is started: threads inherit what is blocked. */
void service_signals_block(void);
/* Whether one of them came within the time. */
bool service_signals_wait(int64_t timeout_ns);

#endif
