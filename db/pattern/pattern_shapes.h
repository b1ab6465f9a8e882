/* What the shapes of traces are made of, by pattern: to tell why two of them are alike. */
#ifndef TRACEKIN_DB_PATTERN_SHAPES_H
#define TRACEKIN_DB_PATTERN_SHAPES_H

#include "db/session/conn.h"

/* Each operation is service, DB_OPERATION_SEPARATOR (db/assemble/assemble_operations.h), masked name; in the order of their bytes. */
struct db_pattern_shape {
    int64_t pattern_id;
    const struct str *operations;
    size_t n_operations;
    bool are_cut; /* some are not told */
};

/* Reads the shapes of those of the patterns that are there, in order of their ids; all of it is in the arena. */
enum err db_pattern_shapes_read(struct db_conn *c, const struct db_wait *wait, struct arena *arena, const int64_t *pattern_ids,
                                size_t n_ids, struct db_pattern_shape **out, size_t *n_out, struct err_info *e) MUST_USE;
/* NULL when it is not among them. */
const struct db_pattern_shape *db_pattern_shapes_find(const struct db_pattern_shape *shapes, size_t n, int64_t pattern_id);

#endif
