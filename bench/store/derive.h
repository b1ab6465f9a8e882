/* What the service makes of a trace's spans and logs, made by the service's own functions: the row of traces with its pattern and its
 * embedding, and the errors. */
#ifndef TRACEKIN_BENCH_STORE_DERIVE_H
#define TRACEKIN_BENCH_STORE_DERIVE_H

#include "bench/store/trace.h"
#include "db/assemble/assemble_trace.h"

/* Makes the trace of a number, and all of it in the arena; with the operations of its pattern or not. False when that is full. */
bool derive_number(struct store *store, uint64_t number, bool with_operations, struct arena *arena, struct trace *t,
                   struct db_assemble_output *out);

#endif
