/* A batch as text, so that two can be compared. */
#ifndef TRACEKIN_TESTS_BATCH_TEXT_H
#define TRACEKIN_TESTS_BATCH_TEXT_H

#include "core/buf.h"
#include "db/write/batch.h"

/* Appends it, but for raw slices: one row a line, "span name=... start=...", NUL at its end. */
void tests_otlp_put_batch(struct buf *out, const struct db_batch *b);

#endif
