/* Prepared statements: types there and back, errors that keep the session, statements that the server lost. */
#include <math.h>

#include "db/session/types.h"
#include "tests/integration/support/database.h"

enum { ENOUGH_MS = 10000, ARENA_BYTES = 1024 * 1024 };

static const struct db_statement backend_pid = {"backend_pid", "SELECT pg_backend_pid()"};

static struct db_conn *conn;
static struct arena arena;
static struct db_params params;
static struct err_info info;
static struct db_wait wait;

static void setup(void)
{
    conn = db_conn_new(database_url(), "test_run");
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

/* --- types */

START_TEST(numbers_come_back)
{
    static const struct db_statement s = {
        "numbers",
        "SELECT $1::bool, $2::int4, $3::int8, $4::float8, (-3)::int2, 0.5::float4, $5::int8, $6::float8, NULL::int8",
    };
    db_put_bool(&params, true);
    db_put_i32(&params, INT32_MIN);
    db_put_i64(&params, INT64_MIN);
    db_put_f64(&params, -1e-300);
    db_put_null(&params, DB_OID_INT8);
    db_put_f64(&params, INFINITY);
    AUTO(db_result) struct db_result *rows = run_ok(&s);
    ck_assert_int_eq(db_n_rows(rows), 1);
    ck_assert(db_get_bool(rows, 0, 0));
    ck_assert_int_eq(db_get_i64(rows, 0, 1), INT32_MIN);
    ck_assert_int_eq(db_get_i64(rows, 0, 2), INT64_MIN);
    ck_assert_double_eq(db_get_f64(rows, 0, 3), -1e-300);
    ck_assert_int_eq(db_get_i64(rows, 0, 4), -3);
    ck_assert_double_eq(db_get_f64(rows, 0, 5), 0.5);
    ck_assert(db_is_null(rows, 0, 6));
    ck_assert(isinf(db_get_f64(rows, 0, 7)));
    ck_assert_int_eq(db_get_i64(rows, 0, 8), 0);
    ck_assert(!db_get_bool(rows, 0, 8));
}
END_TEST

START_TEST(text_bytes_and_json_come_back)
{
    static const struct db_statement s = {
        "texts", "SELECT $1::text, $2::text, $3::text, $4::bytea, $5::jsonb, $6::jsonb, length($1::text)"};
    db_put_text(&params, STR("caf\xc3\xa9 \xf0\x9f\x98\x80"));
    db_put_text(&params, STR(""));
    db_put_text(&params, (struct str){NULL, 0});
    db_put_bytes(&params, STR("\0\xff\0"));
    db_put_json(&params, STR("{\"b\":[1,2.50],\"a\":\"x\"}"));
    db_put_json(&params, (struct str){NULL, 0});
    AUTO(db_result) struct db_result *rows = run_ok(&s);
    expect_str(db_get_str(rows, 0, 0), STR("caf\xc3\xa9 \xf0\x9f\x98\x80"));
    ck_assert_ptr_nonnull(db_get_str(rows, 0, 1).ptr);
    ck_assert_ptr_null(db_get_str(rows, 0, 2).ptr);
    expect_str(db_get_str(rows, 0, 3), STR("\0\xff\0"));
    expect_str(db_get_json(rows, 0, 4), STR("{\"a\": \"x\", \"b\": [1, 2.50]}"));
    ck_assert_ptr_null(db_get_json(rows, 0, 5).ptr);
    ck_assert_int_eq(db_get_i64(rows, 0, 6), 6);
}
END_TEST

START_TEST(times_come_back_to_the_microsecond)
{
    static const struct db_statement s = {
        "times", "SELECT $1::timestamptz, $2::timestamptz, extract(epoch FROM $1::timestamptz)::int8, "
                 "'infinity'::timestamptz, '0001-01-01 BC'::timestamptz, NULL::timestamptz"};
    db_put_time(&params, INT64_C(1675000000123456789));
    db_put_time(&params, -1);
    AUTO(db_result) struct db_result *rows = run_ok(&s);
    ck_assert_int_eq(db_get_time(rows, 0, 0), INT64_C(1675000000123456000));
    ck_assert_int_eq(db_get_time(rows, 0, 1), -1000);
    ck_assert_int_eq(db_get_i64(rows, 0, 2), 1675000000);
    ck_assert_int_eq(db_get_time(rows, 0, 3), INT64_MAX);
    ck_assert_int_eq(db_get_time(rows, 0, 4), INT64_MIN);
    ck_assert_int_eq(db_get_time(rows, 0, 5), 0);
}
END_TEST

START_TEST(arrays_come_back)
{
    static const struct db_statement s = {
        "arrays", "SELECT $1::text[], $2::bytea[], NULL::text[], ARRAY[['a'],['b']], array_length($1::text[], 1)"};
    const struct str texts[] = {STR("one"), {NULL, 0}, STR("")};
    struct str *items = NULL;
    size_t n = 0;
    db_put_text_array(&params, texts, ARRAY_LEN(texts));
    db_put_bytes_array(&params, NULL, 0);
    AUTO(db_result) struct db_result *rows = run_ok(&s);
    ck_assert_int_eq(db_get_array(rows, 0, 0, &arena, &items, &n, &info), OK);
    ck_assert_uint_eq(n, 3);
    expect_str(items[0], STR("one"));
    ck_assert_ptr_null(items[1].ptr);
    ck_assert(items[2].ptr != NULL && items[2].len == 0);
    for (int column = 1; column <= 2; column++) {
        ck_assert_int_eq(db_get_array(rows, 0, column, &arena, &items, &n, &info), OK);
        ck_assert_uint_eq(n, 0);
    }
    ck_assert_int_eq(db_get_array(rows, 0, 3, &arena, &items, &n, &info), ERR_INTERNAL);
    ck_assert_int_eq(db_get_i64(rows, 0, 4), 3);
}
END_TEST

START_TEST(vectors_come_back)
{
    static const struct db_statement s = {"vectors", "SELECT $1::vector, NULL::vector"};
    const float sent[] = {0.1F, -3.5e-20F, 1.0F};
    float got[ARRAY_LEN(sent)];
    exec_ok("CREATE EXTENSION IF NOT EXISTS vector");
    db_put_vector(&params, sent, ARRAY_LEN(sent));
    AUTO(db_result) struct db_result *rows = run_ok(&s);
    ck_assert(db_get_vector(rows, 0, 0, got, ARRAY_LEN(got)));
    ck_assert_mem_eq(got, sent, sizeof sent);
    ck_assert(!db_get_vector(rows, 0, 0, got, ARRAY_LEN(got) - 1));
    ck_assert(!db_get_vector(rows, 0, 1, got, ARRAY_LEN(got)));
}
END_TEST

/* --- errors */

START_TEST(errors_keep_the_session_and_say_what_they_are)
{
    static const struct {
        struct db_statement statement;
        enum err code;
        const char *sqlstate;
    } cases[] = {
        {{"zero", "SELECT 1 / ($1::int4 - $1::int4)"}, ERR_INVALID, "22012"},
        {{"regex", "SELECT 'a' ~ repeat('(', $1)"}, ERR_INVALID, "2201B"},
        {{"backslash", "SELECT 'a' LIKE repeat(chr(92), $1)"}, ERR_INVALID, "22025"},
        {{"syntax", "SELEC $1"}, ERR_INTERNAL, "42601"},
        {{"table", "SELECT * FROM nowhere WHERE n = $1"}, ERR_INTERNAL, "42P01"},
    };
    const int64_t pid = number(&backend_pid);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        db_params_init(&params, &arena);
        db_put_i32(&params, 1);
        info = (struct err_info){.code = OK};
        ck_assert_int_eq(db_run(conn, &wait, &cases[i].statement, &params, NULL, &info), cases[i].code);
        ck_assert_int_eq(info.code, cases[i].code);
        ck_assert_str_eq(info.sqlstate, cases[i].sqlstate);
        ck_assert_str_ne(info.detail, "");
        ck_assert_ptr_null(strchr(info.detail, '\n'));
        ck_assert_ptr_null(strstr(info.message, info.detail));
        info = (struct err_info){.code = OK};
        ck_assert_int_eq(number(&backend_pid), pid);
    }
}
END_TEST

START_TEST(a_lock_not_had_is_busy)
{
    struct db_conn *other = db_conn_new(database_url(), "test_run");
    exec_ok("CREATE TABLE IF NOT EXISTS pair (n int)");
    exec_ok("BEGIN; LOCK TABLE pair IN ROW EXCLUSIVE MODE");
    ck_assert_int_eq(db_exec(other, &wait, "SET lock_timeout = '50ms'", NULL, &info), OK);
    ck_assert_int_eq(db_exec(other, &wait, "DROP TABLE pair", NULL, &info), ERR_BUSY);
    ck_assert_str_eq(info.sqlstate, "55P03");
    db_rollback(conn, &wait);
    db_conn_free(other);
}
END_TEST

START_TEST(parameters_that_failed_are_not_sent)
{
    arena_close(&arena);
    arena_init(&arena, 1);
    db_put_i64(&params, 1);
    ck_assert_int_eq(db_run(conn, &wait, &backend_pid, &params, NULL, &info), ERR_NOMEM);
    ck_assert(!db_conn_is_open(conn));
}
END_TEST

/* --- prepared statements */

START_TEST(a_statement_is_prepared_once)
{
    static const struct db_statement count = {
        "count_prepared", "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%pg_prepared_statements%'"};
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(number(&count), 1);
}
END_TEST

START_TEST(a_statement_that_the_server_forgot_is_prepared_anew)
{
    const int64_t pid = number(&backend_pid);
    exec_ok("DEALLOCATE ALL");
    ck_assert_int_eq(number(&backend_pid), pid);
}
END_TEST

START_TEST(a_changed_schema_needs_one_try_outside_a_transaction_and_two_inside)
{
    static const struct db_statement all = {"all_changing", "SELECT * FROM changing"};
    exec_ok("CREATE TABLE changing AS SELECT 7::int4 AS n");
    ck_assert_int_eq(number(&all), 7);
    database_exec(database_url(), "ALTER TABLE changing ALTER n TYPE int8");
    ck_assert_int_eq(number(&all), 7);
    exec_ok("BEGIN");
    database_exec(database_url(), "ALTER TABLE changing ALTER n TYPE int2");
    ck_assert_int_eq(db_run(conn, &wait, &all, NULL, NULL, &info), ERR_BUSY);
    db_rollback(conn, &wait);
    info = (struct err_info){.code = OK};
    ck_assert_int_eq(number(&all), 7);
}
END_TEST

START_TEST(statements_are_bounded)
{
    static struct db_statement many[DB_STATEMENTS_MAX + 1];
    for (int i = 0; i <= DB_STATEMENTS_MAX; i++) {
        many[i] = (struct db_statement){"many", "SELECT 1"};
        const enum err wanted = i < DB_STATEMENTS_MAX ? OK : ERR_INTERNAL;
        ck_assert_int_eq(db_run(conn, &wait, &many[i], NULL, NULL, &info), wanted);
    }
    info = (struct err_info){.code = OK};
    ck_assert_int_eq(number(&many[0]), 1);
}
END_TEST

/* --- rows that someone pays for */

enum { SHARE_BYTES = 16 << 20, LITTLE_BYTES = 64 << 10 };

static struct budget_share share;

static void setup_paid_for(void)
{
    setup();
    arena_close(&arena);
    budget_share_init(&share, NULL, SHARE_BYTES);
    arena_init_share(&arena, &share);
}

START_TEST(rows_are_paid_for_until_they_are_freed)
{
    static const struct db_statement s = {
        "rows", "SELECT i, NULL::text, repeat('x', 100000), '' FROM generate_series(1, 50) AS i ORDER BY i"};
    struct db_result *rows = run_ok(&s);
    ck_assert_uint_gt(share.used_bytes, 50 * 100000);
    ck_assert_int_eq(db_n_rows(rows), 50);
    ck_assert_int_eq(db_n_affected(rows), 50);
    for (int i = 0; i < 50; i++) {
        ck_assert_int_eq(db_get_i64(rows, i, 0), i + 1);
        ck_assert(db_is_null(rows, i, 1) && db_get_str(rows, i, 1).ptr == NULL);
        ck_assert_uint_eq(db_get_str(rows, i, 2).len, 100000);
        ck_assert(!db_is_null(rows, i, 3));
        expect_str(db_get_str(rows, i, 3), STR(""));
    }
    db_result_free(rows);
    ck_assert_uint_lt(share.used_bytes, LITTLE_BYTES);
}
END_TEST

START_TEST(no_rows_are_a_result_too)
{
    static const struct db_statement s = {"none", "SELECT 1 WHERE false"};
    AUTO(db_result) struct db_result *rows = run_ok(&s);
    ck_assert_int_eq(db_n_rows(rows), 0);
}
END_TEST

/* Whatever ends them, the session goes on and the memory comes back. */
START_TEST(rows_that_end_early_keep_the_session)
{
    static const struct { struct db_statement statement; enum err code; } cases[] = {
        {{"too_many", "SELECT repeat('x', 100000) FROM generate_series(1, 1000)"}, ERR_NOMEM},
        {{"too_large", "SELECT repeat('x', 3000000), repeat('y', 3000000), repeat('z', 3000000) FROM generate_series(1, 2)"}, ERR_NOMEM},
        {{"an_error", "SELECT repeat('x', 100000), 1 / (50 - i) FROM generate_series(1, 100) AS i"}, ERR_INVALID},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct db_result *rows = NULL;
        info = (struct err_info){.code = OK};
        ck_assert_int_eq(db_run(conn, &wait, &cases[i].statement, &params, &rows, &info), cases[i].code);
        ck_assert_ptr_null(rows);
        ck_assert_uint_lt(share.used_bytes, LITTLE_BYTES);
        ck_assert_int_eq(number(&(const struct db_statement){"one", "SELECT 1"}), 1);
    }
}
END_TEST

/* libpq keeps the memory that the largest message took. */
START_TEST(a_session_that_had_a_large_row_is_not_kept)
{
    static const struct db_statement small = {"small", "SELECT repeat('x', 4000000)"}, large = {"large", "SELECT repeat('x', 5000000)"};
    const int64_t pid = number(&backend_pid);
    db_result_free(run_ok(&small));
    ck_assert_int_eq(number(&backend_pid), pid);
    db_result_free(run_ok(&large));
    ck_assert_int_ne(number(&backend_pid), pid);
    exec_ok("BEGIN");
    const int64_t within = number(&backend_pid);
    db_result_free(run_ok(&large));
    ck_assert_int_eq(number(&backend_pid), within);
    exec_ok("COMMIT");
}
END_TEST

static TCase *types(void)
{
    TCase *tc = tcase_create("types");
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, numbers_come_back);
    tcase_add_test(tc, text_bytes_and_json_come_back);
    tcase_add_test(tc, times_come_back_to_the_microsecond);
    tcase_add_test(tc, arrays_come_back);
    tcase_add_test(tc, vectors_come_back);
    return tc;
}

static TCase *paid_for(void)
{
    TCase *tc = tcase_create("paid_for");
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup_paid_for, teardown);
    tcase_add_test(tc, numbers_come_back);
    tcase_add_test(tc, text_bytes_and_json_come_back);
    tcase_add_test(tc, arrays_come_back);
    tcase_add_test(tc, vectors_come_back);
    tcase_add_test(tc, errors_keep_the_session_and_say_what_they_are);
    tcase_add_test(tc, a_statement_that_the_server_forgot_is_prepared_anew);
    tcase_add_test(tc, rows_are_paid_for_until_they_are_freed);
    tcase_add_test(tc, no_rows_are_a_result_too);
    tcase_add_test(tc, rows_that_end_early_keep_the_session);
    tcase_add_test(tc, a_session_that_had_a_large_row_is_not_kept);
    return tc;
}

static TCase *errors(void)
{
    TCase *tc = tcase_create("errors");
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, errors_keep_the_session_and_say_what_they_are);
    tcase_add_test(tc, a_lock_not_had_is_busy);
    tcase_add_test(tc, parameters_that_failed_are_not_sent);
    return tc;
}

static TCase *prepared(void)
{
    TCase *tc = tcase_create("prepared");
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_statement_is_prepared_once);
    tcase_add_test(tc, a_statement_that_the_server_forgot_is_prepared_anew);
    tcase_add_test(tc, a_changed_schema_needs_one_try_outside_a_transaction_and_two_inside);
    tcase_add_test(tc, statements_are_bounded);
    return tc;
}

DATABASE_MAIN("run", types, paid_for, errors, prepared)
