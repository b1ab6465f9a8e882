/* Plain SQL: several statements, transactions, COPY. */
#include "tests/integration/support/database.h"

enum { ENOUGH_MS = 10000, ARENA_BYTES = 1024 * 1024, COPY_ROWS = 200000, COPY_MAX_BYTES = 16 * 1024 * 1024 };

static const struct db_statement backend_pid = {"backend_pid", "SELECT pg_backend_pid()"};

static struct db_conn *conn;
static struct arena arena;
static struct db_params params;
static struct err_info info;
static struct db_wait wait;

static void setup(void)
{
    conn = db_conn_new(database_url(), "test_exec");
    ck_assert_ptr_nonnull(conn);
    arena_init(&arena, ARENA_BYTES);
    db_params_init(&params, &arena);
    info = (struct err_info){.code = OK};
    wait = database_wait(ENOUGH_MS);
}

static void teardown(void)
{
    db_conn_free(conn);
    arena_close(&arena);
}

/* new: the rows of a statement that must succeed. */
static struct db_result *run_ok(const struct db_statement *s)
{
    struct db_result *rows = NULL;
    ck_assert_msg(db_run(conn, &wait, s, &params, &rows, &info) == OK, "%s: %s", info.message, info.detail);
    return rows;
}

static int64_t number(const struct db_statement *s)
{
    AUTO(db_result) struct db_result *rows = NULL;
    ck_assert_msg(db_run(conn, &wait, s, NULL, &rows, &info) == OK, "%s: %s", info.message, info.detail);
    return db_get_i64(rows, 0, 0);
}

static void exec_ok(const char *sql)
{
    ck_assert_msg(db_exec(conn, &wait, sql, NULL, &info) == OK, "%s: %s", info.message, info.detail);
}

static void expect_str(struct str got, struct str wanted)
{
    ck_assert_msg(str_equal(got, wanted), "'%.*s' is not '%.*s'", STR_ARG(got), STR_ARG(wanted));
}

/* --- transactions */

START_TEST(plain_sql_gives_the_last_result_as_text)
{
    AUTO(db_result) struct db_result *result = NULL;
    ck_assert_int_eq(db_exec(conn, &wait, "SELECT 1; SELECT 'two', 3", &result, &info), OK);
    expect_str(db_get_str(result, 0, 0), STR("two"));
    expect_str(db_get_str(result, 0, 1), STR("3"));
}
END_TEST

START_TEST(a_failed_transaction_does_not_commit)
{
    const int64_t pid = number(&backend_pid);
    exec_ok("CREATE TABLE IF NOT EXISTS kept (n int)");
    exec_ok("BEGIN; INSERT INTO kept VALUES (1)");
    ck_assert_int_eq(db_exec(conn, &wait, "SELECT 1/0", NULL, &info), ERR_INVALID);
    ck_assert_int_eq(db_exec(conn, &wait, "COMMIT", NULL, NULL), ERR_INTERNAL);
    ck_assert_int_eq(database_number(database_url(), "SELECT count(*) FROM kept"), 0);
    info = (struct err_info){.code = OK};
    exec_ok("BEGIN; INSERT INTO kept VALUES (1)");
    const struct db_wait over = database_wait(0);
    db_rollback(conn, &over);
    db_rollback(conn, &over);
    ck_assert_int_eq(number(&backend_pid), pid);
    ck_assert_int_eq(database_number(database_url(), "SELECT count(*) FROM kept"), 0);
}
END_TEST

START_TEST(rows_written_are_counted)
{
    static const struct db_statement add = {"add", "INSERT INTO counted SELECT generate_series(1, $1)"};
    exec_ok("CREATE TABLE counted (n int)");
    db_put_i32(&params, 5);
    AUTO(db_result) struct db_result *result = run_ok(&add);
    ck_assert_int_eq(db_n_affected(result), 5);
    ck_assert_int_eq(db_n_rows(result), 0);
}
END_TEST

/* --- COPY */

static void copy_stream(struct buf *b, int n_rows, bool has_end)
{
    static const char head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";
    buf_init(b, COPY_MAX_BYTES);
    buf_put(b, head, sizeof head);
    for (int i = 0; i < n_rows; i++) {
        buf_put_be16(b, 1);
        buf_put_be32(b, sizeof(int64_t));
        buf_put_be64(b, (uint64_t)i);
    }
    if (has_end)
        buf_put_be16(b, UINT16_MAX);
    ck_assert(buf_is_ok(b));
}

static const char copy_sql[] = "COPY copied FROM STDIN (FORMAT binary)";

START_TEST(copy_stores_all_or_nothing)
{
    AUTO(buf) struct buf whole;
    AUTO(buf) struct buf torn;
    const int64_t pid = number(&backend_pid);
    exec_ok("CREATE TABLE IF NOT EXISTS copied (n int8); TRUNCATE copied");
    copy_stream(&whole, COPY_ROWS, true);
    copy_stream(&torn, 10, false);
    torn.len -= 3;
    ck_assert_int_eq(db_copy(conn, &wait, copy_sql, buf_str(&torn), &info), ERR_INVALID);
    ck_assert_int_eq(db_copy(conn, &wait, copy_sql, buf_str(&whole), &info), OK);
    ck_assert_int_eq(db_copy(conn, &wait, "COPY nowhere FROM STDIN", buf_str(&whole), NULL), ERR_INTERNAL);
    ck_assert_int_eq(db_copy(conn, &wait, "SELECT 1", buf_str(&whole), NULL), ERR_INTERNAL);
    ck_assert_int_eq(database_number(database_url(), "SELECT count(*) FROM copied"), COPY_ROWS);
    info = (struct err_info){.code = OK};
    ck_assert_int_eq(number(&backend_pid), pid);
}
END_TEST

START_TEST(copy_has_a_deadline)
{
    AUTO(buf) struct buf data;
    struct db_conn *other = db_conn_new(database_url(), "test_exec");
    const int64_t pid = number(&backend_pid);
    exec_ok("CREATE TABLE IF NOT EXISTS copied (n int8); TRUNCATE copied");
    exec_ok("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN PERFORM pg_sleep(1); RETURN NEW; END'; "
            "CREATE TRIGGER slow BEFORE INSERT ON copied FOR EACH ROW EXECUTE FUNCTION slow()");
    copy_stream(&data, COPY_ROWS, true);
    const struct db_wait brief = database_wait(300);
    ck_assert_int_eq(db_copy(conn, &brief, copy_sql, buf_str(&data), &info), ERR_TIMEOUT);
    info = (struct err_info){.code = OK};
    ck_assert_int_eq(number(&backend_pid), pid);
    exec_ok("DROP TRIGGER slow ON copied; DROP FUNCTION slow");
    ck_assert_int_eq(db_exec(other, &wait, "BEGIN; LOCK TABLE copied", NULL, &info), OK);
    const struct db_wait briefer = database_wait(200);
    ck_assert_int_eq(db_copy(conn, &briefer, copy_sql, buf_str(&data), &info), ERR_TIMEOUT);
    db_conn_free(other);
    info = (struct err_info){.code = OK};
    ck_assert_int_eq(number(&backend_pid), pid);
    ck_assert_int_eq(database_number(database_url(), "SELECT count(*) FROM copied"), 0);
}
END_TEST

static TCase *transactions(void)
{
    TCase *tc = tcase_create("transactions");
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, plain_sql_gives_the_last_result_as_text);
    tcase_add_test(tc, a_failed_transaction_does_not_commit);
    tcase_add_test(tc, rows_written_are_counted);
    return tc;
}

static TCase *copy(void)
{
    TCase *tc = tcase_create("copy");
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, copy_stores_all_or_nothing);
    tcase_add_test(tc, copy_has_a_deadline);
    return tc;
}

DATABASE_MAIN("exec", transactions, copy)
