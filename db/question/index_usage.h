/* How much each index is used, of which type and how large it is, by name; the parts of a partitioned table's index counted
 * together. In a schema that other applications use too theirs are among them, but for names that ours never have. */
#ifndef TRACEKIN_DB_INDEX_USAGE_H
#define TRACEKIN_DB_INDEX_USAGE_H

#include "db/session/conn.h"

enum { DB_INDEXES_TOLD_MAX = 512 };

struct db_index_usage_row {
    struct str table, index;
    struct str type; /* its access method: "btree", "gin", "ivfflat" */
    int64_t n_scans, n_rows_read; /* since PostgreSQL's statistics were last reset */
    int64_t size_bytes;
};

typedef enum err (*db_index_usage_fn)(void *arg, const struct db_index_usage_row *row);

/* The first DB_INDEXES_TOLD_MAX, by table and name. */
enum err db_index_usage(struct db_conn *c, const struct db_wait *wait, struct arena *arena, db_index_usage_fn fn, void *arg,
                        struct err_info *e) MUST_USE;

#endif
