/* EXPLAIN on demand: while it is on, each statement of the questions that a session answers is explained before it is run, so that
 * the plan is there even of one that takes too long.
 *
 * The caller owns the struct and turns it off again before its arena ends; the thread of the connection only. */
#ifndef TRACEKIN_DB_EXPLAIN_H
#define TRACEKIN_DB_EXPLAIN_H

#include "db/session/plan.h"

enum { DB_EXPLAIN_MAX = 32 };

struct db_explained {
    const char *statement; /* its name */
    int64_t took_ns, n_rows;
    struct db_plan plan;   /* without lines when it could not be had */
};

struct db_explanation {
    struct arena *arena;
    enum db_plan_depth depth;
    struct db_explained items[DB_EXPLAIN_MAX];
    size_t n, n_left_off; /* more than that are only counted */
};

/* From now on, into x; NULL: no more. */
void db_explain_into(struct db_conn *c, struct db_explanation *x);

#endif
