/* The assembler: turns stored spans and error logs into traces, errors, operations and patterns.
 *
 * What is pending are rows of trace_arrivals, written by the transaction that stored the spans and deleted by the one that
 * writes the trace, so nothing is lost or done twice by a crash. A trace is assembled whole from all its spans each time one
 * of them arrives late. Of all processes on a database one assembles: the holder of a session's advisory lock.
 *
 * A trace's status is error when it has any error, else ok when its root span is ok, else unset. Its error_count is the
 * number of its errors, each told once: a span's status, its exception events and its error logs are one error when one
 * message contains the other, or is empty, and their types do not differ. Error logs of a trace without spans make errors
 * but no trace. One connection, one thread.
 *
 * When a round fails for what its traces are, or has no time for them, fewer are tried, and one that fails alone is set aside:
 * its arrivals are put off by an hour, so that it keeps no other from being assembled, and the log names it (trace_set_aside). */
#ifndef TRACEKIN_DB_ASSEMBLE_H
#define TRACEKIN_DB_ASSEMBLE_H

#include "db/session/conn.h"

/* Bounds of one round, so that its memory is: a trace with more spans or error logs is summed up from so many of them, the
 * roots and errors first; its times and its count of spans are those of all. */
enum {
    DB_ASSEMBLE_TRACES_MAX = 512,
    DB_ASSEMBLE_SPANS_MAX = 100000,
    DB_ASSEMBLE_LOGS_MAX = 100000,
    DB_ASSEMBLE_BYTES_MAX = 64 << 20, /* of the spans, and of the logs */
    DB_ASSEMBLE_TRACE_SPANS_MAX = 20000,
    DB_ASSEMBLE_TRACE_LOGS_MAX = 10000,
    DB_ASSEMBLE_ARRIVALS_MAX = 50000, /* the oldest, from which a round picks */
};

/* A trace is due when nothing of it came for quiet_ms, or when its oldest arrival is max_age_ms old. embeds_later: it is stored
 * without an embedding but its pattern's (db/pattern/embed_patterns.h), else it has the built-in embedder's. */
struct db_assemble_when {
    int64_t quiet_ms, max_age_ms;
    bool embeds_later;
};

struct db_assembled {
    size_t n_traces; /* due traces that are done with */
    size_t n_spans;
    size_t n_set_aside;
    bool is_full; /* as many as a round takes: there may be more */
};

/* Opens the session, keeps it (db_conn_keep) and tries to become the one that assembles; to be called again when it is no
 * longer kept. */
enum err db_assemble_lead(struct db_conn *c, const struct db_wait *wait, bool *is_leader, struct err_info *e) MUST_USE;
/* Assembles what is due, in one transaction, of at most *n_traces_max traces, at first DB_ASSEMBLE_TRACES_MAX. It leaves there how
 * many the next round may take: fewer after one whose time was over, more after one that had plenty left. The session must lead. */
enum err db_assemble_round(struct db_conn *c, const struct db_wait *wait, const struct db_assemble_when *when,
                           size_t *n_traces_max, struct db_assembled *out, struct err_info *e) MUST_USE;
/* The traces that wait, due or not, and when the oldest came (0: none). */
enum err db_assemble_backlog(struct db_conn *c, const struct db_wait *wait, int64_t *n_traces, int64_t *oldest_ns,
                             struct err_info *e) MUST_USE;

#endif
