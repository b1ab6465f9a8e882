/* The distinct shapes of traces, by when they were seen last or first, or by how many traces they have; the most comes first. */
#ifndef TRACEKIN_DB_LIST_PATTERNS_H
#define TRACEKIN_DB_LIST_PATTERNS_H

#include "db/row/pattern_row.h"
#include "db/window.h"

enum db_list_patterns_sort { DB_PATTERNS_BY_LAST_SEEN, DB_PATTERNS_BY_FIRST_SEEN, DB_PATTERNS_BY_COUNT, DB_PATTERNS_SORTS };

/* Where a page ended: the last pattern shown. */
struct db_list_patterns_key {
    int64_t sort_value; /* db_list_patterns_value of it */
    int64_t pattern_id;
};

struct db_list_patterns_params {
    struct db_window window; /* some trace of the pattern started in it */
    int64_t new_since_ns;    /* none did before this; 0: any */
    struct str service;      /* absent: any; else some span is of this service */
    struct str status;       /* absent: any; "error": some trace failed; "ok": none did */
    enum db_list_patterns_sort sort;
    int32_t n_operations;                     /* of each that are told at most */
    const struct db_list_patterns_key *after; /* NULL: from the beginning */
    int64_t limit;                            /* rows at most: the caller asks for one more than it shows */
};

typedef enum err (*db_list_patterns_fn)(void *arg, const struct db_pattern_row *row);

/* What the row is sorted by. It moves as traces come: last_seen and count up, towards what was shown, first_seen down. */
int64_t db_list_patterns_value(const struct db_pattern_row *row, enum db_list_patterns_sort sort);
/* Calls fn for each pattern; an error of fn ends it and is returned. */
enum err db_list_patterns(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                          const struct db_list_patterns_params *params, db_list_patterns_fn fn, void *arg,
                          struct err_info *e) MUST_USE;

#endif
