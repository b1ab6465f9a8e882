#include "db/schema/migrate.h"

#include <stdio.h>

#include "core/clock.h"
#include "core/log.h"
#include "db/session/advisory.h"
#include "db/session/conn_internal.h"
#include "embed/migrations.h"

enum { MIGRATE_ARENA_BYTES = 64 * 1024, CAUSE_MAX = 200 };

#define NO_TRANSACTION STR("-- no transaction\n")

static const char table_sql[] = "CREATE TABLE IF NOT EXISTS schema_migrations ("
                                "version integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, "
                                "state text NOT NULL CHECK (state IN ('running', 'applied')), "
                                "started_at timestamptz NOT NULL, finished_at timestamptz)";

static const struct db_statement find_table = {"find_migrations_table", "SELECT to_regclass('schema_migrations') IS NOT NULL"};

enum { COLUMN_VERSION, COLUMN_NAME, COLUMN_SHA256, COLUMN_IS_RUNNING, COLUMN_STARTED, COLUMN_FINISHED };
static const struct db_statement list_rows = {
    "list_migrations",
    "SELECT version, name, sha256, state = 'running', started_at, finished_at FROM schema_migrations ORDER BY version",
};

static const struct db_statement add_applied = {
    "add_migration",
    "INSERT INTO schema_migrations (version, name, sha256, state, started_at, finished_at) "
    "VALUES ($1, $2, $3, 'applied', now(), clock_timestamp()) ON CONFLICT DO NOTHING",
};

static const struct db_statement add_running = {
    "begin_migration",
    "INSERT INTO schema_migrations (version, name, sha256, state, started_at) VALUES ($1, $2, $3, 'running', now()) "
    "ON CONFLICT (version) DO UPDATE SET name = $2, sha256 = $3, started_at = now()",
};

static const struct db_statement set_applied = {
    "end_migration",
    "UPDATE schema_migrations SET state = 'applied', finished_at = now() WHERE version = $1",
};

static const struct db_statement list_leftovers = {
    "list_invalid_indexes",
    "SELECT format('DROP INDEX CONCURRENTLY IF EXISTS %I.%I', n.nspname, c.relname) "
    "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE NOT i.indisvalid AND strpos($1, c.relname) > 0",
};

struct migrate {
    struct db_conn *conn;
    const struct db_wait *wait;
    struct arena *arena;
};

/* --- the binary's migrations and the database's rows, side by side by version */

struct merge {
    struct db_migrations all;
    const struct db_result *rows; /* NULL: none */
    size_t i_next;
    int row_next;
    const struct db_migration *migration; /* NULL: the binary does not know it */
    int row;                              /* -1: the database does not have it */
};

static bool merge_next(struct merge *m)
{
    const bool has_migration = m->i_next < m->all.n;
    const bool has_row = m->rows != NULL && m->row_next < db_n_rows(m->rows);
    if (!has_migration && !has_row)
        return false;
    const int64_t in_binary = has_migration ? m->all.items[m->i_next].version : INT64_MAX;
    const int64_t in_database = has_row ? db_get_i64(m->rows, m->row_next, COLUMN_VERSION) : INT64_MAX;
    m->migration = in_binary <= in_database ? &m->all.items[m->i_next++] : NULL;
    m->row = in_database <= in_binary ? m->row_next++ : -1;
    return true;
}

static enum db_migration_state merge_state(const struct merge *m)
{
    if (m->row < 0)
        return DB_MIGRATION_PENDING;
    if (m->migration == NULL)
        return DB_MIGRATION_UNKNOWN;
    if (db_get_bool(m->rows, m->row, COLUMN_IS_RUNNING))
        return DB_MIGRATION_RUNNING;
    const bool is_same = str_equal(db_get_str(m->rows, m->row, COLUMN_SHA256), str_of(m->migration->sha256));
    return is_same ? DB_MIGRATION_APPLIED : DB_MIGRATION_EDITED;
}

static struct db_migration_status merge_status(const struct merge *m)
{
    struct db_migration_status status = {.state = merge_state(m)};
    if (m->migration != NULL) {
        status.version = m->migration->version;
        status.name = str_of(m->migration->name);
    }
    if (m->row >= 0) {
        status.version = (int)db_get_i64(m->rows, m->row, COLUMN_VERSION);
        status.name = db_get_str(m->rows, m->row, COLUMN_NAME);
        status.started_ns = db_get_time(m->rows, m->row, COLUMN_STARTED);
        status.finished_ns = db_get_time(m->rows, m->row, COLUMN_FINISHED);
    }
    return status;
}

/* Refuses a schema that this binary did not make, before anything is changed. */
static enum err merge_check(struct merge m, struct err_info *e)
{
    const int newest = m.all.n == 0 ? 0 : m.all.items[m.all.n - 1].version;
    while (merge_next(&m)) {
        const struct db_migration_status status = merge_status(&m);
        if (status.state == DB_MIGRATION_UNKNOWN)
            return ERR_SET(e, ERR_INVALID,
                           "the database's schema has migration %d (%.*s), which this binary does not know: it ends at %d. Run the "
                           "newer tracekin that made it, or restore the backup from before the upgrade",
                           status.version, STR_ARG(status.name), newest);
        if (status.state == DB_MIGRATION_EDITED)
            return ERR_SET(e, ERR_INVALID,
                           "migration %d (%.*s) has been edited since it ran on this database: bring its file back as it was, and "
                           "make the change in a new migration",
                           status.version, STR_ARG(status.name));
    }
    return OK;
}

/* --- running one */

static enum err run_with(const struct migrate *run, const struct db_statement *s, const struct db_migration *m, int64_t *n_affected,
                         struct err_info *e)
{
    AUTO(db_result) struct db_result *result = NULL;
    struct db_params params;
    db_params_init(&params, run->arena);
    db_put_i32(&params, m->version);
    if (s != &set_applied) {
        db_put_text(&params, str_of(m->name));
        db_put_text(&params, str_of(m->sha256));
    }
    TRY(db_run(run->conn, run->wait, s, &params, &result, e));
    *n_affected = db_n_affected(result);
    return OK;
}

/* The row goes first: should the lock have been lost, the other process's row is waited for and found, so that the migration
 * is still run once. */
static enum err run_in_transaction(const struct migrate *run, const struct db_migration *m, bool *did_run, struct err_info *e)
{
    int64_t n_added = 0;
    TRY(db_exec(run->conn, run->wait, "BEGIN", NULL, e));
    TRY(run_with(run, &add_applied, m, &n_added, e));
    if (n_added > 0)
        TRY(db_exec(run->conn, run->wait, m->sql, NULL, e));
    TRY(db_exec(run->conn, run->wait, "COMMIT", NULL, e));
    *did_run = n_added > 0;
    return OK;
}

/* An interrupted CREATE INDEX CONCURRENTLY leaves an invalid index, which IF NOT EXISTS would take for the real one. */
static enum err drop_leftovers(const struct migrate *run, const struct db_migration *m, struct err_info *e)
{
    AUTO(db_result) struct db_result *rows = NULL;
    struct db_params params;
    db_params_init(&params, run->arena);
    db_put_text(&params, (struct str){m->sql, m->sql_len});
    TRY(db_run(run->conn, run->wait, &list_leftovers, &params, &rows, e));
    for (int i = 0; i < db_n_rows(rows); i++) {
        const struct str sql = arena_copy(run->arena, db_get_str(rows, i, 0));
        if (sql.ptr == NULL)
            return ERR_SET_NOMEM(e);
        TRY(db_exec(run->conn, run->wait, sql.ptr, NULL, e));
    }
    return OK;
}

static enum err run_without_transaction(const struct migrate *run, const struct db_migration *m, struct err_info *e)
{
    int64_t n_rows = 0;
    TRY(run_with(run, &add_running, m, &n_rows, e));
    TRY(drop_leftovers(run, m, e));
    TRY(db_exec(run->conn, run->wait, m->sql, NULL, e));
    return run_with(run, &set_applied, m, &n_rows, e);
}

/* Names the migration in the message; the server's words stay in the detail. */
static void name_failure(struct err_info *why, const struct db_migration *m, bool in_transaction)
{
    const struct err_info cause = *why;
    (void)snprintf(why->message, sizeof why->message, "migration %d (%s) did not run: %.*s. %s", m->version, m->name,
                   CAUSE_MAX, cause.message,
                   in_transaction ? "Nothing of it is left in the database; start again once the cause is removed"
                                  : "It is marked as running; start again to finish it");
}

static enum err run_one(const struct migrate *run, const struct db_migration *m, int *n_applied, struct err_info *e)
{
    struct err_info why = {.code = OK};
    const bool in_transaction = !str_starts_with((struct str){m->sql, m->sql_len}, NO_TRANSACTION);
    bool did_run = true;
    const int64_t start_ns = clock_mono_ns();
    const enum err code = in_transaction ? run_in_transaction(run, m, &did_run, &why) : run_without_transaction(run, m, &why);
    if (code != OK) {
        db_rollback(run->conn, run->wait);
        name_failure(&why, m, in_transaction);
        db_conn_err_pass(e, &why);
        return code;
    }
    if (did_run) {
        ++*n_applied;
        LOG(LOG_INFO, "migration_applied", LOG_INT("version", m->version), LOG_CSTR("name", m->name),
            LOG_INT("took_ms", (clock_mono_ns() - start_ns) / NS_PER_MS));
    }
    return OK;
}

/* --- all of them */

static enum err run_pending(const struct migrate *run, struct db_migrations all, int *n_applied, struct err_info *e)
{
    AUTO(db_result) struct db_result *rows = NULL;
    TRY(db_migrate_prepare_server(run->conn, run->wait, e));
    TRY(db_exec(run->conn, run->wait, table_sql, NULL, e));
    TRY(db_run(run->conn, run->wait, &list_rows, NULL, &rows, e));
    struct merge m = {.all = all, .rows = rows};
    TRY(merge_check(m, e));
    while (merge_next(&m)) {
        const enum db_migration_state state = merge_state(&m);
        if (state == DB_MIGRATION_PENDING || state == DB_MIGRATION_RUNNING)
            TRY(run_one(run, m.migration, n_applied, e));
    }
    return OK;
}

enum err db_migrate_run_all(struct db_conn *c, const struct db_wait *wait, struct db_migrations all, int *n_applied,
                            struct err_info *e)
{
    AUTO(arena) struct arena arena;
    const struct migrate run = {.conn = c, .wait = wait, .arena = &arena};
    int n = 0;
    arena_init(&arena, MIGRATE_ARENA_BYTES);
    TRY(db_advisory_lock(c, wait, DB_ADVISORY_MIGRATE, e));
    const enum err code = run_pending(&run, all, &n, e);
    db_advisory_unlock(c, wait, DB_ADVISORY_MIGRATE);
    if (code == OK)
        *n_applied = n;
    return code;
}

/* *rows stays NULL where there are none, not even their table. */
static enum err read_rows(struct db_conn *c, const struct db_wait *wait, struct db_result **rows, struct err_info *e)
{
    AUTO(db_result) struct db_result *has_table = NULL;
    TRY(db_run(c, wait, &find_table, NULL, &has_table, e));
    return db_get_bool(has_table, 0, 0) ? db_run(c, wait, &list_rows, NULL, rows, e) : OK;
}

enum err db_migrate_status_all(struct db_conn *c, const struct db_wait *wait, struct db_migrations all,
                               void (*each)(void *arg, const struct db_migration_status *status), void *arg, struct err_info *e)
{
    AUTO(db_result) struct db_result *rows = NULL;
    TRY(read_rows(c, wait, &rows, e));
    struct merge m = {.all = all, .rows = rows};
    while (merge_next(&m)) {
        const struct db_migration_status status = merge_status(&m);
        each(arg, &status);
    }
    return OK;
}

enum err db_migrate_check_all(struct db_conn *c, const struct db_wait *wait, struct db_migrations all, struct err_info *e)
{
    AUTO(db_result) struct db_result *rows = NULL;
    TRY(read_rows(c, wait, &rows, e));
    struct merge m = {.all = all, .rows = rows};
    TRY(merge_check(m, e));
    while (merge_next(&m)) {
        const struct db_migration_status status = merge_status(&m);
        if (status.state != DB_MIGRATION_APPLIED)
            return ERR_SET(e, ERR_INVALID,
                           "the database's schema lacks migration %d (%.*s): run this version where it may write, with the primary's URL, "
                           "and wait until the replica has it", status.version, STR_ARG(status.name));
    }
    return OK;
}

/* --- those compiled in */

static const struct db_migrations embedded = {embed_migrations, ARRAY_LEN(embed_migrations)};

enum err db_migrate_run(struct db_conn *c, const struct db_wait *wait, int *n_applied, struct err_info *e)
{
    return db_migrate_run_all(c, wait, embedded, n_applied, e);
}

enum err db_migrate_status(struct db_conn *c, const struct db_wait *wait,
                           void (*each)(void *arg, const struct db_migration_status *status), void *arg, struct err_info *e)
{
    return db_migrate_status_all(c, wait, embedded, each, arg, e);
}

enum err db_migrate_check(struct db_conn *c, const struct db_wait *wait, struct err_info *e)
{
    return db_migrate_check_all(c, wait, embedded, e);
}

const char *db_migration_state_name(enum db_migration_state state)
{
    static const char *const names[] = {
        [DB_MIGRATION_PENDING] = "pending", [DB_MIGRATION_RUNNING] = "running", [DB_MIGRATION_APPLIED] = "applied",
        [DB_MIGRATION_EDITED] = "edited",   [DB_MIGRATION_UNKNOWN] = "unknown",
    };
    return names[state];
}
