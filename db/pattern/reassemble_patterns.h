/* Traces of outdated patterns are put back to be assembled again, under new fingerprints and with new vectors.
 *
 * A pass walks over the outdated patterns. What has spans arrives anew (trace_arrivals), while the assembler's backlog is
 * small; what clients described is derived again at once. Patterns that lose their last trace go in the merge. When all of
 * that is assembled, what is still outdated has no trace, or traces whose spans are gone: the former go, the latter are settled,
 * without a vector, or are left to a model outside of the process. So it ends. Where a pass is lives with the caller; begun
 * again after a crash it finds fewer patterns. For who leads by db/pattern/embed_patterns.h; one connection, one thread. */
#ifndef TRACEKIN_DB_REASSEMBLE_PATTERNS_H
#define TRACEKIN_DB_REASSEMBLE_PATTERNS_H

#include "db/pattern/pattern_models.h"
#include "db/pattern/spread_patterns.h"

/* Arrivals that are overdue, beyond which nothing is put back. */
enum { DB_REASSEMBLE_BACKLOG_MAX = 2000 };

/* Where a pass is. All zero: before its begin. */
struct db_reassembly {
    enum { DB_REASSEMBLY_NEW, DB_REASSEMBLY_WALKING, DB_REASSEMBLY_AWAITING } stage;
    bool is_in_pattern;
    struct db_pattern_walk walk; /* pattern_id: of the pattern walked over, or the last one */
    int64_t last_arrival_id;     /* what is awaited */
};

struct db_reassemble_how {
    const struct db_pattern_models *models; /* the outdated ones */
    bool embeds_later;                      /* a model outside of the process is wanted */
    int64_t overdue_ms;                     /* of an arrival: by then the assembler would have taken it */
};

struct db_reassembled {
    bool is_waiting; /* for the assembler */
    bool is_over;    /* the pass; what is outdated after it takes another */
    int64_t n_put, n_derived, n_settled; /* traces put back, traces derived, patterns settled */
};

/* Does one batch of at most DB_SPREAD_TRACES_MAX traces. */
enum err db_reassemble_patterns(struct db_conn *c, const struct db_wait *wait, const struct db_reassemble_how *how,
                                struct db_reassembly *at, struct db_reassembled *out, struct err_info *e) MUST_USE;

#endif
