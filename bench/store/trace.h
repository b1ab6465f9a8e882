/* The telemetry of one trace: its spans and logs, as rows of a batch, the same for the same seed and number.
 *
 * A tenth of the traces fail: the last call with an exception, and with it all that wait for it. Each has one to three logs, a failed
 * one an error's besides; a log in twenty is of no trace. Traces begin in the order of their numbers, evenly over the day before now. */
#ifndef TRACEKIN_BENCH_STORE_TRACE_H
#define TRACEKIN_BENCH_STORE_TRACE_H

#include "bench/store/world.h"

struct store {
    struct world world;
    uint64_t n_traces, seed;
    int64_t now_ns;
};

struct trace {
    uint64_t number;
    uint64_t state; /* of its random numbers, for who goes on with it */
    uint8_t trace_id[DB_TRACE_ID_BYTES];
    unsigned shape;
    unsigned outcome;                /* 0: it did not fail; else which of the shape's errors, from 1 */
    const struct world_error *error; /* NULL: it did not fail */
    int64_t start_ns, duration_ns;
    struct db_batch batch;
};

/* What can be told without its spans. */
void trace_begin(struct trace *t, const struct store *store, uint64_t number);
/* Its spans and logs, in the arena; false when that is full. */
bool trace_make(struct trace *t, struct store *store, uint64_t number, struct arena *arena);

#endif
