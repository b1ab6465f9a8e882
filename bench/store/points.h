/* Points of the metrics, as many as traces: every service sends each of its five metrics evenly over the day. A point of the
 * histogram of durations names the trace of its number. */
#ifndef TRACEKIN_BENCH_STORE_POINTS_H
#define TRACEKIN_BENCH_STORE_POINTS_H

#include "bench/store/trace.h"

/* Makes a batch of one point, in the arena; false when that is full. */
bool point_make(struct db_batch *out, struct store *store, uint64_t number, struct arena *arena);

#endif
