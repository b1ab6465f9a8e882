/* Metric points. */
#ifndef TRACEKIN_DB_STORE_POINTS_H
#define TRACEKIN_DB_STORE_POINTS_H

#include "db/write/store.h"

extern const struct db_store db_store_points;

#endif
