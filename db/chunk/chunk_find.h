/* Where in time the rows may be that have some grams: what a search reads instead of its whole window. */
#ifndef TRACEKIN_DB_CHUNK_FIND_H
#define TRACEKIN_DB_CHUNK_FIND_H

#include "db/chunk/chunk.h"
#include "db/session/conn.h"
#include "db/window.h"

enum { DB_CHUNK_FIND_MAX = 1024 };

struct db_chunk_range {
    struct db_window window;
    int64_t n_rows; /* about */
};

struct db_chunk_ranges {
    struct db_chunk_range items[DB_CHUNK_FIND_MAX]; /* in the order asked for; no two share an instant */
    size_t n;
    bool is_all; /* else there may be more beyond the last */
};

/* The ranges of a window, in which every row is that has the grams and was committed when this was called. Not within a
 * transaction: it has one of its own. */
enum err db_chunk_find(struct db_conn *c, const struct db_wait *wait, struct arena *arena, enum db_chunked table,
                       const struct grams *wanted, struct db_window window, bool oldest_first, struct db_chunk_ranges *out,
                       struct err_info *e) MUST_USE;

#endif
