/* The life of a connection: deadlines, cancellation, loss and recovery. */
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "db/session/advisory.h"
#include "tests/integration/support/database.h"
#include "tests/integration/support/proxy.h"

enum { SQL_MAX = 256, ENOUGH_MS = 10000, SLACK_MS = 400, LOCK = 42 };

static const struct db_statement sleep_long = {"sleep_long", "SELECT pg_sleep(30)"};
static const struct db_statement backend_pid = {"backend_pid", "SELECT pg_backend_pid()"};
static const struct db_statement timeout_setting = {
    "timeout_setting",
    "SELECT setting::bigint FROM pg_settings WHERE name = 'statement_timeout'",
};

static struct db_conn *conn;
static struct err_info info;

static void setup(void)
{
    conn = db_conn_new(database_url(), "test_conn");
    ck_assert_ptr_nonnull(conn);
    info = (struct err_info){.code = OK};
}

static void teardown(void)
{
    db_conn_free(conn);
}

static int64_t number(const struct db_statement *s)
{
    AUTO(db_result) struct db_result *rows = NULL;
    const struct db_wait wait = database_wait(ENOUGH_MS);
    struct err_info e = {.code = OK};
    ck_assert_msg(db_run(conn, &wait, s, NULL, &rows, &e) == OK, "%s: %s", e.message, e.detail);
    return db_get_i64(rows, 0, 0);
}

static void exec_ok(const char *sql)
{
    const struct db_wait wait = database_wait(ENOUGH_MS);
    struct err_info e = {.code = OK};
    ck_assert_msg(db_exec(conn, &wait, sql, NULL, &e) == OK, "%s: %s", e.message, e.detail);
}

static void terminate(int64_t pid)
{
    char sql[SQL_MAX];
    (void)snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%jd, 5000)::int", (intmax_t)pid);
    ck_assert_int_eq(database_number(database_url(), sql), 1);
}

/* Something that another thread does to the connection's world a moment from now. */
struct later {
    pthread_t thread;
    int after_ms;
    int64_t pid;       /* terminated, when not 0 */
    atomic_bool *flag; /* set, and wake_fd written, when not NULL */
    int wake_fd;
};

static void *later_thread(void *arg)
{
    const struct later *const l = arg;
    (void)poll(NULL, 0, l->after_ms);
    if (l->pid != 0)
        terminate(l->pid);
    if (l->flag != NULL) {
        atomic_store(l->flag, true);
        ck_assert_int_eq(eventfd_write(l->wake_fd, 1), 0);
    }
    return NULL;
}

static void later_start(struct later *l)
{
    ck_assert_int_eq(pthread_create(&l->thread, NULL, later_thread, l), 0);
}

static void later_join(struct later *l)
{
    ck_assert_int_eq(pthread_join(l->thread, NULL), 0);
}

static int64_t elapsed_ms(int64_t start_ns)
{
    return (clock_mono_ns() - start_ns) / NS_PER_MS;
}

/* --- deadlines */

START_TEST(a_deadline_ends_a_statement_and_the_session_lives_on)
{
    const int64_t pid = number(&backend_pid);
    const int64_t start_ns = clock_mono_ns();
    const struct db_wait wait = database_wait(200);
    ck_assert_int_eq(db_run(conn, &wait, &sleep_long, NULL, NULL, &info), ERR_TIMEOUT);
    ck_assert_int_ge(elapsed_ms(start_ns), 200);
    ck_assert_int_lt(elapsed_ms(start_ns), 200 + DB_CANCEL_GRACE_MS + SLACK_MS);
    ck_assert_int_eq(number(&backend_pid), pid);
}
END_TEST

START_TEST(a_deadline_ends_plain_sql_too)
{
    const int64_t pid = number(&backend_pid);
    const struct db_wait wait = database_wait(200);
    ck_assert_int_eq(db_exec(conn, &wait, "SELECT pg_sleep(30)", NULL, &info), ERR_TIMEOUT);
    ck_assert_int_eq(number(&backend_pid), pid);
}
END_TEST

START_TEST(a_deadline_that_has_passed_sends_nothing)
{
    const struct db_wait wait = database_wait(0);
    ck_assert_int_eq(db_exec(conn, &wait, "CREATE TABLE too_late ()", NULL, &info), ERR_TIMEOUT);
    ck_assert(!db_conn_is_open(conn));
    ck_assert_int_eq(database_number(database_url(), "SELECT count(*) FROM pg_class WHERE relname = 'too_late'"), 0);
}
END_TEST

START_TEST(the_server_keeps_the_deadline_too)
{
    exec_ok("SELECT 1");
    const int64_t setting_ms = number(&timeout_setting);
    ck_assert_int_gt(setting_ms, ENOUGH_MS + DB_CANCEL_GRACE_MS); /* never beside our cancel */
    ck_assert_int_le(setting_ms, 2 * ENOUGH_MS);
    exec_ok("BEGIN");
    const struct db_wait shorter = database_wait(3000);
    ck_assert_int_eq(db_exec(conn, &shorter, "SELECT 1", NULL, &info), OK);
    exec_ok("ROLLBACK");
    ck_assert_int_ge(number(&timeout_setting), ENOUGH_MS - 1000);
}
END_TEST

START_TEST(a_server_that_does_not_answer_costs_the_grace_only)
{
    struct proxy proxy;
    proxy_start(&proxy, database_url());
    db_conn_free(conn);
    conn = db_conn_new(proxy.url, "test_conn");
    exec_ok("SELECT 1");
    proxy_set(&proxy, PROXY_HOLD);
    const int64_t start_ns = clock_mono_ns();
    const struct db_wait wait = database_wait(200);
    ck_assert_int_eq(db_run(conn, &wait, &backend_pid, NULL, NULL, &info), ERR_TIMEOUT);
    ck_assert_int_lt(elapsed_ms(start_ns), 200 + DB_CANCEL_GRACE_MS + SLACK_MS);
    ck_assert(!db_conn_is_open(conn));
    proxy_set(&proxy, PROXY_FORWARD);
    exec_ok("SELECT 1");
    db_conn_close(conn);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(connecting_has_a_deadline)
{
    struct proxy proxy;
    proxy_start(&proxy, database_url());
    proxy_set(&proxy, PROXY_HOLD);
    db_conn_free(conn);
    conn = db_conn_new(proxy.url, "test_conn");
    const struct db_wait brief = database_wait(200);
    ck_assert_int_eq(db_conn_open(conn, &brief, &info), ERR_TIMEOUT);
    info = (struct err_info){.code = OK};
    const int64_t start_ns = clock_mono_ns();
    const struct db_wait wait = database_wait(ENOUGH_MS);
    ck_assert_int_eq(db_conn_open(conn, &wait, &info), ERR_UNAVAILABLE);
    ck_assert_int_lt(elapsed_ms(start_ns), DB_CONNECT_TIMEOUT_S * 1000 + SLACK_MS);
    db_conn_close(conn);
    proxy_stop(&proxy);
}
END_TEST

/* --- cancellation */

START_TEST(a_cancelled_wait_ends_at_once)
{
    atomic_bool flag = false;
    struct later later = {.after_ms = 100, .flag = &flag, .wake_fd = eventfd(0, EFD_NONBLOCK)};
    const int64_t pid = number(&backend_pid);
    struct db_wait wait = database_wait(ENOUGH_MS);
    wait.cancelled = &flag;
    wait.wake_fd = later.wake_fd;
    ck_assert_int_eq(eventfd_write(later.wake_fd, 1), 0); /* left over from an earlier wait: it ends nothing */
    const int64_t start_ns = clock_mono_ns();
    later_start(&later);
    ck_assert_int_eq(db_run(conn, &wait, &sleep_long, NULL, NULL, &info), ERR_CANCELLED);
    ck_assert_int_ge(elapsed_ms(start_ns), 100);
    ck_assert_int_lt(elapsed_ms(start_ns), 100 + DB_CANCEL_GRACE_MS + SLACK_MS);
    later_join(&later);
    ck_assert_int_eq(number(&backend_pid), pid);
    ck_assert_int_eq(db_run(conn, &wait, &backend_pid, NULL, NULL, NULL), ERR_CANCELLED);
    (void)close(later.wake_fd);
}
END_TEST

/* --- loss */

START_TEST(an_idle_session_that_was_killed_is_replaced_unseen)
{
    const int64_t pid = number(&backend_pid);
    terminate(pid);
    ck_assert_int_ne(number(&backend_pid), pid);
}
END_TEST

START_TEST(a_session_killed_at_work_is_an_error_and_then_replaced)
{
    struct later later = {.after_ms = 100, .pid = number(&backend_pid)};
    const struct db_wait wait = database_wait(ENOUGH_MS);
    later_start(&later);
    ck_assert_int_eq(db_run(conn, &wait, &sleep_long, NULL, NULL, &info), ERR_UNAVAILABLE);
    later_join(&later);
    ck_assert_msg(strcmp(info.sqlstate, "57P01") == 0, "%s", info.detail);
    ck_assert_int_ne(number(&backend_pid), later.pid);
}
END_TEST

START_TEST(a_transaction_is_never_continued_on_another_session)
{
    const struct db_wait wait = database_wait(ENOUGH_MS);
    exec_ok("CREATE TABLE half (n int)");
    exec_ok("BEGIN; INSERT INTO half VALUES (1)");
    terminate(number(&backend_pid));
    ck_assert_int_eq(db_exec(conn, &wait, "INSERT INTO half VALUES (2)", NULL, &info), ERR_UNAVAILABLE);
    db_rollback(conn, &wait);
    exec_ok("SELECT 1");
    ck_assert_int_eq(database_number(database_url(), "SELECT count(*) FROM half"), 0);
}
END_TEST

START_TEST(a_kept_session_is_never_replaced_unseen)
{
    const struct db_wait wait = database_wait(ENOUGH_MS);
    exec_ok("CREATE TEMP TABLE staged (n int)");
    db_conn_keep(conn);
    ck_assert_int_eq(db_conn_open(conn, &wait, &info), OK);
    ck_assert(db_conn_is_kept(conn));
    terminate(number(&backend_pid));
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(db_exec(conn, &wait, "SELECT 1", NULL, NULL), ERR_UNAVAILABLE);
    ck_assert(!db_conn_is_kept(conn));
    ck_assert_int_eq(db_conn_open(conn, &wait, &info), OK);
    ck_assert(!db_conn_is_kept(conn));
    terminate(number(&backend_pid));
    exec_ok("SELECT 1");
}
END_TEST

START_TEST(a_kept_session_that_was_lost_is_told_of_when_it_is_opened)
{
    const struct db_wait wait = database_wait(ENOUGH_MS);
    exec_ok("SELECT 1");
    db_conn_keep(conn);
    terminate(number(&backend_pid));
    ck_assert_int_eq(db_conn_open(conn, &wait, &info), OK);
    ck_assert(db_conn_is_open(conn) && !db_conn_is_kept(conn));
}
END_TEST

START_TEST(a_lock_that_was_lost_ends_the_work_under_it)
{
    const struct db_wait wait = database_wait(ENOUGH_MS);
    ck_assert_int_eq(db_advisory_lock(conn, &wait, LOCK, &info), OK);
    exec_ok("SELECT 1");
    terminate(number(&backend_pid));
    ck_assert_int_eq(db_exec(conn, &wait, "SELECT 1", NULL, NULL), ERR_UNAVAILABLE);
    db_advisory_unlock(conn, &wait, LOCK);
    exec_ok("SELECT 1");
    ck_assert_int_eq(db_advisory_lock(conn, &wait, LOCK, &info), OK);
    db_advisory_unlock(conn, &wait, LOCK);
    terminate(number(&backend_pid));
    exec_ok("SELECT 1");
}
END_TEST

/* Over a Unix socket there are no keepalives to see at work, but what is asked for. */
START_TEST(the_server_is_asked_to_notice_a_silent_end_within_seconds)
{
    static const struct db_statement keepalives = {
        "keepalives", "SELECT count(*) FROM pg_settings WHERE name IN ('tcp_keepalives_idle', 'tcp_keepalives_interval',"
                      " 'tcp_keepalives_count', 'tcp_user_timeout') AND source = 'session'"};
    ck_assert_int_eq(number(&keepalives), 4);
}
END_TEST

START_TEST(a_cut_network_is_an_error_and_then_reconnected)
{
    struct proxy proxy;
    proxy_start(&proxy, database_url());
    db_conn_free(conn);
    conn = db_conn_new(proxy.url, "test_conn");
    exec_ok("BEGIN");
    proxy_set(&proxy, PROXY_CUT);
    const struct db_wait wait = database_wait(ENOUGH_MS);
    ck_assert_int_eq(db_exec(conn, &wait, "COMMIT", NULL, &info), ERR_UNAVAILABLE);
    ck_assert_int_eq(db_exec(conn, &wait, "SELECT 1", NULL, NULL), ERR_UNAVAILABLE);
    proxy_set(&proxy, PROXY_FORWARD);
    (void)poll(NULL, 0, 200); /* the first back-off is at most 100 ms */
    exec_ok("SELECT 1");
    db_conn_close(conn);
    proxy_stop(&proxy);
}
END_TEST

/* As when the server became a standby: a new session may reach the one that took over. */
START_TEST(a_server_that_takes_no_writes_is_left)
{
    const struct db_wait wait = database_wait(ENOUGH_MS);
    exec_ok("SET default_transaction_read_only = on");
    ck_assert_int_eq(db_exec(conn, &wait, "CREATE TABLE written (n int)", NULL, &info), ERR_UNAVAILABLE);
    ck_assert_str_eq(info.sqlstate, "25006");
    exec_ok("CREATE TABLE written (n int)");
}
END_TEST

START_TEST(failures_to_connect_back_off)
{
    db_conn_free(conn);
    conn = db_conn_new("postgresql://nobody@/none?host=/nonexistent", "test_conn");
    const struct db_wait wait = database_wait(ENOUGH_MS);
    int n_attempts = 0;
    for (const int64_t start_ns = clock_mono_ns(); elapsed_ms(start_ns) < 300; (void)poll(NULL, 0, 1)) {
        info = (struct err_info){.code = OK};
        ck_assert_int_eq(db_exec(conn, &wait, "SELECT 1", NULL, &info), ERR_UNAVAILABLE);
        ck_assert_str_ne(info.detail, "");
        n_attempts += strstr(info.detail, "waiting") == NULL;
    }
    ck_assert_int_ge(n_attempts, 1);
    ck_assert_int_lt(n_attempts, 50);
    ck_assert_ptr_null(strstr(info.message, "nobody"));
}
END_TEST

/* libpq would tell of the port, of the user, and of a host that is a part of the password. */
START_TEST(no_error_of_a_url_holds_its_password)
{
    static const char *const urls[] = {"postgresql://u:secret@/db?host=/nonexistent", "postgresql://u:secret@127.0.0.1:port/db",
                                       "postgresql://u:%secret@127.0.0.1/db", "postgresql://u:p@secret@127.0.0.1/db"};
    const struct db_wait wait = database_wait(ENOUGH_MS);
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        AUTO(db_conn) struct db_conn *c = db_conn_new(urls[i], "test_conn");
        info = (struct err_info){.code = OK};
        ck_assert_int_eq(db_conn_open(c, &wait, &info), i == 0 ? ERR_UNAVAILABLE : ERR_INVALID);
        ck_assert_msg(strstr(info.message, "secret") == NULL && strstr(info.detail, "secret") == NULL, "%s: %s", info.message,
                      info.detail);
    }
}
END_TEST

static TCase *deadlines(void)
{
    TCase *tc = tcase_create("deadlines");
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_deadline_ends_a_statement_and_the_session_lives_on);
    tcase_add_test(tc, a_deadline_ends_plain_sql_too);
    tcase_add_test(tc, a_deadline_that_has_passed_sends_nothing);
    tcase_add_test(tc, the_server_keeps_the_deadline_too);
    tcase_add_test(tc, a_server_that_does_not_answer_costs_the_grace_only);
    tcase_add_test(tc, connecting_has_a_deadline);
    tcase_add_test(tc, a_cancelled_wait_ends_at_once);
    return tc;
}

static TCase *loss(void)
{
    TCase *tc = tcase_create("loss");
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, an_idle_session_that_was_killed_is_replaced_unseen);
    tcase_add_test(tc, a_session_killed_at_work_is_an_error_and_then_replaced);
    tcase_add_test(tc, a_transaction_is_never_continued_on_another_session);
    tcase_add_test(tc, a_kept_session_is_never_replaced_unseen);
    tcase_add_test(tc, a_kept_session_that_was_lost_is_told_of_when_it_is_opened);
    tcase_add_test(tc, a_lock_that_was_lost_ends_the_work_under_it);
    tcase_add_test(tc, a_cut_network_is_an_error_and_then_reconnected);
    tcase_add_test(tc, the_server_is_asked_to_notice_a_silent_end_within_seconds);
    tcase_add_test(tc, a_server_that_takes_no_writes_is_left);
    tcase_add_test(tc, failures_to_connect_back_off);
    tcase_add_test(tc, no_error_of_a_url_holds_its_password);
    return tc;
}

DATABASE_MAIN("conn", deadlines, loss)
