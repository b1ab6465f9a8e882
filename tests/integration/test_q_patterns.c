#include <stdio.h>

#include "db/question/get_pattern.h"
#include "db/question/list_patterns.h"
#include "tests/integration/support/question.h"

static struct question q;
static struct db_list_patterns_key last;
static struct db_get_pattern_key last_trace;
static enum db_list_patterns_sort sort;

/* put_pattern keeps the counts and times that its traces have. */
static void put_rows(void)
{
    question_schema();
    question_put(
        "CREATE FUNCTION put_pattern(id bigint, service text, services text[], message text, errors int, VARIADIC ms float8[])"
        " RETURNS void LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO patterns (pattern_id, service, name, services, operations, error_message, trace_count, error_count,"
        " first_seen_ns, last_seen_ns, exemplar_trace_id) SELECT id, put_pattern.service, 'work', put_pattern.services,"
        " ARRAY['a' || chr(31) || 'GET /<n>', 'b' || chr(31) || 'add'], message, cardinality(ms), errors,"
        " min(at_ns(m)), max(at_ns(m)), id16(1) FROM unnest(ms) AS m;"
        " PERFORM put_trace((m + 100000 * abs(id))::int, m, 10, put_pattern.service, 'work', 'ok', id::int) FROM unnest(ms) AS m;"
        " END $$;"
        "SELECT put_pattern(1, 'gate', '{gate,cart,db}', NULL, 0, 1000, 5000, 9000);"
        "SELECT put_pattern(-2, 'gate', '{gate}', 'boom', 4, 2000, 2500, 2700, 3000);"
        "SELECT put_pattern(3, 'batch', '{batch}', NULL, 1, 4000, 4001, 4002);"
        "UPDATE patterns SET operations_are_cut = true WHERE pattern_id = 3;");
}

static void setup(void) { question_open(&q); }
static void teardown(void) { question_close(&q); }

static void see_number(int64_t n)
{
    char word[24];
    (void)snprintf(word, sizeof word, "%jd", (intmax_t)n);
    question_see(&q, str_of(word));
}

static enum err see(void *arg, const struct db_pattern_row *row)
{
    (void)arg;
    see_number(row->pattern_id);
    last = (struct db_list_patterns_key){db_list_patterns_value(row, sort), row->pattern_id};
    return OK;
}

static struct db_list_patterns_params all(void)
{
    return (struct db_list_patterns_params){.window = DB_WINDOW_ALL, .n_operations = 10, .limit = 100};
}

static const char *list(const struct db_list_patterns_params *params)
{
    sort = params->sort;
    const enum err err = db_list_patterns(q.conn, &q.wait, &q.arena, params, see, NULL, &q.e);
    ck_assert_msg(err == OK, "%s %s", q.e.message, q.e.detail);
    return question_seen(&q);
}

static const struct {
    enum db_list_patterns_sort sort;
    const char *service, *status;
    int64_t new_since_ms, start_ms, end_ms; /* 0: none */
    const char *expected;
} lists[] = {
    {.expected = "1 3 -2"},
    {.sort = DB_PATTERNS_BY_FIRST_SEEN, .expected = "3 -2 1"},
    {.sort = DB_PATTERNS_BY_COUNT, .expected = "-2 3 1"},
    {.service = "gate", .expected = "1 -2"},
    {.service = "cart", .sort = DB_PATTERNS_BY_COUNT, .expected = "1"},
    {.service = "nobody", .expected = ""},
    {.status = "error", .expected = "3 -2"},
    {.status = "ok", .expected = "1"},
    {.new_since_ms = 2000, .expected = "3 -2"},
    {.new_since_ms = 2001, .sort = DB_PATTERNS_BY_FIRST_SEEN, .expected = "3"},
    {.new_since_ms = 4001, .expected = ""},
    {.start_ms = 4002, .expected = "1 3"},
    {.start_ms = 4003, .expected = "1"},
    {.end_ms = 2000, .expected = "1"},
    {.end_ms = 2001, .expected = "1 -2"},
    {.start_ms = 3000, .end_ms = 5000, .expected = "3 -2"},
    {.start_ms = 3000, .end_ms = 5001, .expected = "1 3 -2"},
    {.start_ms = 5001, .end_ms = 9000, .expected = ""},
    {.start_ms = 2600, .end_ms = 2700, .expected = ""},
    {.service = "gate", .status = "error", .new_since_ms = 1500, .start_ms = 2500, .end_ms = 4000, .expected = "-2"},
};

START_TEST(filters_alone_and_together)
{
    struct db_list_patterns_params params = all();
    params.sort = lists[_i].sort;
    params.service = str_of(lists[_i].service);
    params.status = str_of(lists[_i].status);
    if (lists[_i].new_since_ms != 0)
        params.new_since_ns = QUESTION_MS(lists[_i].new_since_ms);
    if (lists[_i].start_ms != 0)
        params.window.start_ns = QUESTION_MS(lists[_i].start_ms);
    if (lists[_i].end_ms != 0)
        params.window.end_ns = QUESTION_MS(lists[_i].end_ms);
    ck_assert_str_eq(list(&params), lists[_i].expected);
}
END_TEST

static enum err see_whole(void *arg, const struct db_pattern_row *row)
{
    (void)arg;
    see_number(row->pattern_id);
    question_see(&q, row->service);
    question_see(&q, row->name);
    for (size_t i = 0; i < row->n_services; i++)
        question_see(&q, row->services[i]);
    question_see(&q, row->error_message);
    see_number(row->trace_count);
    see_number(row->error_count);
    see_number((row->first_seen_ns - QUESTION_DAY_NS) / NS_PER_MS);
    see_number((row->last_seen_ns - QUESTION_DAY_NS) / NS_PER_MS);
    see_number(question_id_number(row->exemplar_trace_id));
    for (size_t i = 0; i < row->n_operations; i++)
        question_see(&q, row->operations[i]);
    see_number(row->operation_count);
    see_number(row->operations_are_cut);
    return OK;
}

START_TEST(a_row_is_whole)
{
    struct db_list_patterns_params params = all();
    params.new_since_ns = QUESTION_MS(2000);
    params.n_operations = 1;
    ck_assert_int_eq(db_list_patterns(q.conn, &q.wait, &q.arena, &params, see_whole, NULL, &q.e), OK);
    ck_assert_str_eq(question_seen(&q), "3 batch work batch  3 1 4000 4002 1 a\x1fGET /<n> 2 1"
                                        " -2 gate work gate boom 4 4 2000 3000 1 a\x1fGET /<n> 2 0");
}
END_TEST

/* Pages of two with ties, while patterns come and one that was shown is seen again. */
static void page_through(enum db_list_patterns_sort by, const char *expected)
{
    question_put("SELECT put_pattern(n, 'page', '{page}', NULL, 0, 20000 + n / 2 * 10, 30000 + n / 2 * 10)"
                 " FROM generate_series(101, 107) AS n");
    struct db_list_patterns_params params = all();
    params.service = STR("page");
    params.sort = by;
    params.limit = 2;
    struct db_list_patterns_key after;
    AUTO(buf) struct buf pages;
    buf_init(&pages, 4096);
    for (unsigned i = 0; i < 20; i++) {
        const char *page = list(&params);
        if (*page == '\0')
            break;
        buf_printf(&pages, "%s ", page);
        after = last;
        params.after = &after;
        char sql[256];
        (void)snprintf(sql, sizeof sql, "SELECT put_pattern(%u, 'page', '{page}', NULL, 0, 40000, 50000, 60000);"
                                        "UPDATE patterns SET last_seen_ns = at_ns(60000), trace_count = 9 WHERE pattern_id = 107",
                       201 + i);
        question_put(sql);
    }
    buf_putc(&pages, '\0');
    ck_assert_str_eq(buf_str(&pages).ptr, expected);
    question_put("DELETE FROM patterns WHERE service = 'page'; DELETE FROM traces WHERE service = 'page'");
}

START_TEST(pages_neither_repeat_nor_skip)
{
    page_through(DB_PATTERNS_BY_LAST_SEEN, "107 106 105 104 103 102 101 ");
    page_through(DB_PATTERNS_BY_FIRST_SEEN, "107 106 105 104 103 102 101 ");
    page_through(DB_PATTERNS_BY_COUNT, "107 106 105 104 103 102 101 ");
}
END_TEST

static enum err see_trace(void *arg, const struct db_summary *row)
{
    (void)arg;
    see_number(question_id_number(row->trace_id));
    last_trace = (struct db_get_pattern_key){row->start_ns, arena_copy(&q.arena, row->trace_id)};
    return OK;
}

static enum err skip_pattern(void *arg, const struct db_pattern_row *row)
{
    (void)arg;
    (void)row;
    return OK;
}

static const char *traces(const struct db_get_pattern_params *params)
{
    const enum err err = db_get_pattern(q.conn, &q.wait, &q.arena, params, skip_pattern, see_trace, NULL, &q.e);
    ck_assert_msg(err == OK, "%s %s", q.e.message, q.e.detail);
    return question_seen(&q);
}

START_TEST(one_with_all_its_operations)
{
    const struct db_get_pattern_params params = {.pattern_id = -2, .window = {0, QUESTION_MS(2700)}, .limit = 10};
    ck_assert_int_eq(db_get_pattern(q.conn, &q.wait, &q.arena, &params, see_whole, see_trace, NULL, &q.e), OK);
    ck_assert_str_eq(question_seen(&q), "-2 gate work gate boom 4 4 2000 3000 1 a\x1fGET /<n> b\x1f"
                                        "add 2 0 202500 202000");
}
END_TEST

START_TEST(one_that_nobody_knows)
{
    const struct db_get_pattern_params params = {.pattern_id = 4, .window = DB_WINDOW_ALL, .limit = 10};
    ck_assert_int_eq(db_get_pattern(q.conn, &q.wait, &q.arena, &params, see_whole, see_trace, NULL, &q.e), ERR_NOT_FOUND);
    ck_assert_str_eq(question_seen(&q), "");
}
END_TEST

START_TEST(pages_of_its_traces)
{
    question_put("INSERT INTO patterns (pattern_id, service, name, services, first_seen_ns, last_seen_ns, exemplar_trace_id)"
                 " VALUES (9, 'tie', 't', '{tie}', 0, 0, id16(1));"
                 "SELECT put_trace(n, 7000 + n / 3, 5, 'tie', 't', 'ok', 9) FROM generate_series(10, 16) AS n");
    struct db_get_pattern_params params = {.pattern_id = 9, .window = DB_WINDOW_ALL, .limit = 3};
    ck_assert_str_eq(traces(&params), "15 16 12");
    struct db_get_pattern_key after = last_trace;
    params.after = &after;
    question_put("SELECT put_trace(17, 8000, 5, 'tie', 't', 'ok', 9)");
    ck_assert_str_eq(traces(&params), "13 14 10");
    after = last_trace;
    ck_assert_str_eq(traces(&params), "11");
    params = (struct db_get_pattern_params){.pattern_id = 9, .window = {QUESTION_MS(7004), QUESTION_MS(7005)}, .limit = 9};
    ck_assert_str_eq(traces(&params), "12 13 14");
}
END_TEST

static int64_t n_entries_read(const char *index)
{
    char sql[128];
    (void)question_n_reads("traces");
    (void)snprintf(sql, sizeof sql, "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = '%s'", index);
    return database_number(database_url(), sql);
}

/* Of 20,000 traces one has the pattern, and it is the oldest: no walk from the newest finds it. */
START_TEST(a_rare_pattern_is_found_by_its_index)
{
    question_put("SELECT put_pattern(n, 'many', '{many}', NULL, 0, 100) FROM generate_series(1000, 1009) AS n;"
                 "SELECT put_trace(200000000 + n, 100000 + n, 5, 'many', 't', 'ok', 1000 + n % 9) FROM generate_series(1, 20000) AS n;"
                 "ANALYZE traces; ANALYZE patterns");
    const int64_t by_time = n_entries_read("ix_traces_start_ns"), by_pattern = n_entries_read("ix_traces_pattern_start");
    const struct db_get_pattern_params params = {.pattern_id = 1009, .window = DB_WINDOW_ALL, .limit = 51};
    for (int i = 0; i < 8; i++)
        ck_assert_str_eq(traces(&params), "100900100");
    db_conn_close(q.conn);
    ck_assert_int_lt(n_entries_read("ix_traces_start_ns"), by_time + 100);
    ck_assert_int_lt(n_entries_read("ix_traces_pattern_start"), by_pattern + 100);
    question_put("DELETE FROM patterns WHERE service = 'many'; DELETE FROM traces WHERE service = 'many'");
}
END_TEST

static TCase *tcase_patterns(void)
{
    TCase *t = tcase_create("patterns");
    tcase_set_timeout(t, 60);
    tcase_add_unchecked_fixture(t, put_rows, NULL);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, filters_alone_and_together, 0, sizeof lists / sizeof *lists);
    tcase_add_test(t, a_row_is_whole);
    tcase_add_test(t, pages_neither_repeat_nor_skip);
    tcase_add_test(t, one_with_all_its_operations);
    tcase_add_test(t, one_that_nobody_knows);
    tcase_add_test(t, pages_of_its_traces);
    tcase_add_test(t, a_rare_pattern_is_found_by_its_index);
    return t;
}

DATABASE_MAIN("patterns", tcase_patterns)
