/* The schema: numbered SQL files compiled into the binary, each run once on a database, whoever starts first.
 *
 * A migration is db/migrations/NNNN_name.sql. It runs in a transaction together with its row in schema_migrations, so it is
 * there whole or not at all. One whose first line is "-- no transaction" is a single statement that may not be in one, such
 * as CREATE INDEX CONCURRENTLY IF NOT EXISTS: its row says 'running' until it has ended, it is run again when it was
 * interrupted, and what an interrupted index build left behind is dropped before. What has run never changes: a change is a
 * new migration. Several processes may start at once: they take turns by an advisory lock.
 *
 * Errors are for the operator: ERR_INVALID when the server is too old or lacks pgvector, or when the schema is newer than this
 * binary or was made by an edited migration; the message says what to do. One connection, one thread. */
#ifndef TRACEKIN_DB_MIGRATE_H
#define TRACEKIN_DB_MIGRATE_H

#include "db/session/conn.h"

struct db_migration {
    int version;
    const char *name;
    const char *sha256; /* of the file, in lower-case hex */
    const char *sql;    /* ends in a NUL that sql_len does not count */
    size_t sql_len;
};

struct db_migrations {
    const struct db_migration *items; /* by ascending version */
    size_t n;
};

enum db_migration_state {
    DB_MIGRATION_PENDING, /* not run yet */
    DB_MIGRATION_RUNNING, /* one without a transaction, under way or interrupted */
    DB_MIGRATION_APPLIED,
    DB_MIGRATION_EDITED,  /* applied, but the file was another */
    DB_MIGRATION_UNKNOWN, /* applied, but this binary does not know it: the schema is newer */
};

/* One line of the status; the texts are borrowed for the call. */
struct db_migration_status {
    int version;
    struct str name;
    enum db_migration_state state;
    int64_t started_ns, finished_ns; /* wall time; 0: not yet */
};

/* "pending", "running", ... */
const char *db_migration_state_name(enum db_migration_state state);

/* Brings the schema to this binary's; *n_applied is how many migrations this call ran. */
enum err db_migrate_run(struct db_conn *c, const struct db_wait *wait, int *n_applied, struct err_info *e) MUST_USE;
/* Calls each for every migration that the binary or the database knows, by ascending version; changes nothing. */
enum err db_migrate_status(struct db_conn *c, const struct db_wait *wait,
                           void (*each)(void *arg, const struct db_migration_status *status), void *arg,
                           struct err_info *e) MUST_USE;

/* OK when the schema is this binary's; else ERR_INVALID, saying what to do. Changes nothing, so it may be asked of a standby. */
enum err db_migrate_check(struct db_conn *c, const struct db_wait *wait, struct err_info *e) MUST_USE;

/* The same for any migrations: what the three above do with those compiled in. */
enum err db_migrate_run_all(struct db_conn *c, const struct db_wait *wait, struct db_migrations all, int *n_applied,
                            struct err_info *e) MUST_USE;
enum err db_migrate_status_all(struct db_conn *c, const struct db_wait *wait, struct db_migrations all,
                               void (*each)(void *arg, const struct db_migration_status *status), void *arg,
                               struct err_info *e) MUST_USE;

enum err db_migrate_check_all(struct db_conn *c, const struct db_wait *wait, struct db_migrations all, struct err_info *e) MUST_USE;

/* Whether the server is one this program can use, and pgvector is in this database; makes the extension when it is not.
 * Part of a run, under its lock. */
enum err db_migrate_prepare_server(struct db_conn *c, const struct db_wait *wait, struct err_info *e) MUST_USE;

#endif
