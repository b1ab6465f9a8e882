#include <pthread.h>
#include <stdio.h>

#include "db/assemble/assemble.h"
#include "db/schema/retention.h"
#include "tests/integration/support/batches.h"

enum { WAIT_MS = 20000, DAY_MS = 86400 * 1000, SQL_MAX = 256 };

static struct db_conn *conn;

/* Two failing traces of one shape and their logs, on the 29th and the 31st of January 2023, assembled. */
static void setup(void)
{
    const struct db_wait wait = database_wait(WAIT_MS);
    struct err_info e = {.code = OK};
    struct db_writer *writer = NULL;
    struct made_batch b;
    struct db_assembled done = {0};
    bool is_leader = false;
    batches_schema();
    database_exec(database_url(), "TRUNCATE spans, logs, trace_arrivals, traces, patterns, errors, operations");
    ck_assert_int_eq(db_writer_new(database_url(), NULL, 1, &writer, &e), OK);
    made_batch_init(&b, DB_SIGNAL_TRACES, DB_ENCODING_JSON, "shop");
    for (unsigned i = 0; i < 2; i++) {
        struct db_span *const s = made_batch_add_span(&b, 1 + i, 1, 0, (int64_t)i * 2 * DAY_MS, "GET /");
        s->status = 2;
        s->status_message = STR("boom");
    }
    (void)batches_write(writer, &b);
    made_batch_close(&b);
    made_batch_init(&b, DB_SIGNAL_LOGS, DB_ENCODING_JSON, "shop");
    for (unsigned i = 0; i < 2; i++)
        (void)made_batch_add_log(&b, 1 + i, 0, 0, (int64_t)i * 2 * DAY_MS, 9, "fine");
    (void)batches_write(writer, &b);
    made_batch_close(&b);
    db_writer_free(writer);
    size_t n_traces_max = DB_ASSEMBLE_TRACES_MAX;
    struct db_conn *const assembler = db_conn_new(database_url(), "test");
    ck_assert_int_eq(db_assemble_lead(assembler, &wait, &is_leader, &e), OK);
    ck_assert_int_eq(db_assemble_round(assembler, &wait, &(struct db_assemble_when){.quiet_ms = 0}, &n_traces_max, &done, &e), OK);
    ck_assert_uint_eq(done.n_traces, 2);
    db_conn_free(assembler);
    conn = db_conn_new(database_url(), "test");
}

static void teardown(void)
{
    db_conn_free(conn);
}

static struct db_retained run(int64_t before_ns)
{
    const struct db_wait wait = database_wait(WAIT_MS);
    struct db_retained done = {0};
    struct err_info e = {.code = OK};
    bool is_leader = false;
    const enum err code = db_retention_run(conn, &wait, before_ns, &is_leader, &done, &e);
    ck_assert_msg(code == OK, "%s %s", e.message, e.detail);
    ck_assert(is_leader);
    return done;
}

START_TEST(what_is_older_goes)
{
    const struct db_retained done = run(BATCHES_DAY_NS + NS_PER_DAY + 1);
    ck_assert_int_eq(done.n_partitions, 2);
    ck_assert_int_eq(done.n_traces, 1);
    ck_assert_int_eq(done.n_errors, 1);
    ck_assert_int_eq(done.n_operations, 1);
    ck_assert_int_eq(done.n_patterns, 0);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM spans"), 1);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM logs"), 1);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM traces WHERE get_byte(trace_id, 15) = 2"), 1);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM patterns WHERE trace_count = 1 AND error_count = 1"
                                    " AND get_byte(exemplar_trace_id, 15) = 2"),
                     1);
    ck_assert_int_eq(run(BATCHES_DAY_NS + NS_PER_DAY + 1).n_traces, 0);
}
END_TEST

START_TEST(patterns_without_traces_go_too)
{
    const struct db_retained done = run(BATCHES_DAY_NS + 10 * NS_PER_DAY);
    ck_assert_int_eq(done.n_traces, 2);
    ck_assert_int_eq(done.n_patterns, 1);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM patterns"), 0);
}
END_TEST

/* More rows than one statement deletes. */
START_TEST(batches_follow_each_other)
{
    database_exec(database_url(), "INSERT INTO errors (error_id, service, name, message, source, start_time, start_ns)"
                                  " SELECT decode(lpad(to_hex(i), 32, '0'), 'hex'), 's', 'n', 'm', 'log', 'epoch', i"
                                  " FROM generate_series(1, 12000) AS i");
    ck_assert_int_eq(run(NS_PER_S).n_errors, 12000);
}
END_TEST

START_TEST(days_ahead_are_made)
{
    const struct db_wait wait = database_wait(WAIT_MS);
    const int64_t now_ns = BATCHES_DAY_NS + 100 * NS_PER_DAY; /* 2023-05-09 */
    ck_assert_int_eq(db_retention_premake(conn, &wait, now_ns, NULL), OK);
    ck_assert_int_eq(db_retention_premake(conn, &wait, now_ns, NULL), OK);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE c.relname IN"
                                    " ('spans_20230509', 'spans_20230511', 'logs_20230510', 'metric_points_20230511')"),
                     4);
}
END_TEST

START_TEST(another_process_may_be_at_it)
{
    const struct db_wait wait = database_wait(WAIT_MS);
    struct db_conn *const other = db_conn_new(database_url(), "test");
    struct db_retained done = {0};
    bool is_leader = true;
    ck_assert_int_eq(db_exec(other, &wait, "SELECT pg_advisory_lock(x'7472616365006d33'::bigint)", NULL, NULL), OK);
    ck_assert_int_eq(db_retention_run(conn, &wait, INT64_MAX, &is_leader, &done, NULL), OK);
    ck_assert(!is_leader);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM traces"), 2);
    db_conn_free(other);
}
END_TEST

static void exec_ok(struct db_conn *c, const char *sql)
{
    const struct db_wait wait = database_wait(WAIT_MS);
    struct err_info e = {.code = OK};
    ck_assert_msg(db_exec(c, &wait, sql, NULL, &e) == OK, "%s %s", e.message, e.detail);
}

static int64_t n_advisory_locks(const char *which)
{
    char sql[SQL_MAX];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
                                    " WHERE d.datname = current_database() AND locktype = 'advisory' AND %s", which);
    return batches_number(sql);
}

START_TEST(patterns_change_only_under_their_lock)
{
    database_exec(database_url(),
                  "CREATE FUNCTION want_lock() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                  " IF NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted"
                  " AND classid::bigint << 32 | objid::bigint = 8390322045806929256) THEN RAISE 'no lock'; END IF; RETURN NULL; END $$;"
                  "CREATE TRIGGER want_lock BEFORE UPDATE OR DELETE ON patterns FOR EACH STATEMENT EXECUTE FUNCTION want_lock()");
    ck_assert_int_eq(run(BATCHES_DAY_NS + 10 * NS_PER_DAY).n_patterns, 1);
    database_exec(database_url(), "DROP FUNCTION want_lock CASCADE");
    ck_assert_int_eq(n_advisory_locks("true"), 0);
}
END_TEST

static void *run_thread(void *arg)
{
    *(struct db_retained *)arg = run(BATCHES_DAY_NS + 10 * NS_PER_DAY);
    return NULL;
}

static void wait_for_a_waiter(void)
{
    const int64_t until_ns = clock_mono_ns() + WAIT_MS * NS_PER_MS;
    while (n_advisory_locks("NOT granted") == 0)
        ck_assert_int_lt(clock_mono_ns(), until_ns);
}

/* A trace that changes its pattern while the retention waits for its turn is taken from the pattern that it has then. */
START_TEST(what_came_before_its_turn_is_seen)
{
    struct db_conn *const other = db_conn_new(database_url(), "test");
    struct db_retained done = {0};
    pthread_t thread;
    exec_ok(other, "BEGIN; SELECT pg_advisory_xact_lock(8390322045806929256)");
    ck_assert_int_eq(pthread_create(&thread, NULL, run_thread, &done), 0);
    wait_for_a_waiter();
    exec_ok(other, "INSERT INTO patterns (pattern_id, service, name, services, trace_count, error_count, first_seen_ns,"
                   " last_seen_ns, exemplar_trace_id) SELECT 77, service, name, services, 1, 1, first_seen_ns, last_seen_ns,"
                   " exemplar_trace_id FROM patterns; UPDATE patterns SET trace_count = 1, error_count = 1;"
                   "UPDATE traces SET pattern_id = 77 WHERE get_byte(trace_id, 15) = 2; COMMIT");
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(done.n_traces, 2);
    ck_assert_int_eq(done.n_patterns, 2);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM patterns"), 0);
    db_conn_free(other);
}
END_TEST

static TCase *tcase_retention(void)
{
    TCase *tcase = tcase_create("retention");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, what_is_older_goes);
    tcase_add_test(tcase, patterns_without_traces_go_too);
    tcase_add_test(tcase, batches_follow_each_other);
    tcase_add_test(tcase, days_ahead_are_made);
    tcase_add_test(tcase, another_process_may_be_at_it);
    tcase_add_test(tcase, patterns_change_only_under_their_lock);
    tcase_add_test(tcase, what_came_before_its_turn_is_seen);
    return tcase;
}

DATABASE_MAIN("retention", tcase_retention)
