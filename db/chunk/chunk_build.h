/* Building chunks: what has arrived and is settled is read in the order of time and put into chunks, the oldest first.
 *
 * One process at a time, by an advisory lock of the session; should two be at it, one's transaction fails. A round is one
 * transaction: after a crash the arrivals are there still. Chunks hardly overlap: those that lie in the range of new arrivals
 * are built anew with them. */
#ifndef TRACEKIN_DB_CHUNK_BUILD_H
#define TRACEKIN_DB_CHUNK_BUILD_H

#include "db/chunk/chunk.h"
#include "db/session/conn.h"

/* Rows of a chunk, and, about, of a round. A text beyond the bound is not looked into: its chunk is always read. */
enum { DB_CHUNK_ROWS = 1024, DB_CHUNK_ROUND_ROWS = 32 * DB_CHUNK_ROWS, DB_CHUNK_TEXT_MAX_BYTES = 1 << 20 };

struct db_chunk_when {
    int64_t settled_ms;  /* what has arrived since may still get neighbours, and waits */
    int64_t n_rows;      /* a round is due when so many rows wait, */
    int64_t max_age_ms;  /* or one for so long */
};

struct db_chunk_built {
    int64_t n_rows, n_chunks;
    int64_t n_waiting, oldest_ns; /* rows that had arrived before the round, and when the first did; 0: none */
    bool is_due;                  /* there was something to do, so there may be more */
};

/* Takes the lead if nobody has it; the session is kept (db/session/conn.h). */
enum err db_chunk_lead(struct db_conn *c, const struct db_wait *wait, bool *is_leader, struct err_info *e) MUST_USE;
/* One range of one day, if any is due. */
enum err db_chunk_round(struct db_conn *c, const struct db_wait *wait, enum db_chunked table, const struct db_chunk_when *when,
                        struct db_chunk_built *out, struct err_info *e) MUST_USE;

#endif
