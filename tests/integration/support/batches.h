/* Batches for tests of the write path, made by hand, and a database with the schema to write them to.
 *
 * Times are milliseconds after BATCHES_DAY_NS; ids come of small numbers. One thread a batch. */
#ifndef TRACEKIN_TESTS_BATCHES_H
#define TRACEKIN_TESTS_BATCHES_H

#include "core/clock.h"
#include "db/write/writer.h"
#include "tests/integration/support/database.h"

/* 2023-01-29T00:00:00Z */
#define BATCHES_DAY_NS INT64_C(1674950400000000000)

struct made_batch {
    struct arena arena;
    struct db_batch batch;
};

/* Makes the schema in the test's database. */
void batches_schema(void);

/* With one resource, of the service, and one scope. */
void made_batch_init(struct made_batch *b, enum db_signal signal, enum db_encoding encoding, const char *service);
void made_batch_close(struct made_batch *b);
/* Each returns what it added, to be changed: a span of 5 ms (parent 0: a root), a log (span 0: of the trace alone, trace 0:
 * of none), a gauge's point. */
struct db_span *made_batch_add_span(struct made_batch *b, unsigned trace, unsigned span, unsigned parent, int64_t ms,
                                    const char *name);
struct db_log *made_batch_add_log(struct made_batch *b, unsigned id, unsigned trace, unsigned span, int64_t ms,
                                  uint8_t severity, const char *body);
struct db_point *made_batch_add_point(struct made_batch *b, unsigned id, int64_t ms, double value);

/* Writes the batch; fails the test when that fails. */
struct db_written batches_write(struct db_writer *w, struct made_batch *b);
/* From now on a COMMIT that brings new resources waits for whoever holds the lock that BATCHES_HOLD_COMMITS takes, in a
 * transaction. */
#define BATCHES_HOLD_COMMITS "SELECT pg_advisory_xact_lock(20230129)"
void batches_slow_commits(void);
/* Waits until a COMMIT waits so. */
void batches_await_commit(void);
/* The number the SQL gives in the test's database. */
int64_t batches_number(const char *sql);

#endif
