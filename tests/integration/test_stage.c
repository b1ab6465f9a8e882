#include <stdio.h>

#include "db/write/stage.h"
#include "tests/integration/support/database.h"

enum { WAIT_MS = 20000, SQL_MAX = 256 };

static struct db_conn *conn;

static void setup(void)
{
    conn = db_conn_new(database_url(), "test");
}

static void teardown(void)
{
    db_conn_free(conn);
}

static void run(const char *sql)
{
    const struct db_wait wait = database_wait(WAIT_MS);
    struct err_info e = {.code = OK};
    ck_assert_msg(db_exec(conn, &wait, sql, NULL, &e) == OK, "%s %s", e.message, e.detail);
}

static int64_t stage_bytes(void)
{
    const struct db_wait wait = database_wait(WAIT_MS);
    AUTO(db_result) struct db_result *r = NULL;
    int64_t n = 0;
    ck_assert_int_eq(db_exec(conn, &wait, "SELECT pg_table_size('pg_temp.stage_logs')", &r, NULL), OK);
    ck_assert(str_to_i64(db_get_str(r, 0, 0), &n));
    return n;
}

/* Stages as many values of a megabyte that none compresses, and moves them on. */
static void stage(int n_values)
{
    const struct db_wait wait = database_wait(WAIT_MS);
    char sql[SQL_MAX];
    ck_assert_int_eq(db_stage_begin(conn, &wait, NULL), OK);
    (void)snprintf(sql, sizeof sql, "INSERT INTO stage_logs SELECT repeat('x', 1 << 20) FROM generate_series(1, %d);"
                                    "DELETE FROM stage_logs; COMMIT", n_values);
    run(sql);
}

START_TEST(a_table_is_truncated_when_its_long_values_have_grown)
{
    run("CREATE TEMP TABLE stage_logs (body text); ALTER TABLE stage_logs ALTER body SET STORAGE EXTERNAL");
    stage(1);
    stage(1);
    ck_assert_int_gt(stage_bytes(), 2 << 20);
    stage(DB_STAGE_MAX_BYTES >> 20);
    stage(1);
    ck_assert_int_lt(stage_bytes(), 2 << 20);
}
END_TEST

static TCase *tcase_stage(void)
{
    TCase *tcase = tcase_create("stage");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_table_is_truncated_when_its_long_values_have_grown);
    return tcase;
}

DATABASE_MAIN("stage", tcase_stage)
