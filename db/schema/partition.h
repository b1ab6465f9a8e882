/* The day partitions of spans, logs and metric_points, and of the chunks of logs and errors: spans_20230129 holds that UTC day.
 *
 * A partition is made beside its parent and then attached, which waits for no reader and no writer of the parent. Several
 * threads and processes may ask for the same day at once: a transaction-level advisory lock a table and day lets one make
 * it. Tables come from the fixed names, never from input.
 *
 * One is dropped after it was detached concurrently, which waits for the transactions that were there before and lets all others
 * go on; rows of a day on its way out are refused as are those of a day without a partition (SQLSTATE 23514). */
#ifndef TRACEKIN_DB_PARTITION_H
#define TRACEKIN_DB_PARTITION_H

#include "db/session/conn.h"

enum { DB_PARTITIONED_TABLES = 5, DB_PARTITION_DAYS_KNOWN_MAX = 512, DB_PARTITION_PATIENCE_MS = 5000 };
extern const char *const db_partitioned_tables[DB_PARTITIONED_TABLES];

/* Makes sure the day (days since 1970-01-01 UTC) of the table has a partition; in a transaction of its own, so none may be
 * open. */
enum err db_partition_make(struct db_conn *c, const struct db_wait *wait, const char *table, int64_t day,
                           struct err_info *e) MUST_USE;
/* Drops the partitions of all tables that end at or before the instant; *n_out: how many, on failure too. No transaction may
 * be open. ERR_BUSY: one was waited for DB_PARTITION_PATIENCE_MS; the next call goes on with it. */
enum err db_partition_drop_before(struct db_conn *c, const struct db_wait *wait, int64_t before_ns, int *n_out,
                                  struct err_info *e) MUST_USE;

/* Which days are known to have a partition; shared by threads. */
struct db_partition_days;

/* new, or NULL. owner_url: the same database as the role that may make partitions, for callers whose own may not; NULL for others. */
struct db_partition_days *db_partition_days_new(const char *owner_url) MUST_USE;
void db_partition_days_free(struct db_partition_days *d);
/* As db_partition_make, asking PostgreSQL only the first time; on a session of the owner that is made for it, if there is one. */
enum err db_partition_days_ensure(struct db_partition_days *d, struct db_conn *c, const struct db_wait *wait,
                                  const char *table, int64_t day, struct err_info *e) MUST_USE;
/* Forgets all: another process may have dropped some. */
void db_partition_days_forget(struct db_partition_days *d);

#endif
