#include <pthread.h>

#include "db/schema/partition.h"
#include "tests/integration/support/batches.h"

enum { N_THREADS = 8, N_DAYS = 6, WAIT_MS = 20000, FIRST_DAY = 19386 }; /* 2023-01-29 */

static void setup(void)
{
    batches_schema();
    database_exec(database_url(), "DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT inhrelid::regclass FROM pg_inherits"
                                  " JOIN pg_class c ON c.oid = inhparent WHERE c.relkind = 'p'"
                                  " LOOP EXECUTE 'DROP TABLE ' || t; END LOOP; END $$");
}

static int64_t n_partitions(void)
{
    return batches_number("SELECT count(*) FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE c.relkind = 'r'");
}

static void make(struct db_conn *c, const char *table, int64_t day)
{
    const struct db_wait wait = database_wait(WAIT_MS);
    struct err_info e = {.code = OK};
    ck_assert_msg(db_partition_make(c, &wait, table, day, &e) == OK, "%s %s", e.message, e.detail);
}

static void *make_all(void *arg)
{
    (void)arg;
    struct db_conn *const c = db_conn_new(database_url(), "test");
    for (int64_t day = 0; day < N_DAYS; day++)
        for (size_t i = 0; i < DB_PARTITIONED_TABLES; i++)
            make(c, db_partitioned_tables[i], FIRST_DAY + day);
    db_conn_free(c);
    return NULL;
}

START_TEST(threads_that_want_the_same_days)
{
    pthread_t threads[N_THREADS];
    for (int i = 0; i < N_THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, make_all, NULL), 0);
    for (int i = 0; i < N_THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_int_eq(n_partitions(), (int64_t)N_DAYS * DB_PARTITIONED_TABLES);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid"
                                    " WHERE c.relname = 'logs_20230203'"),
                     1);
}
END_TEST

/* Every index of the parent is there, attached, so that keys hold and later indexes reach all days. */
START_TEST(a_partition_has_its_parents_indexes)
{
    struct db_conn *const c = db_conn_new(database_url(), "test");
    make(c, "logs", FIRST_DAY);
    ck_assert_int_eq(batches_number("SELECT (SELECT count(*) FROM pg_index WHERE indrelid = 'logs'::regclass) -"
                                    " (SELECT count(*) FROM pg_index i JOIN pg_inherits h ON h.inhrelid = i.indexrelid"
                                    " WHERE i.indrelid = 'logs_20230129'::regclass)"),
                     0);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM pg_index WHERE indrelid = 'logs_20230129'::regclass AND indisprimary"), 1);
    db_conn_free(c);
}
END_TEST

START_TEST(days_before_the_epoch_and_far_ahead)
{
    struct db_conn *const c = db_conn_new(database_url(), "test");
    make(c, "spans", -1);
    make(c, "spans", 100000); /* 2243-10-17 */
    ck_assert_int_eq(batches_number("SELECT (to_regclass('spans_19691231') IS NOT NULL AND"
                                    " to_regclass('spans_22431017') IS NOT NULL)::int"),
                     1);
    db_conn_free(c);
}
END_TEST

/* Nobody who reads or writes another day waits, and nobody is waited for. */
START_TEST(a_reader_in_a_transaction_is_no_hindrance)
{
    struct db_conn *const reader = db_conn_new(database_url(), "test");
    struct db_conn *const maker = db_conn_new(database_url(), "test");
    const struct db_wait wait = database_wait(WAIT_MS);
    make(maker, "spans", FIRST_DAY);
    ck_assert_int_eq(db_exec(reader, &wait, "BEGIN; SELECT count(*) FROM spans", NULL, NULL), OK);
    const int64_t start_ns = clock_mono_ns();
    make(maker, "spans", FIRST_DAY + 1);
    ck_assert_int_lt(clock_mono_ns() - start_ns, 2 * NS_PER_S);
    db_conn_free(reader);
    db_conn_free(maker);
}
END_TEST

START_TEST(known_days_are_asked_for_once)
{
    struct db_partition_days *const days = db_partition_days_new(NULL);
    struct db_conn *const c = db_conn_new(database_url(), "test");
    const struct db_wait wait = database_wait(WAIT_MS);
    ck_assert_int_eq(db_partition_days_ensure(days, c, &wait, "spans", FIRST_DAY, NULL), OK);
    database_exec(database_url(), "DROP TABLE spans_20230129");
    ck_assert_int_eq(db_partition_days_ensure(days, c, &wait, "spans", FIRST_DAY, NULL), OK);
    ck_assert_int_eq(n_partitions(), 0);
    db_partition_days_forget(days);
    ck_assert_int_eq(db_partition_days_ensure(days, c, &wait, "spans", FIRST_DAY, NULL), OK);
    ck_assert_int_eq(n_partitions(), 1);
    db_conn_free(c);
    db_partition_days_free(days);
}
END_TEST

/* All are forgotten at the bound: what was dropped behind its back is not missed before, and made again after it. */
START_TEST(so_many_days_are_known)
{
    struct db_partition_days *const days = db_partition_days_new(NULL);
    struct db_conn *const c = db_conn_new(database_url(), "test");
    const struct db_wait wait = database_wait(WAIT_MS);
    database_exec(database_url(), "CREATE TABLE toys (time timestamptz NOT NULL) PARTITION BY RANGE (time)");
    for (int64_t day = 0; day < DB_PARTITION_DAYS_KNOWN_MAX; day++)
        ck_assert_int_eq(db_partition_days_ensure(days, c, &wait, "toys", FIRST_DAY + day, NULL), OK);
    database_exec(database_url(), "DROP TABLE toys_20230129");
    ck_assert_int_eq(db_partition_days_ensure(days, c, &wait, "toys", FIRST_DAY, NULL), OK);
    ck_assert_int_eq(n_partitions(), DB_PARTITION_DAYS_KNOWN_MAX - 1);
    ck_assert_int_eq(db_partition_days_ensure(days, c, &wait, "toys", FIRST_DAY - 1, NULL), OK);
    ck_assert_int_eq(n_partitions(), DB_PARTITION_DAYS_KNOWN_MAX);
    ck_assert_int_eq(db_partition_days_ensure(days, c, &wait, "toys", FIRST_DAY, NULL), OK);
    ck_assert_int_eq(n_partitions(), DB_PARTITION_DAYS_KNOWN_MAX + 1);
    database_exec(database_url(), "DROP TABLE toys");
    db_conn_free(c);
    db_partition_days_free(days);
}
END_TEST

START_TEST(dropping_keeps_the_day_of_the_instant)
{
    struct db_conn *const c = db_conn_new(database_url(), "test");
    const struct db_wait wait = database_wait(WAIT_MS);
    int n = 0;
    for (int64_t day = 0; day < 3; day++)
        make(c, "spans", FIRST_DAY + day);
    make(c, "logs", FIRST_DAY);
    ck_assert_int_eq(db_partition_drop_before(c, &wait, BATCHES_DAY_NS + NS_PER_DAY + 1, &n, NULL), OK);
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(n_partitions(), 2);
    ck_assert_int_eq(batches_number("SELECT (to_regclass('spans_20230130') IS NOT NULL)::int"), 1);
    db_conn_free(c);
}
END_TEST

/* --- dropping beside a transaction that has read the table and does not end */

static struct db_conn *start_reader(void)
{
    struct db_conn *const reader = db_conn_new(database_url(), "test");
    const struct db_wait wait = database_wait(WAIT_MS);
    ck_assert_int_eq(db_exec(reader, &wait, "BEGIN; SELECT count(*) FROM spans", NULL, NULL), OK);
    return reader;
}

static enum err drop_first_day(struct db_conn *c, int *n)
{
    const struct db_wait wait = database_wait(WAIT_MS);
    return db_partition_drop_before(c, &wait, BATCHES_DAY_NS + NS_PER_DAY, n, NULL);
}

static void *drop_thread(void *arg)
{
    int n = 0;
    ck_assert_int_eq(drop_first_day(arg, &n), OK);
    ck_assert_int_eq(n, 1);
    return NULL;
}

static void wait_for_a_waiter(void)
{
    const int64_t until_ns = clock_mono_ns() + WAIT_MS * NS_PER_MS;
    while (batches_number("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 0)
        ck_assert_int_lt(clock_mono_ns(), until_ns);
}

START_TEST(others_go_on_while_a_drop_waits_for_a_reader)
{
    struct db_conn *const c = db_conn_new(database_url(), "test");
    struct db_conn *const dropper = db_conn_new(database_url(), "test");
    const struct db_wait soon = database_wait(WAIT_MS / 2);
    pthread_t thread;
    make(c, "spans", FIRST_DAY);
    make(c, "spans", FIRST_DAY + 1);
    struct db_conn *const reader = start_reader();
    ck_assert_int_eq(pthread_create(&thread, NULL, drop_thread, dropper), 0);
    wait_for_a_waiter();
    ck_assert_int_eq(db_exec(c, &soon, "SELECT count(*) FROM spans; SET lock_timeout = '1s'; LOCK TABLE spans IN ROW EXCLUSIVE MODE",
                             NULL, NULL), OK);
    make(c, "spans", FIRST_DAY + 2);
    db_conn_free(reader);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(n_partitions(), 2);
    db_conn_free(dropper);
    db_conn_free(c);
}
END_TEST

START_TEST(a_drop_that_was_given_up_is_ended_by_the_next)
{
    struct db_conn *const c = db_conn_new(database_url(), "test");
    int n = 0;
    for (int64_t day = 0; day < 2; day++)
        make(c, "spans", FIRST_DAY - day);
    make(c, "logs", FIRST_DAY);
    struct db_conn *const reader = start_reader();
    ck_assert_int_eq(drop_first_day(c, &n), ERR_BUSY);
    ck_assert_int_eq(n, 1); /* of the logs */
    ck_assert_int_eq(batches_number("SELECT count(*) FROM pg_inherits WHERE inhdetachpending"
                                    " AND inhrelid = 'spans_20230128'::regclass"), 1);
    db_conn_free(reader);
    ck_assert_int_eq(drop_first_day(c, &n), OK);
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM pg_class WHERE relname LIKE 'spans\\_2023%'"), 0);
    db_conn_free(c);
}
END_TEST

/* As when the process died between the two steps; what somebody else has detached is his. */
START_TEST(only_what_a_drop_left_behind_goes)
{
    static const char *const left = "ALTER TABLE spans DETACH PARTITION spans_20230129;"
                                    "COMMENT ON TABLE spans_20230129 IS 'tracekin drops this'";
    struct db_conn *const c = db_conn_new(database_url(), "test");
    int n = 0;
    for (int64_t day = 0; day < 2; day++)
        make(c, "spans", FIRST_DAY - day);
    database_exec(database_url(), left);
    make(c, "spans", FIRST_DAY);
    ck_assert_int_eq(n_partitions(), 2);
    database_exec(database_url(), left);
    database_exec(database_url(), "ALTER TABLE spans DETACH PARTITION spans_20230128");
    ck_assert_int_eq(drop_first_day(c, &n), OK);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(batches_number("SELECT (to_regclass('spans_20230128') IS NOT NULL)::int"), 1);
    database_exec(database_url(), "DROP TABLE spans_20230128");
    db_conn_free(c);
}
END_TEST

static TCase *tcase_partition(void)
{
    TCase *tcase = tcase_create("partition");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, threads_that_want_the_same_days);
    tcase_add_test(tcase, a_partition_has_its_parents_indexes);
    tcase_add_test(tcase, days_before_the_epoch_and_far_ahead);
    tcase_add_test(tcase, a_reader_in_a_transaction_is_no_hindrance);
    tcase_add_test(tcase, known_days_are_asked_for_once);
    tcase_add_test(tcase, so_many_days_are_known);
    tcase_add_test(tcase, dropping_keeps_the_day_of_the_instant);
    tcase_add_test(tcase, others_go_on_while_a_drop_waits_for_a_reader);
    tcase_add_test(tcase, a_drop_that_was_given_up_is_ended_by_the_next);
    tcase_add_test(tcase, only_what_a_drop_left_behind_goes);
    return tcase;
}

DATABASE_MAIN("partition", tcase_partition)
