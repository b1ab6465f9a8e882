/* The schema at the start of the service: what does not last is waited for. */
#include "service/database/schema.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "core/clock.h"
#include "core/log.h"
#include "tests/integration/support/database.h"

enum { ENOUGH_MS = 30000, STEP_MS = 20, URL_FLAG_MAX = 1024, TRIES_MAX = 5 };

#define BUILDS "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND state = 'active'" \
               " AND query LIKE '%CREATE INDEX CONCURRENTLY%' AND pid <> pg_backend_pid()"

static struct database database;
static struct service_config config;
static char url_flag[URL_FLAG_MAX];

static void setup(void)
{
    char *arguments[] = {url_flag};
    database_create(&database);
    log_set_level(LOG_ERROR);
    (void)snprintf(url_flag, sizeof url_flag, "--database-url=%s", database.url);
    ck_assert_int_eq(service_config_read(&config, 1, arguments, NULL, NULL), OK);
    ck_assert_int_eq(service_config_check_database(&config, NULL), OK);
}

static void teardown(void)
{
    service_config_close(&config);
    database_drop(&database);
}

static void migrate(int n_wanted)
{
    struct err_info e = {0};
    int n_applied = 0;
    ck_assert_msg(service_schema_migrate(&config, &n_applied, &e) == OK, "%s: %s", e.message, e.detail);
    ck_assert_int_eq(n_applied, n_wanted);
}

/* A transaction that the building of an index waits for, and that comes to wait for the building. */
struct opponent {
    atomic_bool is_there;
    enum err code;
};

static enum err oppose(struct opponent *o, struct db_conn *conn, const struct db_wait *wait)
{
    TRY(db_exec(conn, wait, "BEGIN; LOCK TABLE traces IN ROW EXCLUSIVE MODE", NULL, NULL));
    atomic_store(&o->is_there, true);
    while (database_number(database.url, BUILDS) == 0)
        (void)nanosleep(&(struct timespec){.tv_nsec = STEP_MS * NS_PER_MS}, NULL);
    TRY(db_exec(conn, wait, "LOCK TABLE traces IN SHARE UPDATE EXCLUSIVE MODE", NULL, NULL));
    return db_exec(conn, wait, "COMMIT", NULL, NULL);
}

static void *opponent_run(void *arg)
{
    struct opponent *const o = arg;
    const struct db_wait wait = database_wait(ENOUGH_MS);
    struct db_conn *const conn = db_conn_new(database.url, "opponent");
    o->code = conn == NULL ? ERR_NOMEM : oppose(o, conn, &wait);
    atomic_store(&o->is_there, true);
    db_conn_free(conn);
    return NULL;
}

/* Of two in a deadlock PostgreSQL ends the one that looks for it: the migration, which began to wait first, unless the other was
 * late to join it. */
START_TEST(a_migration_that_lost_a_deadlock_is_run_again)
{
    enum err opponent_code = ERR_INTERNAL;
    int n_applied = 0;
    ck_assert_int_eq(service_schema_migrate(&config, &n_applied, NULL), OK);
    for (int i = 0; i < TRIES_MAX && opponent_code != OK; i++) {
        struct opponent opponent = {.code = OK};
        pthread_t thread;
        database_exec(database.url, "DROP INDEX ix_traces_status_start; DELETE FROM schema_migrations WHERE name = 'traces_of_status'");
        ck_assert_int_eq(pthread_create(&thread, NULL, opponent_run, &opponent), 0);
        while (!atomic_load(&opponent.is_there))
            (void)nanosleep(&(struct timespec){.tv_nsec = STEP_MS * NS_PER_MS}, NULL);
        migrate(1);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        opponent_code = opponent.code;
    }
    ck_assert_int_eq(opponent_code, OK);
}
END_TEST

static TCase *tcase_schema(void)
{
    TCase *tc = tcase_create("schema");
    tcase_set_timeout(tc, 180);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_migration_that_lost_a_deadlock_is_run_again);
    return tc;
}

DATABASE_MAIN("schema", tcase_schema)
