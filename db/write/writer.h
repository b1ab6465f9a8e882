/* The writer: stores batches, several requests to a transaction.
 *
 * Started by db_writer_new with its own threads and connections; freed by db_writer_free, which stores what is queued first.
 * Any thread may call db_writer_write; it blocks until the batch is committed, refused, or the deadline passes, or until
 * db_writer_cancel. Same rows twice store once. Rows that PostgreSQL refuses go to dead_letters with the reason, the rest of
 * the batch is stored. */
#ifndef TRACEKIN_DB_WRITER_H
#define TRACEKIN_DB_WRITER_H

#include "db/session/conn.h"
#include "db/write/batch.h"

enum { DB_WRITER_QUEUE_MAX = 256, DB_WRITER_COMMIT_GRACE_MS = 2000 };

struct db_writer;

/* What became of a batch's rows. accepted counts every row not refused, duplicates included. */
struct db_written {
    int64_t n_stored, n_duplicate, n_dead;
};

/* owner_url: db_partition_days_new's. ERR_NOMEM, ERR_INTERNAL. */
enum err db_writer_new(const char *url, const char *owner_url, int n_threads, struct db_writer **out, struct err_info *e) MUST_USE;
void db_writer_free(struct db_writer *w);
/* OK only after COMMIT. ERR_OUTCOME_UNKNOWN: it may be stored (sending it again is safe). Any other error: nothing of it is, nor will
 * be. ERR_BUSY: the queue is full; ERR_UNAVAILABLE: no database; ERR_TIMEOUT, ERR_CANCELLED. The batch is borrowed until the
 * call returns. */
enum err db_writer_write(struct db_writer *w, const struct db_batch *batch, int64_t deadline_ns, struct db_written *out,
                         struct err_info *e) MUST_USE;
/* Cancels what is queued, what is being stored, and what is yet to come. A transaction that has got as far as its COMMIT is
 * waited for, as nobody could tell what became of it; for DB_WRITER_COMMIT_GRACE_MS, then it is cancelled too. Any thread,
 * once. */
void db_writer_cancel(struct db_writer *w);

/* Whether one of its threads hangs: an idle one does not wake by deadline_ns, or one at work has nothing that was to be stored since
 * then_ns (both of the monotonic clock). Waits until deadline_ns at most. Any thread, one at a time. */
bool db_writer_is_stuck(struct db_writer *w, int64_t then_ns, int64_t deadline_ns) MUST_USE;

#endif
