/* How PostgreSQL runs a statement for given values: what EXPLAIN says, and a hash by which plans can be told apart. */
#ifndef TRACEKIN_DB_PLAN_H
#define TRACEKIN_DB_PLAN_H

#include "db/session/conn.h"

struct db_plan {
    struct str *lines; /* of EXPLAIN's text; the values are among them, so they are not for logs */
    size_t n_lines;
    uint64_t hash;
};

enum db_plan_depth {
    DB_PLAN_SHAPE,  /* only the nodes and their conditions */
    DB_PLAN_COSTS,  /* and what the planner expected */
    DB_PLAN_ACTUAL, /* and what came of it: this runs the statement */
};

/* *out is in the arena. The statement's errors, and ERR_NOMEM. */
enum err db_plan_read(struct db_conn *c, const struct db_wait *wait, struct arena *arena, const struct db_statement *statement,
                      const struct db_params *params, enum db_plan_depth depth, struct db_plan *out, struct err_info *e) MUST_USE;

/* A hash of the nodes with their tables and indexes, in order, each once. Costs, conditions and values do not matter, nor do
 * how many days a partitioned table is read for and which. */
uint64_t db_plan_hash(const struct str *lines, size_t n_lines);

#endif
