/* Spans, with the arrival of each trace that got a new one. */
#ifndef TRACEKIN_DB_STORE_SPANS_H
#define TRACEKIN_DB_STORE_SPANS_H

#include "db/write/store.h"

extern const struct db_store db_store_spans;

#endif
