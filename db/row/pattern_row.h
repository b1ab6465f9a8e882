/* A pattern: one distinct shape of traces. Slices are borrowed during the call they are passed to. */
#ifndef TRACEKIN_DB_PATTERN_ROW_H
#define TRACEKIN_DB_PATTERN_ROW_H

#include "db/session/conn.h"

struct db_pattern_row {
    int64_t pattern_id;
    struct str service, name;   /* of the root */
    const struct str *services; /* of all spans */
    size_t n_services;
    struct str error_message;           /* absent: none */
    int64_t trace_count, error_count;   /* of all its traces; of those that failed */
    int64_t first_seen_ns, last_seen_ns; /* starts of its earliest and its newest trace */
    struct str exemplar_trace_id;       /* 16 bytes */
    const struct str *operations;       /* service, DB_OPERATION_SEPARATOR, masked name; in the order of their bytes */
    size_t n_operations;
    int64_t operation_count;            /* with those that were not asked for */
    bool operations_are_cut;            /* the shape has more than are known */
};

/* The columns of a pattern, from patterns AS p; operations is "p.operations" or a slice of it. A statement selects them first. */
#define DB_PATTERN_COLUMNS(operations)                                                                                   \
    "p.pattern_id, p.service, p.name, p.services, p.error_message, p.trace_count, p.error_count, p.first_seen_ns, "      \
    "p.last_seen_ns, p.exemplar_trace_id, " operations ", cardinality(p.operations), p.operations_are_cut"

/* Reads a row whose first columns are DB_PATTERN_COLUMNS; arrays are in the arena, texts in r. */
enum err db_pattern_row_read(const struct db_result *r, int row, struct arena *arena, struct db_pattern_row *out,
                             struct err_info *e) MUST_USE;

#endif
