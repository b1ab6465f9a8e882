/* What the question that a session answers has run so far: how many rows came, its slowest statement with its values, and, for
 * whoever asks, the plan of each. A part of struct db_conn; outside of a question nothing is noted. */
#ifndef TRACEKIN_DB_TRAIL_H
#define TRACEKIN_DB_TRAIL_H

#include "db/session/call.h"
#include "db/session/explain.h"

struct db_trail {
    bool is_open;
    int64_t n_rows, slowest_ns;
    struct db_call *slowest;        /* NULL: none was worth it */
    struct db_explanation *explain; /* borrowed; NULL: nobody wants plans */
};

/* A question begins, and ends. */
void db_trail_open(struct db_conn *c);
void db_trail_close(struct db_conn *c);
/* A statement is about to run, and has run. */
void db_trail_before(struct db_conn *c, const struct db_wait *wait, const struct db_statement *s, const struct db_params *p);
void db_trail_after(struct db_conn *c, const struct db_statement *s, const struct db_params *p, int64_t took_ns, int64_t n_rows);

#endif
