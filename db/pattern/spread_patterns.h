/* Spreading: traces take over the new vector of their pattern, batch by batch.
 *
 * A walk goes over a pattern's traces once, the newest first: those stored while it goes come with the vector already. Where
 * it is lives with the caller; begun again after a crash it finds most of it done. Traces whose embedding was given keep it.
 * For who leads by db/pattern/embed_patterns.h; one connection, one thread. */
#ifndef TRACEKIN_DB_SPREAD_PATTERNS_H
#define TRACEKIN_DB_SPREAD_PATTERNS_H

#include "db/session/conn.h"
#include "db/write/batch.h"

/* Traces looked at by one transaction. */
enum { DB_SPREAD_TRACES_MAX = 1000 };

/* A place in the walk over a pattern's traces, by start and id. */
struct db_pattern_walk {
    int64_t pattern_id, start_ns;
    uint8_t trace_id[DB_TRACE_ID_BYTES];
};

/* Before the pattern's newest trace. */
void db_pattern_walk_begin(struct db_pattern_walk *w, int64_t pattern_id);
/* Moves past a trace, 16 bytes. */
void db_pattern_walk_pass(struct db_pattern_walk *w, int64_t start_ns, struct str trace_id);
/* Three parameters, which DB_PATTERN_WALK takes as $1, $2 and $3: the rest of a query from FROM on, with one more condition. */
void db_pattern_walk_put(struct db_params *p, const struct db_pattern_walk *w);
#define DB_PATTERN_WALK(and, limit)                                                                                   \
    " FROM traces WHERE pattern_id = $1 AND start_ns <= $2 AND (start_ns < $2 OR trace_id > $3)" and                   \
    " ORDER BY pattern_id, start_ns DESC, trace_id LIMIT " limit

struct db_spreading {
    bool is_under_way;
    struct db_pattern_walk walk;
};

/* Does one batch for the patterns whose vector is of the model; *has_more: there is another. *n_traces took a vector over. */
enum err db_spread_patterns(struct db_conn *c, const struct db_wait *wait, struct str model, struct db_spreading *at, bool *has_more,
                            int64_t *n_traces, struct err_info *e) MUST_USE;

#endif
