#include <stdio.h>

#include "db/question/search_logs.h"
#include "tests/integration/support/question.h"

static struct question q;
static struct db_search_logs_key last; /* of the rows seen */

static void put_rows(void)
{
    question_schema();
    question_put("SELECT put_log(1, 1000, 'cart', 9, 'Connection refused by 10.0.0.1:8080', 7, 71);"
                 "SELECT put_log(2, 2000, 'cart', 17, 'connection timeout: retry in 5s', 7, 72);"
                 "SELECT put_log(3, 3000, 'web', 13, 'disconnection notice 100% done_now', 8);"
                 "SELECT put_log(4, 4000, 'web', 5, E'user \"bob\\\\smith\" logged in');"
                 "SELECT put_log(5, 5000.000001, 'web', 21, 'CONNECTIONS (all) refused');"
                 "SELECT put_log(6, 5000.000002, 'web', 0, 'Größe überschritten /api/v1/orders');"
                 "SELECT put_log(7, 86400e3 + 5, 'cart', 9, 'the next day');");
}

static void setup(void) { question_open(&q); }
static void teardown(void) { question_close(&q); }

static enum err see(void *arg, const struct db_log_row *row)
{
    char word[16];
    (void)snprintf(word, sizeof word, "%u", question_id_number(row->key.log_id));
    question_see(arg, str_of(word));
    last = (struct db_search_logs_key){row->key.time_ns, arena_copy(&q.arena, row->key.log_id)};
    return OK;
}

static struct db_search_logs_params all(void)
{
    return (struct db_search_logs_params){.window = {QUESTION_DAY_NS, QUESTION_DAY_NS + 3 * NS_PER_DAY}, .limit = 100};
}

static const char *search(const struct db_search_logs_params *params, struct db_search_logs_end *end)
{
    const enum err err = db_search_logs(q.conn, &q.wait, &q.arena, params, see, &q, end, &q.e);
    ck_assert_msg(err == OK, "%s %s", q.e.message, q.e.detail);
    return question_seen(&q);
}

static const struct {
    const char *query, *contains, *regex, *service;
    int64_t min_severity;
    const char *expected;
} searches[] = {
    {.expected = "7 6 5 4 3 2 1"},
    {.query = "connection", .expected = "2 1"},
    {.query = "CONNECTION refused", .expected = "1"},
    {.query = "connection*", .expected = "5 2 1"},
    {.query = "conn*  -timeout", .expected = "5 1"},
    {.query = "\"onnection refused\"", .expected = "1"},
    {.query = "refused -\"by 10.0\"", .expected = "5"},
    {.query = "-connection -connections -disconnection", .expected = "7 6 4"},
    {.query = "timeout:", .expected = "2"},
    {.query = "10.0.0.1", .expected = "1"},
    {.query = "10.0.0", .expected = "1"},
    {.query = "10x0", .expected = ""},
    {.query = "0.0.1:808", .expected = ""},
    {.query = "(all)", .expected = "5"},
    {.query = "größe", .expected = "6"},
    {.query = "/api/v1/orders", .expected = "6"},
    {.query = "\"\\\"bob\\\\smith\\\"\"", .expected = "4"},
    {.query = "100%", .expected = "3"},
    {.query = "done_now", .expected = "3"},
    {.query = "done", .expected = ""},
    {.contains = "NECTION REF", .expected = "1"},
    {.contains = "0%", .expected = "3"},
    {.contains = "e_n", .expected = "3"},
    {.contains = "bob\\s", .expected = "4"},
    {.regex = "^[cC]onnection", .expected = "2 1"},
    {.regex = "CONN", .expected = "5"},
    {.regex = "[0-9]+s$", .expected = "2"},
    {.service = "cart", .expected = "7 2 1"},
    {.min_severity = 13, .expected = "5 3 2"},
    {.min_severity = 13, .service = "web", .query = "refused", .expected = "5"},
};

START_TEST(filters_alone_and_together)
{
    struct db_search_logs_params params = all();
    params.query = str_of(searches[_i].query);
    params.contains = str_of(searches[_i].contains);
    params.regex = str_of(searches[_i].regex);
    params.service = str_of(searches[_i].service);
    params.min_severity = searches[_i].min_severity;
    struct db_search_logs_end end;
    ck_assert_str_eq(search(&params, &end), searches[_i].expected);
    ck_assert(!end.budget_spent);
}
END_TEST

static const struct {
    const char *query, *expected;
} words[] = {
    {"état", "2 1"},   {"ÉTAT", "2 1"},   {"état*", "3 2 1"}, {"-état*", "8 7 6 5 4"}, {"état -fin", "1"}, {"l'état", "2"},
    {"tat", ""},       {"über", "7"},     {"café", "7"},      {"caf", ""},             {"“quoted”", "4"},  {"quoted", "4"},
    {"日本", "5"},     {"日本*", "6 5"},  {"→", "8"},         {"b→", ""},
};

/* Letters are letters in every script, whatever stands beside them. */
START_TEST(words_beyond_ascii)
{
    question_put("SELECT put_log(n, n, 'words', 0, (ARRAY['état du service', 'fin de l''ÉTAT', 'rétat étaté', 'say “quoted” now',"
                 " '日本 へ', '日本語です', 'ÜBER dem café', 'a → b'])[n]) FROM generate_series(1, 8) AS n");
    struct db_search_logs_params params = all();
    params.service = STR("words");
    params.query = str_of(words[_i].query);
    struct db_search_logs_end end;
    const char *const seen = search(&params, &end);
    question_put("DELETE FROM logs WHERE service = 'words'");
    ck_assert_str_eq(seen, words[_i].expected);
}
END_TEST

START_TEST(by_trace_and_span)
{
    struct db_search_logs_end end;
    struct db_search_logs_params params = all();
    params.trace_id = question_trace_id(&q, 7);
    ck_assert_str_eq(search(&params, &end), "2 1");
    params.span_id = question_span_id(&q, 71);
    ck_assert_str_eq(search(&params, &end), "1");
    params.trace_id = (struct str){NULL, 0};
    ck_assert_str_eq(search(&params, &end), "1");
    params = all();
    params.trace_id = question_trace_id(&q, 7);
    params.oldest_first = true;
    params.query = STR("connection");
    ck_assert_str_eq(search(&params, &end), "1 2");
}
END_TEST

START_TEST(windows_are_exact_to_the_nanosecond)
{
    struct db_search_logs_end end;
    struct db_search_logs_params params = all();
    params.window = (struct db_window){QUESTION_MS(5000) + 1, QUESTION_MS(5000) + 2};
    ck_assert_str_eq(search(&params, &end), "5");
    params.window = (struct db_window){QUESTION_MS(5000) + 2, QUESTION_MS(5000) + 3};
    ck_assert_str_eq(search(&params, &end), "6");
    params.window = (struct db_window){QUESTION_MS(1000), QUESTION_MS(2000)};
    params.oldest_first = true;
    ck_assert_str_eq(search(&params, &end), "1");
    params.window = DB_WINDOW_ALL;
    ck_assert_str_eq(search(&params, &end), "1 2 3 4 5 6 7");
}
END_TEST

static enum err see_whole(void *arg, const struct db_log_row *row)
{
    question_see(arg, row->body);
    question_see(arg, row->body_json);
    question_see(arg, row->attributes);
    question_see(arg, row->resource_attributes);
    question_see(arg, row->severity_text);
    question_see(arg, row->event_name);
    question_see(arg, row->service);
    ck_assert_int_eq(row->severity, 3);
    ck_assert_int_eq(row->key.time_ns, QUESTION_MS(6000) + 7);
    ck_assert(row->has_observed);
    ck_assert_int_eq(row->observed_ns, QUESTION_MS(6000) - 1);
    ck_assert_ptr_null(row->trace_id.ptr);
    ck_assert_ptr_null(row->span_id.ptr);
    return OK;
}

START_TEST(a_row_is_whole)
{
    question_put("INSERT INTO logs (time, time_ns, observed_ns, log_id, severity, severity_text, event_name, resource_id,"
                 " scope_id, service, body, body_json, attributes) VALUES (at(6000), at_ns(6000) + 7, at_ns(6000) - 1, id16(99),"
                 " 3, 'Trace3', 'ev', 1, 1, 's', 'whole', '{\"a\": 1}', '{\"b\": [2, \"x\"]}')");
    struct db_search_logs_params params = all();
    params.query = STR("whole");
    struct db_search_logs_end end;
    ck_assert_int_eq(db_search_logs(q.conn, &q.wait, &q.arena, &params, see_whole, &q, &end, &q.e), OK);
    ck_assert_str_eq(question_seen(&q), "whole {\"a\": 1} {\"b\": [2, \"x\"]} {\"host\": \"h1\"} Trace3 ev s");
    question_put("DELETE FROM logs WHERE log_id = id16(99)");
}
END_TEST

static enum err refuse(void *arg, const struct db_log_row *row)
{
    question_see(arg, row->service);
    return ERR_TOO_LARGE;
}

START_TEST(the_callers_error_ends_it)
{
    const struct db_search_logs_params params = all();
    struct db_search_logs_end end;
    ck_assert_int_eq(db_search_logs(q.conn, &q.wait, &q.arena, &params, refuse, &q, &end, &q.e), ERR_TOO_LARGE);
    ck_assert_str_eq(question_seen(&q), "cart");
    ck_assert_str_eq(search(&params, &end), "7 6 5 4 3 2 1");
}
END_TEST

/* Pages of two, with a record put before, within and after the page each time: what was there at first comes once. */
static void page_through(bool oldest_first, const char *expected)
{
    struct db_search_logs_params params = all();
    params.oldest_first = oldest_first;
    params.service = STR("page");
    params.limit = 2;
    struct db_search_logs_end end;
    struct db_search_logs_key after;
    struct buf pages;
    buf_init(&pages, 4096);
    for (int i = 0; i < 20; i++) {
        const char *page = search(&params, &end);
        if (*page == '\0')
            break;
        buf_printf(&pages, "%s ", page);
        after = last;
        params.after = &after;
        char sql[256];
        const int passed = oldest_first ? 50000 : 50200; /* where the pages have been already */
        (void)snprintf(sql, sizeof sql, "SELECT put_log(%d, %d, 'page', 0, 'later')", 2000 + i, passed);
        question_put(sql);
    }
    buf_putc(&pages, '\0');
    ck_assert_str_eq(buf_str(&pages).ptr, expected);
    buf_close(&pages);
    question_put("DELETE FROM logs WHERE service = 'page'");
}

START_TEST(pages_neither_repeat_nor_skip)
{
    static const char *const put = "SELECT put_log(n, 50000 + n * 10, 'page', 0, 'x') FROM generate_series(1, 7) n;"
                                   "SELECT put_log(1003, 50030, 'page', 0, 'same time')";
    question_put(put);
    page_through(false, "7 6 5 4 1003 3 2 1 ");
    question_put(put);
    page_through(true, "1 2 3 1003 4 5 6 7 ");
}
END_TEST

START_TEST(a_budget_ends_the_search_and_says_where)
{
    struct db_search_logs_params params = all();
    params.query = STR("connection");
    params.budget = 4;
    struct db_search_logs_end end;
    ck_assert_str_eq(search(&params, &end), "");
    ck_assert(end.budget_spent);
    ck_assert_uint_eq(question_id_number(end.resume.log_id), 4);
    params.after = &(struct db_search_logs_key){end.resume.time_ns, end.resume.log_id};
    ck_assert_str_eq(search(&params, &end), "2 1");
    ck_assert(!end.budget_spent);
}
END_TEST

/* More records than the first scan examines: what is rare is found by the next ones, once. */
START_TEST(scans_go_on_where_the_last_one_ended)
{
    question_put("SELECT put_log(10000 + n, 100000 + n, 'bulk', 0, CASE n % 4000 WHEN 1 THEN 'needle' ELSE 'hay' END)"
                 " FROM generate_series(1, 12001) AS n");
    struct db_search_logs_params params = all();
    params.service = STR("bulk");
    params.query = STR("needle");
    struct db_search_logs_end end;
    ck_assert_str_eq(search(&params, &end), "22001 18001 14001 10001");
    params.oldest_first = true;
    ck_assert_str_eq(search(&params, &end), "10001 14001 18001 22001");
    params.limit = 2;
    ck_assert_str_eq(search(&params, &end), "10001 14001");
    ck_assert(!end.budget_spent);
    question_put("DELETE FROM logs WHERE service = 'bulk'");
}
END_TEST

static const struct {
    const char *query, *regex, *parameter;
} refused[] = {
    {.query = "", .parameter = "q"},       {.query = "  ", .parameter = "q"},   {.query = "\"open", .parameter = "q"},
    {.query = "a -", .parameter = "q"},    {.query = "*", .parameter = "q"},    {.query = "\"\"", .parameter = "q"},
    {.regex = "(", .parameter = "regex"},  {.regex = "a**", .parameter = "regex"}, {.regex = "[z-a]", .parameter = "regex"},
};

START_TEST(bad_input_names_its_parameter)
{
    struct db_search_logs_params params = all();
    params.window.end_ns = params.window.start_ns + 1; /* no records: told all the same */
    params.query = str_of(refused[_i].query);
    params.regex = str_of(refused[_i].regex);
    struct db_search_logs_end end;
    ck_assert_int_eq(db_search_logs(q.conn, &q.wait, &q.arena, &params, see, &q, &end, &q.e), ERR_INVALID);
    ck_assert_str_eq(q.e.parameter, refused[_i].parameter);
    ck_assert_int_ne(q.e.message[0], '\0');
}
END_TEST

START_TEST(only_the_days_of_the_window_are_read)
{
    const int64_t before = question_n_reads("logs_20230130");
    struct db_search_logs_params params = all();
    params.window.end_ns = QUESTION_DAY_NS + NS_PER_DAY - NS_PER_S;
    struct db_search_logs_end end;
    ck_assert_str_eq(search(&params, &end), "6 5 4 3 2 1");
    db_conn_close(q.conn);
    ck_assert_int_eq(question_n_reads("logs_20230130"), before);
    params.window.end_ns = QUESTION_DAY_NS + 2 * NS_PER_DAY;
    ck_assert_str_eq(search(&params, &end), "7 6 5 4 3 2 1");
    db_conn_close(q.conn);
    ck_assert_int_gt(question_n_reads("logs_20230130"), before);
}
END_TEST

static TCase *tcase_search_logs(void)
{
    TCase *t = tcase_create("search_logs");
    tcase_set_timeout(t, 60);
    tcase_add_unchecked_fixture(t, put_rows, NULL);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, filters_alone_and_together, 0, sizeof searches / sizeof *searches);
    tcase_add_loop_test(t, words_beyond_ascii, 0, sizeof words / sizeof *words);
    tcase_add_test(t, by_trace_and_span);
    tcase_add_test(t, windows_are_exact_to_the_nanosecond);
    tcase_add_test(t, a_row_is_whole);
    tcase_add_test(t, the_callers_error_ends_it);
    tcase_add_test(t, pages_neither_repeat_nor_skip);
    tcase_add_test(t, a_budget_ends_the_search_and_says_where);
    tcase_add_test(t, scans_go_on_where_the_last_one_ended);
    tcase_add_loop_test(t, bad_input_names_its_parameter, 0, sizeof refused / sizeof *refused);
    tcase_add_test(t, only_the_days_of_the_window_are_read);
    return t;
}

DATABASE_MAIN("search_logs", tcase_search_logs)
