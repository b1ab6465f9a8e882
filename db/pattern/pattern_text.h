/* A pattern in words, for an embedder that reads text: what began it, how it failed, which services and operations it has.
 *
 * Masked (core/mask.h), so that equal patterns have equal texts, and cut, as such embedders read no more. Pure. */
#ifndef TRACEKIN_DB_PATTERN_TEXT_H
#define TRACEKIN_DB_PATTERN_TEXT_H

#include "core/arena.h"
#include "core/str.h"

enum { DB_PATTERN_TEXT_MAX = 2000 };

/* A pattern's columns. */
struct db_pattern_words {
    struct str service, name;
    struct str error_message; /* absent: none */
    const struct str *services, *operations; /* the latter as db/assemble/assemble_operations.h makes them */
    size_t n_services, n_operations;
};

/* At most DB_PATTERN_TEXT_MAX bytes in the arena, the most telling first; absent when that is full. */
struct str db_pattern_text(struct arena *arena, const struct db_pattern_words *words);
/* Free text in the words a pattern's error message would have; empty when there are none. */
struct str db_pattern_text_of_query(struct arena *arena, struct str text);

#endif
