#include <stdio.h>

#include "db/question/list_traces.h"
#include "tests/integration/support/question.h"

static struct question q;
static struct db_list_traces_key last;
static bool is_by_duration;

static void put_rows(void)
{
    question_schema();
    question_put(
        "CREATE FUNCTION op(service text, name text) RETURNS text LANGUAGE sql AS 'SELECT service || chr(31) || name';"
        "INSERT INTO patterns (pattern_id, service, name, services, operations, operation_names, first_seen_ns, last_seen_ns,"
        " exemplar_trace_id) VALUES (1, 'gate', 'GET /', '{gate,cart,db}', ARRAY[op('gate', 'GET /'), op('cart', 'add'),"
        " op('cart', 'remove'), op('db', 'SELECT')], '{GET /,add,remove,SELECT}', 0, 0, id16(1)),"
        " (2, 'gate', 'GET /x', '{gate}', ARRAY[op('gate', 'GET /x')], '{GET /x}', 0, 0, id16(2));"
        "SELECT put_trace(1, 1000, 50, 'gate', 'GET /', 'ok', 1, '{\"http.status_code\": [200], \"env\": [\"prod\"]}');"
        "SELECT put_trace(2, 2000, 500, 'gate', 'GET /x', 'error', 2, '{\"http.status_code\": 500, \"env\": [\"prod\", \"eu\"]}');"
        "SELECT put_trace(3, 3000, 5, 'gate', 'GET /', 'unset', 1, '{\"http.status_code\": \"200\", \"flag\": true}');"
        "SELECT put_trace(4, 86400e3 + 4000, 7000, 'batch', 'nightly', 'ok', NULL, '{\"it''s \\\"k\\\"\": [[1]], \"pi\": 3.50}');"
        "SELECT put_span(1, 11, NULL, 1000, 50, 'gate', 'GET /'), put_span(1, 12, 11, 1001, 40, 'cart', 'add'),"
        " put_span(1, 13, 12, 1050, 0, 'db', 'SELECT');"
        "SELECT put_span(2, 21, NULL, 2000, 500, 'gate', 'GET /x');"
        "SELECT put_span(3, 31, NULL, 3000, 5, 'gate', 'GET /'), put_span(3, 32, 31, 3001, 1, 'cart', 'remove');"
        "INSERT INTO operations SELECT row_number() OVER (), min(start_time)::date, service, name, 2, min(start_ns), max(start_ns)"
        " FROM spans GROUP BY service, name;");
}

static void setup(void) { question_open(&q); }
static void teardown(void) { question_close(&q); }

static enum err see(void *arg, const struct db_summary *row)
{
    char word[16];
    (void)snprintf(word, sizeof word, "%u", question_id_number(row->trace_id));
    question_see(arg, str_of(word));
    const int64_t sort_ns = is_by_duration ? row->end_ns - row->start_ns : row->start_ns;
    last = (struct db_list_traces_key){sort_ns, arena_copy(&q.arena, row->trace_id)};
    return OK;
}

static struct db_list_traces_params all(void)
{
    return (struct db_list_traces_params){.window = DB_WINDOW_ALL, .max_duration_ns = INT64_MAX, .limit = 100};
}

static const char *list(const struct db_list_traces_params *params)
{
    is_by_duration = params->by_duration;
    const enum err err = db_list_traces(q.conn, &q.wait, &q.arena, params, see, &q, &q.e);
    ck_assert_msg(err == OK, "%s %s", q.e.message, q.e.detail);
    return question_seen(&q);
}

static const struct {
    const char *service, *operation, *status;
    const char *attrs[6]; /* key, value, ... */
    int64_t min_ms, max_ms;
    bool by_duration;
    const char *expected;
} lists[] = {
    {.expected = "4 3 2 1"},
    {.by_duration = true, .expected = "4 2 1 3"},
    {.service = "gate", .expected = "3 2 1"},
    {.service = "cart", .expected = "3 1"},
    {.service = "batch", .expected = "4"},
    {.service = "nobody", .expected = ""},
    {.operation = "GET /", .expected = "3 1"},
    {.operation = "add", .expected = "1"},
    {.operation = "nightly", .expected = "4"},
    {.service = "db", .operation = "SELECT", .expected = "1"},
    {.service = "gate", .operation = "SELECT", .expected = ""},
    {.service = "cart", .operation = "remove", .expected = "3"},
    {.status = "error", .expected = "2"},
    {.status = "unset", .expected = "3"},
    {.min_ms = 50, .expected = "4 2 1"},
    {.min_ms = 50, .max_ms = 500, .expected = "2 1"},
    {.max_ms = 49, .expected = "3"},
    {.attrs = {"http.status_code", "200"}, .expected = "3 1"},
    {.attrs = {"http.status_code", "500"}, .expected = "2"},
    {.attrs = {"env", "prod"}, .expected = "2 1"},
    {.attrs = {"env", "prod", "env", "eu"}, .expected = "2"},
    {.attrs = {"env", "prod", "http.status_code", "200"}, .expected = "1"},
    {.attrs = {"env", "prod", "http.status_code", "200", "flag", "true"}, .expected = ""},
    {.attrs = {"env", "prod", "http.status_code", "500", "env", "eu"}, .expected = "2"},
    {.attrs = {"flag", "true"}, .by_duration = true, .expected = "3"},
    {.attrs = {"flag", "false"}, .expected = ""},
    {.attrs = {"pi", "3.5"}, .expected = "4"},
    {.attrs = {"pi", "3.5."}, .expected = ""},
    {.attrs = {"none", "null"}, .expected = ""},
    {.attrs = {"it's \"k\"", "{\"x\": 1}"}, .expected = ""},
    {.attrs = {"env", "prod"}, .by_duration = true, .expected = "2 1"},
    {.service = "cart", .status = "ok", .attrs = {"env", "prod"}, .min_ms = 1, .max_ms = 60, .expected = "1"},
};

START_TEST(filters_alone_and_together)
{
    struct db_list_traces_params params = all();
    params.service = str_of(lists[_i].service);
    params.operation = str_of(lists[_i].operation);
    params.status = str_of(lists[_i].status);
    params.by_duration = lists[_i].by_duration;
    params.min_duration_ns = lists[_i].min_ms * NS_PER_MS;
    params.max_duration_ns = lists[_i].max_ms == 0 ? INT64_MAX : lists[_i].max_ms * NS_PER_MS;
    struct str keys[3], values[3];
    for (size_t n = 0; n < 3 && lists[_i].attrs[2 * n] != NULL; n++) {
        keys[n] = str_of(lists[_i].attrs[2 * n]);
        values[n] = str_of(lists[_i].attrs[2 * n + 1]);
        params.attrs = (struct db_attrs){keys, values, n + 1};
    }
    ck_assert_str_eq(list(&params), lists[_i].expected);
}
END_TEST

START_TEST(windows_are_of_start_times)
{
    struct db_list_traces_params params = all();
    params.window = (struct db_window){QUESTION_MS(1000), QUESTION_MS(3000)};
    ck_assert_str_eq(list(&params), "2 1");
    params.window.start_ns++;
    ck_assert_str_eq(list(&params), "2");
    params.window.end_ns++;
    params.by_duration = true;
    ck_assert_str_eq(list(&params), "2 3");
}
END_TEST

static enum err see_whole(void *arg, const struct db_summary *row)
{
    question_see(arg, row->service);
    question_see(arg, row->name);
    question_see(arg, row->status);
    for (size_t i = 0; i < row->n_services; i++)
        question_see(arg, row->services[i]);
    question_see(arg, row->attributes);
    ck_assert_int_eq(row->start_ns, QUESTION_MS(1000));
    ck_assert_int_eq(row->end_ns, QUESTION_MS(1050));
    ck_assert_double_eq(row->duration_ms, 50);
    ck_assert_int_eq(row->span_count, 1);
    ck_assert_int_eq(row->error_count, 0);
    ck_assert_ptr_null(row->error_message.ptr);
    return OK;
}

START_TEST(a_row_is_whole)
{
    struct db_list_traces_params params = all();
    params.operation = STR("add");
    ck_assert_int_eq(db_list_traces(q.conn, &q.wait, &q.arena, &params, see_whole, &q, &q.e), OK);
    ck_assert_str_eq(question_seen(&q), "gate GET / ok gate cart db {\"env\": [\"prod\"], \"http.status_code\": [200]}");
}
END_TEST

/* Pages of two, while traces come that sort before what was shown: what was there at first comes once. */
static void page_through(bool by_duration, const char *expected)
{
    question_put("SELECT put_trace(100 + n, 60000 + n / 2 * 10, 100 + n / 3, 'page', 'p', 'ok') FROM generate_series(1, 7) n");
    struct db_list_traces_params params = all();
    params.service = STR("page");
    params.by_duration = by_duration;
    params.limit = 2;
    struct db_list_traces_key after;
    struct buf pages;
    buf_init(&pages, 4096);
    for (unsigned i = 0; i < 20; i++) {
        const char *page = list(&params);
        if (*page == '\0')
            break;
        buf_printf(&pages, "%s ", page);
        after = last;
        params.after = &after;
        char sql[128];
        (void)snprintf(sql, sizeof sql, "SELECT put_trace(%u, 61000, 900, 'page', 'p', 'ok')", 200 + i);
        question_put(sql);
    }
    buf_putc(&pages, '\0');
    ck_assert_str_eq(buf_str(&pages).ptr, expected);
    buf_close(&pages);
    question_put("DELETE FROM traces WHERE service = 'page'");
}

START_TEST(pages_neither_repeat_nor_skip)
{
    page_through(false, "107 106 105 104 103 102 101 ");
    page_through(true, "107 106 105 104 103 102 101 ");
}
END_TEST

START_TEST(an_operation_reads_only_the_days_of_its_traces)
{
    struct db_list_traces_params params = all();
    params.window.end_ns = QUESTION_MS(86400000);
    const int64_t before = question_n_reads("spans_20230130");
    params.operation = STR("remove");
    ck_assert_str_eq(list(&params), "3");
    db_conn_close(q.conn);
    ck_assert_int_eq(question_n_reads("spans_20230130"), before);
    ck_assert_int_gt(question_n_reads("spans_20230129"), 0);
}
END_TEST

static TCase *tcase_list_traces(void)
{
    TCase *t = tcase_create("list_traces");
    tcase_set_timeout(t, 60);
    tcase_add_unchecked_fixture(t, put_rows, NULL);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, filters_alone_and_together, 0, sizeof lists / sizeof *lists);
    tcase_add_test(t, windows_are_of_start_times);
    tcase_add_test(t, a_row_is_whole);
    tcase_add_test(t, pages_neither_repeat_nor_skip);
    tcase_add_test(t, an_operation_reads_only_the_days_of_its_traces);
    return t;
}

DATABASE_MAIN("list_traces", tcase_list_traces)
