/* The tables of a store, and how the rows of each are made: a call for each trace of the store in the order of their time, which may
 * add rows to the stream or note something, and a call at the end. */
#ifndef TRACEKIN_BENCH_STORE_TABLE_H
#define TRACEKIN_BENCH_STORE_TABLE_H

#include "bench/store/trace.h"
#include "core/buf.h"

/* What the rows of one table are made with. */
struct job {
    struct store store;
    bool has_given;     /* of traces: vectors as a client gives them */
    struct buf out;     /* rows for COPY (db/write/copyrow.h) */
    struct arena arena; /* of one trace */
    struct arena kept;
};

struct table {
    const char *name;
    struct str columns;                        /* absent: those of the service's writer (signals_columns) */
    bool (*put)(struct job *j, uint64_t number); /* NULL: nothing comes of a single trace; false when there is no memory */
    void (*end)(struct job *j);                /* NULL: nothing */
};

#define TABLE_COLUMNS(literal) {literal, sizeof(literal) - 1}

/* As the service's writer has them. */
extern const struct table table_resources, table_scopes, table_metrics, table_spans, table_logs, table_points;
struct str signals_columns(const char *name);
/* As its assembler derives them. */
extern const struct table table_traces, table_traces_given, table_errors, table_patterns, table_operations;
/* Traces without anything else. */
extern const struct table table_vectors;

#endif
