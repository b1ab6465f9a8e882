/* Logs. Those from ERROR up are errors too: with a trace the assembler derives them, so the trace gets an arrival, whose
 * window is then the log's time (wider than that of its spans, never narrower); without one they are errors at once. */
#ifndef TRACEKIN_DB_STORE_LOGS_H
#define TRACEKIN_DB_STORE_LOGS_H

#include "db/write/store.h"

extern const struct db_store db_store_logs;

#endif
