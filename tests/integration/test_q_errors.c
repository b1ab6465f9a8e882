#include <stdio.h>

#include "db/question/get_traces_by_error.h"
#include "tests/integration/support/question.h"

static struct question q;
static struct db_get_traces_by_error_key last;

static void put_rows(void)
{
    question_schema();
    question_put(
        "CREATE FUNCTION put_error(n int, ms float8, service text, name text, type text, message text) RETURNS void"
        " LANGUAGE sql AS $$INSERT INTO errors (error_id, trace_id, span_id, service, name, type, message, source, start_time,"
        " start_ns, duration_ms) VALUES (id16(n), id16(n + 100), id8(n + 200), service, name, type, message, 'span_status',"
        " at(ms), at_ns(ms), 1.5)$$;"
        "SELECT put_error(1, 1000, 'cart', 'add', 'java.net.ConnectException', 'Connection refused: db:5432'),"
        " put_error(2, 2000, 'cart', 'get', '', 'connection REFUSED by peer'),"
        " put_error(3, 3000, 'web', 'add', 'TimeoutError', E'100% of retries_used \\\\ gave up'),"
        " put_error(4, 3000, 'web', 'GET /', 'TimeoutError', 'deadline exceeded after 5s');"
        "INSERT INTO errors (error_id, service, name, message, source, start_time, start_ns)"
        " VALUES (id16(5), 'batch', '', 'out of memory', 'log', at(90e6), at_ns(90e6))");
}

static void setup(void) { question_open(&q); }
static void teardown(void) { question_close(&q); }

static enum err see(void *arg, const struct db_get_traces_by_error_row *row)
{
    char word[16];
    (void)snprintf(word, sizeof word, "%u", question_id_number(row->key.error_id));
    question_see(arg, str_of(word));
    last = (struct db_get_traces_by_error_key){row->key.start_ns, arena_copy(&q.arena, row->key.error_id)};
    return OK;
}

static struct db_get_traces_by_error_params all(void)
{
    return (struct db_get_traces_by_error_params){.window = DB_WINDOW_ALL, .limit = 100};
}

static const char *ask(const struct db_get_traces_by_error_params *params)
{
    const enum err err = db_get_traces_by_error(q.conn, &q.wait, &q.arena, params, see, &q, &q.e);
    ck_assert_msg(err == OK, "%s %s", q.e.message, q.e.detail);
    return question_seen(&q);
}

static const struct {
    const char *pattern, *text, *service, *operation, *type;
    const char *expected;
} questions[] = {
    {.expected = "5 4 3 2 1"},
    {.pattern = "%refused%", .expected = "1"},
    {.pattern = "%REFUSED%", .expected = "2"},
    {.pattern = "Connection refused: db:5432", .expected = "1"},
    {.pattern = "Connection", .expected = ""},
    {.pattern = "_onnection%", .expected = "2 1"},
    {.pattern = "100\\%%", .expected = "3"},
    {.pattern = "%\\\\%", .expected = "3"},
    {.text = "refused", .expected = "2 1"},
    {.text = "0%", .expected = "3"},
    {.text = "s_used", .expected = "3"},
    {.text = "s\\_used", .expected = ""},
    {.text = "\\", .expected = "3"},
    {.service = "cart", .expected = "2 1"},
    {.operation = "add", .expected = "3 1"},
    {.type = "TimeoutError", .expected = "4 3"},
    {.service = "web", .operation = "add", .type = "TimeoutError", .pattern = "%gave up", .text = "RETRIES", .expected = "3"},
};

START_TEST(filters_alone_and_together)
{
    struct db_get_traces_by_error_params params = all();
    params.pattern = str_of(questions[_i].pattern);
    params.text = str_of(questions[_i].text);
    params.service = str_of(questions[_i].service);
    params.operation = str_of(questions[_i].operation);
    params.type = str_of(questions[_i].type);
    ck_assert_str_eq(ask(&params), questions[_i].expected);
}
END_TEST

START_TEST(case_is_folded_in_every_script)
{
    struct db_get_traces_by_error_params params = all();
    question_put("SELECT put_error(9, 9000, 'words', 'n', '', 'Größe ÜBERSCHRITTEN: “état”')");
    params.service = STR("words");
    params.text = STR("überschritten: “ÉTAT”");
    const char *const seen = ask(&params);
    question_put("DELETE FROM errors WHERE service = 'words'");
    ck_assert_str_eq(seen, "9");
}
END_TEST

START_TEST(windows_start_inclusive_and_end_exclusive)
{
    struct db_get_traces_by_error_params params = all();
    params.window = (struct db_window){QUESTION_MS(2000), QUESTION_MS(3000)};
    ck_assert_str_eq(ask(&params), "2");
    params.window.end_ns++;
    ck_assert_str_eq(ask(&params), "4 3 2");
}
END_TEST

static enum err see_whole(void *arg, const struct db_get_traces_by_error_row *row)
{
    question_see(arg, row->service);
    question_see(arg, row->name);
    question_see(arg, row->type);
    question_see(arg, row->message);
    question_see(arg, row->source);
    if (row->trace_id.ptr == NULL) {
        ck_assert_ptr_null(row->span_id.ptr);
        ck_assert(!row->has_duration);
        return OK;
    }
    ck_assert_uint_eq(question_id_number(row->trace_id), 101);
    ck_assert_uint_eq(question_id_number(row->span_id), 201);
    ck_assert_int_eq(row->key.start_ns, QUESTION_MS(1000));
    ck_assert(row->has_duration);
    ck_assert_double_eq(row->duration_ms, 1.5);
    return OK;
}

START_TEST(a_row_is_whole)
{
    struct db_get_traces_by_error_params params = all();
    params.text = STR("refused: DB");
    ck_assert_int_eq(db_get_traces_by_error(q.conn, &q.wait, &q.arena, &params, see_whole, &q, &q.e), OK);
    ck_assert_str_eq(question_seen(&q), "cart add java.net.ConnectException Connection refused: db:5432 span_status");
    params.text = STR("memory");
    ck_assert_int_eq(db_get_traces_by_error(q.conn, &q.wait, &q.arena, &params, see_whole, &q, &q.e), OK);
    ck_assert_str_eq(question_seen(&q), "batch   out of memory log");
}
END_TEST

START_TEST(pages_neither_repeat_nor_skip)
{
    question_put("SELECT put_error(100 + n, 50000 + n / 3, 'page', 'p', '', 'm') FROM generate_series(1, 7) n");
    struct db_get_traces_by_error_params params = all();
    params.service = STR("page");
    params.limit = 2;
    struct db_get_traces_by_error_key after;
    static const char *const pages[] = {"107 106", "105 104", "103 102", "101", ""};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        ck_assert_str_eq(ask(&params), pages[i]);
        after = last;
        params.after = &after;
        char sql[128];
        (void)snprintf(sql, sizeof sql, "SELECT put_error(%zu, 60000, 'page', 'p', '', 'newer')", 200 + i);
        question_put(sql);
    }
    question_put("DELETE FROM errors WHERE service = 'page'");
}
END_TEST

static TCase *tcase_errors(void)
{
    TCase *t = tcase_create("get_traces_by_error");
    tcase_set_timeout(t, 60);
    tcase_add_unchecked_fixture(t, put_rows, NULL);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, filters_alone_and_together, 0, sizeof questions / sizeof *questions);
    tcase_add_test(t, case_is_folded_in_every_script);
    tcase_add_test(t, windows_start_inclusive_and_end_exclusive);
    tcase_add_test(t, a_row_is_whole);
    tcase_add_test(t, pages_neither_repeat_nor_skip);
    return t;
}

DATABASE_MAIN("get_traces_by_error", tcase_errors)
