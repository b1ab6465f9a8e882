/* Advisory locks of a database, held by a session: of all processes on it, one at a time.
 *
 * A lock ends with its session, so a holder that dies leaves nothing behind; the session of a holder is kept (db_conn_keep),
 * so that one who has lost the lock with it is told by the next command. Taking one polls: a session that blocked on it would have a snapshot that CREATE INDEX CONCURRENTLY waits for,
 * and the two would be a deadlock. They need a session of their own, so no pooler in transaction mode in between. */
#ifndef TRACEKIN_DB_ADVISORY_H
#define TRACEKIN_DB_ADVISORY_H

#include "db/session/conn.h"

enum { DB_ADVISORY_POLL_MS = 100 };

/* Begin with "trace", so that other applications' locks are others. All are listed here, so that no two are the same. */
#define DB_ADVISORY_MIGRATE INT64_C(0x7472616365006d31)
#define DB_ADVISORY_ASSEMBLE INT64_C(0x7472616365006d32)
#define DB_ADVISORY_RETENTION INT64_C(0x7472616365006d33)
#define DB_ADVISORY_VECTOR_INDEX INT64_C(0x7472616365006d34)
#define DB_ADVISORY_EMBED INT64_C(0x7472616365006d35)
#define DB_ADVISORY_CHUNKS INT64_C(0x7472616365006d36)

/* One attempt. */
enum err db_advisory_try(struct db_conn *c, const struct db_wait *wait, int64_t key, bool *is_held, struct err_info *e) MUST_USE;
/* Attempts every DB_ADVISORY_POLL_MS; ERR_TIMEOUT when somebody else holds it until the deadline. */
enum err db_advisory_lock(struct db_conn *c, const struct db_wait *wait, int64_t key, struct err_info *e) MUST_USE;
/* Releases a held lock, the only one of its session, which is no longer kept; closes the session, which releases it too, when
 * the server does not answer. */
void db_advisory_unlock(struct db_conn *c, const struct db_wait *wait, int64_t key);

#endif
