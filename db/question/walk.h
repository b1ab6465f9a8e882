/* Walking through a table in the order of time, for a search that stops when it has found enough.
 *
 * First the nearest rows are examined one by one: what is common is found within them. What is rare is then sought only in
 * the ranges of time that may hold it (db/chunk/chunk_find.h), when it is known which grams its rows have; else scans of growing
 * length follow each other. Each scan goes on where the last one ended, so no row is seen twice or left out. One thread. */
#ifndef TRACEKIN_DB_WALK_H
#define TRACEKIN_DB_WALK_H

#include "db/chunk/chunk.h"
#include "db/session/conn.h"
#include "db/window.h"

/* A row's place in the order of time. */
struct db_walk_key {
    int64_t ns;
    struct str id; /* bytes */
};

/* What a scan reads: the rows between two places, both excluded. */
struct db_walk_bounds {
    struct db_walk_key low, high;
};

struct db_walk;

/* A kind of search. */
struct db_walk_kind {
    enum db_chunked table;
    /* Adds the grams that every row sought has; none: unknown. */
    void (*want)(const struct db_walk *w, struct grams *wanted);
    /* Examines at most n rows within bounds, in order, and gives those that match, at most w->n_wanted. The first two columns
     * are a row's place; DB_WALK_COLUMNS begin at column. */
    enum err (*scan)(const struct db_walk *w, const struct db_walk_bounds *bounds, int64_t n, struct db_result **out,
                     struct err_info *e);
    int column;
    enum err (*tell)(const struct db_walk *w, const struct db_result *r, int row, struct err_info *e); /* one that matches */
};

struct db_walk {
    const struct db_walk_kind *kind;
    void *arg; /* the kind's */
    struct db_conn *conn;
    const struct db_wait *wait;
    struct arena *arena;
    struct db_window window;
    bool oldest_first;
    int64_t n_wanted;     /* rows still to be found */
    int64_t n_examinable; /* rows that may still be examined, matching or not */
    bool has_after;
    struct db_walk_key after; /* where the next scan begins; in the arena */
    bool is_finished;         /* the window's end was reached */
};

/* How a scan's statement ends: it examines the rows of a FROM item, which is ordered and limited, and gives those that match
 * and the last. They are numbered outside of the LIMIT, so that reading stops when enough is found. */
#define DB_WALK_COLUMNS "l.is_match, l.n, l.is_last"
#define DB_WALK_EXAMINE(from, order, is_match, limit)                                                           \
    "(SELECT l.*, " is_match " AS is_match FROM (SELECT l.*, row_number() OVER w AS n,"                         \
    " lead(true) OVER w IS NULL AS is_last FROM " from " AS l WINDOW w AS (ORDER BY " order ")) AS l"           \
    " WHERE (" is_match ") OR is_last ORDER BY " order " LIMIT " limit ")"

struct db_walk_bounds db_walk_bounds(const struct db_walk *w, struct db_window within);
/* Examines rows until enough are found, the window's end is reached or n_examinable is 0. */
enum err db_walk(struct db_walk *w, struct err_info *e) MUST_USE;

#endif
