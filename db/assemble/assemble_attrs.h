/* The attributes of a trace: the union of those of its spans and resources. A key with one distinct value has that value, one
 * with several has an array of them. What is beyond the bounds is left out, first come first kept. */
#ifndef TRACEKIN_DB_ASSEMBLE_ATTRS_H
#define TRACEKIN_DB_ASSEMBLE_ATTRS_H

#include "core/buf.h"

enum {
    DB_ASSEMBLE_KEYS_MAX = 64,
    DB_ASSEMBLE_VALUES_MAX = 16,        /* a key */
    DB_ASSEMBLE_VALUE_MAX_BYTES = 256,  /* a value, as JSON */
    DB_ASSEMBLE_ATTRS_MAX_BYTES = 8192, /* all of them */
    DB_ASSEMBLE_SEEN_SLOTS = 256,
};

struct db_assemble_attr {
    struct str key; /* as in JSON, with its quotes */
    struct str values[DB_ASSEMBLE_VALUES_MAX]; /* as JSON */
    size_t n_values;
};

/* About 20 kB: in an arena, cleared by memset. */
struct db_assemble_attrs {
    struct db_assemble_attr items[DB_ASSEMBLE_KEYS_MAX];
    size_t n_items, n_bytes;
    uint64_t seen[DB_ASSEMBLE_SEEN_SLOTS]; /* hashes of objects added already: most spans repeat others' */
};

/* Adds the members of a well-formed JSON object, whose text is borrowed; anything else adds nothing. */
void db_assemble_attrs_add(struct db_assemble_attrs *a, struct str object);
void db_assemble_attrs_put(struct buf *out, const struct db_assemble_attrs *a);

#endif
