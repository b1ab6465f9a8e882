/* Migrations: run once whoever starts first, whole or not at all; a schema of another binary is refused. */
#include "db/schema/migrate.h"

#include <pthread.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/log.h"
#include "db/session/advisory.h"
#include "tests/integration/support/database.h"

enum { ENOUGH_MS = 20000, N_STARTERS = 4, LIST_MAX = 64, SQL_MAX = 256 };

#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define MIGRATION(version, name, sha256, sql) {version, name, sha256, sql, sizeof(sql) - 1}
#define ALL(items) ((struct db_migrations){(items), ARRAY_LEN(items)})

#define INDEX_SQL "-- no transaction\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ix_first_n ON first (n);\n"

/* The second takes long enough for others to come in between; the third cannot be in a transaction. */
static const struct db_migration three[] = {
    MIGRATION(1, "first", SHA_A, "CREATE TABLE first (n int);\nINSERT INTO first VALUES (1);\n"),
    MIGRATION(2, "second", SHA_A, "CREATE TABLE second (v vector(3));\nSELECT pg_sleep(0.3);\nINSERT INTO first VALUES (2);\n"),
    MIGRATION(3, "third", SHA_A, INDEX_SQL),
};

static struct database database;
static struct db_conn *conn;
static struct err_info info;
static struct db_wait wait;

static void setup(void)
{
    database_create(&database);
    conn = db_conn_new(database.url, "test_migrate");
    ck_assert_ptr_nonnull(conn);
    info = (struct err_info){.code = OK};
    wait = database_wait(ENOUGH_MS);
    log_set_level(LOG_WARN);
}

static void teardown(void)
{
    db_conn_free(conn);
    database_drop(&database);
}

static void run_ok(struct db_migrations all, int n_wanted)
{
    int n_applied = -1;
    const enum err code = db_migrate_run_all(conn, &wait, all, &n_applied, &info);
    ck_assert_msg(code == OK, "%s: %s", info.message, info.detail);
    ck_assert_int_eq(n_applied, n_wanted);
}

/* The run is refused with code, and the message has this in it. */
static void run_refused(struct db_migrations all, enum err code, const char *words)
{
    int n_applied = -1;
    info = (struct err_info){.code = OK};
    ck_assert_int_eq(db_migrate_run_all(conn, &wait, all, &n_applied, &info), code);
    ck_assert_int_eq(n_applied, -1);
    ck_assert_msg(strstr(info.message, words) != NULL, "%s", info.message);
    info = (struct err_info){.code = OK};
}

static int64_t number(const char *sql)
{
    return database_number(database.url, sql);
}

/* --- running */

START_TEST(all_run_once)
{
    run_ok(ALL(three), 3);
    ck_assert_int_eq(number("SELECT sum(n) FROM first"), 3);
    ck_assert_int_eq(number("SELECT count(*) FROM schema_migrations WHERE state = 'applied' AND finished_at >= started_at "
                            "AND sha256 = '" SHA_A "'"),
                     3);
    ck_assert_int_eq(number("SELECT count(*) FROM pg_index WHERE indexrelid = 'ix_first_n'::regclass AND indisvalid"), 1);
    run_ok(ALL(three), 0);
    ck_assert_int_eq(number("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
                            "(SELECT oid FROM pg_database WHERE datname = current_database())"),
                     0);
}
END_TEST

START_TEST(new_ones_are_added)
{
    run_ok((struct db_migrations){three, 1}, 1);
    run_ok(ALL(three), 2);
}
END_TEST

struct starter {
    pthread_t thread;
    int n_applied;
    enum err code;
};

static void *starter_thread(void *arg)
{
    struct starter *const s = arg;
    const struct db_wait patient = database_wait(ENOUGH_MS);
    AUTO(db_conn) struct db_conn *own = db_conn_new(database.url, "test_migrate");
    s->code = db_migrate_run_all(own, &patient, ALL(three), &s->n_applied, NULL);
    return NULL;
}

START_TEST(starters_at_once_run_each_once)
{
    struct starter starters[N_STARTERS] = {{.n_applied = -1}};
    int n_applied = 0;
    for (int i = 0; i < N_STARTERS; i++)
        ck_assert_int_eq(pthread_create(&starters[i].thread, NULL, starter_thread, &starters[i]), 0);
    for (int i = 0; i < N_STARTERS; i++) {
        ck_assert_int_eq(pthread_join(starters[i].thread, NULL), 0);
        ck_assert_int_eq(starters[i].code, OK);
        n_applied += starters[i].n_applied;
    }
    ck_assert_int_eq(n_applied, 3);
    ck_assert_int_eq(number("SELECT count(*) FROM first"), 2);
}
END_TEST

START_TEST(a_lock_held_by_another_is_waited_for_until_the_deadline)
{
    AUTO(db_conn) struct db_conn *holder = db_conn_new(database.url, "test_migrate");
    ck_assert_int_eq(db_advisory_lock(holder, &wait, DB_ADVISORY_MIGRATE, &info), OK);
    wait = database_wait(3 * DB_ADVISORY_POLL_MS);
    run_refused(ALL(three), ERR_TIMEOUT, "another process");
    bool is_held = true;
    wait = database_wait(ENOUGH_MS);
    ck_assert_int_eq(db_advisory_try(conn, &wait, DB_ADVISORY_MIGRATE, &is_held, &info), OK);
    ck_assert(!is_held);
    db_advisory_unlock(holder, &wait, DB_ADVISORY_MIGRATE);
    run_ok(ALL(three), 3);
}
END_TEST

/* --- failing */

START_TEST(a_failed_one_leaves_nothing)
{
    static const struct db_migration broken[] = {
        MIGRATION(1, "first", SHA_A, "CREATE TABLE first (n int);\n"),
        MIGRATION(2, "broken", SHA_A, "CREATE TABLE half (n int);\nSELECT 1/0;\n"),
    };
    static const struct db_migration cured[] = {
        MIGRATION(1, "first", SHA_A, "CREATE TABLE first (n int);\n"),
        MIGRATION(2, "broken", SHA_B, "CREATE TABLE half (n int);\n"),
    };
    run_refused(ALL(broken), ERR_INVALID, "migration 2 (broken)");
    ck_assert_int_eq(number("SELECT count(*) FROM schema_migrations"), 1);
    ck_assert_int_eq(number("SELECT count(*) FROM pg_class WHERE relname = 'half'"), 0);
    run_ok(ALL(cured), 1);
}
END_TEST

/* The unique index fails on the two equal rows and stays behind, invalid. */
START_TEST(an_interrupted_index_is_built_anew)
{
    run_ok((struct db_migrations){three, 2}, 2);
    database_exec(database.url, "INSERT INTO first VALUES (2)");
    run_refused(ALL(three), ERR_INTERNAL, "migration 3 (third)");
    ck_assert_int_eq(number("SELECT count(*) FROM schema_migrations WHERE state = 'running'"), 1);
    ck_assert_int_eq(number("SELECT count(*) FROM pg_index WHERE indexrelid = 'ix_first_n'::regclass AND NOT indisvalid"), 1);
    database_exec(database.url, "DELETE FROM first WHERE ctid = (SELECT max(ctid) FROM first)");
    run_ok(ALL(three), 1);
    ck_assert_int_eq(number("SELECT count(*) FROM pg_index WHERE indexrelid = 'ix_first_n'::regclass AND indisvalid"), 1);
    ck_assert_int_eq(number("SELECT count(*) FROM schema_migrations WHERE state = 'applied'"), 3);
}
END_TEST

START_TEST(a_deadline_ends_the_run)
{
    static const struct db_migration slow[] = {
        MIGRATION(1, "first", SHA_A, "CREATE TABLE first (n int);\n"),
        MIGRATION(2, "second", SHA_A, "SELECT pg_sleep(60);\n"),
    };
    wait = database_wait(2000);
    run_refused(ALL(slow), ERR_TIMEOUT, "migration 2 (second)");
    ck_assert_int_eq(number("SELECT count(*) FROM schema_migrations"), 1);
}
END_TEST

/* --- refusing */

START_TEST(an_edited_one_is_refused)
{
    static const struct db_migration edited[] = {
        MIGRATION(1, "first", SHA_B, "CREATE TABLE first (n int, m int);\n"),
        MIGRATION(2, "later", SHA_A, "CREATE TABLE later (n int);\n"),
    };
    run_ok((struct db_migrations){three, 1}, 1);
    run_refused(ALL(edited), ERR_INVALID, "migration 1 (first) has been edited");
    ck_assert_int_eq(number("SELECT count(*) FROM pg_class WHERE relname = 'later'"), 0);
}
END_TEST

START_TEST(a_newer_schema_is_refused)
{
    run_ok(ALL(three), 3);
    run_refused((struct db_migrations){three, 2}, ERR_INVALID, "does not know: it ends at 2");
}
END_TEST

START_TEST(a_role_that_may_not_make_the_extension_is_told_who_may)
{
    char sql[SQL_MAX];
    (void)snprintf(sql, sizeof sql, "ALTER DATABASE %s SET role = 'pg_monitor'", database.name);
    database_exec(database.url, sql);
    run_refused(ALL(three), ERR_INTERNAL, "run CREATE EXTENSION vector in it as a superuser");
}
END_TEST

/* --- status */

struct list {
    int n;
    struct db_migration_status items[LIST_MAX];
};

static void list_add(void *arg, const struct db_migration_status *status)
{
    struct list *const list = arg;
    ck_assert_int_lt(list->n, LIST_MAX);
    ck_assert_uint_gt(status->name.len, 0);
    list->items[list->n++] = *status;
}

static struct list status_of(struct db_migrations all)
{
    struct list list = {.n = 0};
    ck_assert_int_eq(db_migrate_status_all(conn, &wait, all, list_add, &list, &info), OK);
    return list;
}

START_TEST(status_changes_nothing)
{
    const struct list list = status_of(ALL(three));
    ck_assert_int_eq(list.n, 3);
    for (int i = 0; i < list.n; i++) {
        ck_assert_int_eq(list.items[i].version, i + 1);
        ck_assert_int_eq(list.items[i].state, DB_MIGRATION_PENDING);
        ck_assert_int_eq(list.items[i].started_ns, 0);
    }
    ck_assert_int_eq(number("SELECT count(*) FROM pg_class WHERE relname = 'schema_migrations'"), 0);
}
END_TEST

START_TEST(status_tells_every_state)
{
    static const struct db_migration others[] = {
        MIGRATION(1, "first", SHA_A, "SELECT 1"), MIGRATION(2, "second", SHA_B, "SELECT 1"),
        MIGRATION(3, "third", SHA_A, "SELECT 1"), MIGRATION(5, "fifth", SHA_A, "SELECT 1"),
    };
    static const enum db_migration_state wanted[] = {
        DB_MIGRATION_APPLIED, DB_MIGRATION_EDITED, DB_MIGRATION_RUNNING, DB_MIGRATION_UNKNOWN, DB_MIGRATION_PENDING,
    };
    run_ok(ALL(three), 3);
    database_exec(database.url, "UPDATE schema_migrations SET state = 'running', finished_at = NULL WHERE version = 3; "
                                "INSERT INTO schema_migrations VALUES (4, 'fourth', 'c', 'applied', now(), now())");
    const struct list list = status_of(ALL(others));
    ck_assert_int_eq(list.n, (int)ARRAY_LEN(wanted));
    for (int i = 0; i < list.n; i++) {
        ck_assert_int_eq(list.items[i].version, i + 1);
        ck_assert_int_eq(list.items[i].state, wanted[i]);
    }
    ck_assert_int_ge(list.items[0].finished_ns, list.items[0].started_ns);
    ck_assert_int_lt(clock_wall_ns() - list.items[0].finished_ns, NS_PER_DAY);
    ck_assert_int_eq(list.items[2].finished_ns, 0);
    ck_assert_str_eq(db_migration_state_name(DB_MIGRATION_EDITED), "edited");
}
END_TEST

/* --- those compiled in */

START_TEST(the_schema_of_this_binary_runs)
{
    int n_applied = 0;
    struct list list = {.n = 0};
    const enum err code = db_migrate_run(conn, &wait, &n_applied, &info);
    ck_assert_msg(code == OK, "%s: %s", info.message, info.detail);
    ck_assert_int_gt(n_applied, 0);
    ck_assert_int_eq(db_migrate_status(conn, &wait, list_add, &list, &info), OK);
    ck_assert_int_eq(list.n, n_applied);
    for (int i = 0; i < list.n; i++)
        ck_assert_int_eq(list.items[i].state, DB_MIGRATION_APPLIED);
    ck_assert_int_eq(number("SELECT count(*) FROM pg_extension WHERE extname = 'vector'"), 1);
}
END_TEST

START_TEST(counts_that_were_stored_as_negative_are_mended)
{
    int n_applied = 0;
    ck_assert_int_eq(db_migrate_run(conn, &wait, &n_applied, &info), OK);
    database_exec(database.url, "DELETE FROM schema_migrations WHERE name = 'dropped_attributes';"
                                "ALTER TABLE resources ALTER dropped_attributes_count TYPE integer;"
                                "INSERT INTO resources VALUES (1, 's', '{}', '', -1), (2, 's', '{}', '', 7)");
    ck_assert_int_eq(db_migrate_run(conn, &wait, &n_applied, &info), OK);
    ck_assert_int_eq(n_applied, 1);
    ck_assert_int_eq(number("SELECT sum(dropped_attributes_count) FROM resources"), INT64_C(4294967295) + 7);
}
END_TEST

static TCase *running(void)
{
    TCase *tc = tcase_create("running");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, all_run_once);
    tcase_add_test(tc, new_ones_are_added);
    tcase_add_test(tc, starters_at_once_run_each_once);
    tcase_add_test(tc, a_lock_held_by_another_is_waited_for_until_the_deadline);
    return tc;
}

static TCase *failing(void)
{
    TCase *tc = tcase_create("failing");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_failed_one_leaves_nothing);
    tcase_add_test(tc, an_interrupted_index_is_built_anew);
    tcase_add_test(tc, a_deadline_ends_the_run);
    return tc;
}

static TCase *refusing(void)
{
    TCase *tc = tcase_create("refusing");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, an_edited_one_is_refused);
    tcase_add_test(tc, a_newer_schema_is_refused);
    tcase_add_test(tc, a_role_that_may_not_make_the_extension_is_told_who_may);
    return tc;
}

static TCase *status(void)
{
    TCase *tc = tcase_create("status");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, status_changes_nothing);
    tcase_add_test(tc, status_tells_every_state);
    return tc;
}

static TCase *embedded(void)
{
    TCase *tc = tcase_create("embedded");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_schema_of_this_binary_runs);
    tcase_add_test(tc, counts_that_were_stored_as_negative_are_mended);
    return tc;
}

DATABASE_MAIN("migrate", running, failing, refusing, status, embedded)
