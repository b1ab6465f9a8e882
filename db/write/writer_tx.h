/* One transaction of the writer: the rows of some batches, all or nothing; or one batch, row by row where it must be.
 *
 * A session belongs to one thread. It makes its staging tables anew whenever its connection is a new one. */
#ifndef TRACEKIN_DB_WRITER_TX_H
#define TRACEKIN_DB_WRITER_TX_H

#include "db/schema/partition.h"
#include "db/write/store.h"
#include "db/write/writer.h"
#include "db/write/writer_known.h"

/* A COPY stream is sent whenever it has grown to this; a single row may not exceed the second. */
enum { DB_WRITER_COPY_BYTES = 4 << 20, DB_WRITER_ROW_MAX_BYTES = 512 << 20 };
/* Times a transaction is tried when a deadlock, a vanished partition or a lost connection undid it, or may have. */
enum { DB_WRITER_TRIES_MAX = 3 };

struct db_writer_session {
    struct db_conn *conn;              /* owned */
    struct db_partition_days *days;    /* shared, borrowed */
    struct db_writer_known *known;        /* shared, borrowed */
    const atomic_bool *gives_commits_up;  /* shared, borrowed: what cancels a COMMIT, in place of the wait's own */
    struct buf copy;                   /* the stream being built */
};

/* What all sessions of a writer share is borrowed. ERR_NOMEM. */
enum err db_writer_session_init(struct db_writer_session *s, const char *url, struct db_partition_days *days,
                             struct db_writer_known *known, const atomic_bool *gives_commits_up, struct err_info *e) MUST_USE;
void db_writer_session_close(struct db_writer_session *s);

/* Whether PostgreSQL refused the data itself, so that trying the same again is useless. */
bool db_writer_is_refused(const struct err_info *e);

/* Stores all batches in one transaction. *n_stored: the new rows of all. On failure nothing is stored, but for
 * ERR_OUTCOME_UNKNOWN, after which it may be. */
enum err db_writer_tx_together(struct db_writer_session *s, const struct db_wait *wait, const struct db_batch *const *batches,
                            size_t n_batches, int64_t *n_stored, struct err_info *e) MUST_USE;

/* Stores one batch in one transaction; rows that are refused become dead letters. */
enum err db_writer_tx_sifted(struct db_writer_session *s, const struct db_wait *wait, const struct db_batch *batch,
                          struct db_written *out, struct err_info *e) MUST_USE;

#endif
