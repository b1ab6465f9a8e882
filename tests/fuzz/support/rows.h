/* Whether every row of a decoded batch may be stored as it is. */
#ifndef TRACEKIN_TESTS_ROWS_H
#define TRACEKIN_TESTS_ROWS_H

#include "db/write/batch.h"

/* Fails when a text is not clean or too long, JSON is none, or a row has a place it should not. */
void rows_check(const struct db_batch *batch);

#endif
