#include <stdio.h>
#include <unistd.h>

#include "db/question/search_logs.h"
#include "db/schema/migrate.h"
#include "db/schema/retention.h"
#include "tests/integration/support/question.h"

/* What a search reads before it asks the chunks (db/question/walk.c). */
enum { FIRST_SCAN = 1000 };

static struct question q;
static struct db_search_logs_key last; /* of the rows seen */

static void make_schema(void) { question_schema(); }

static void setup(void)
{
    question_put("TRUNCATE logs, log_chunks, log_arrivals, errors, error_chunks, error_arrivals");
    question_open(&q);
}

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

static const char *search(const struct db_search_logs_params *params)
{
    struct db_search_logs_end end;
    const enum err err = db_search_logs(q.conn, &q.wait, &q.arena, params, see, &q, &end, &q.e);
    ck_assert_msg(err == OK, "%s %s", q.e.message, q.e.detail);
    return question_seen(&q);
}

static const char *search_word(const char *word)
{
    struct db_search_logs_params params = all();
    params.query = str_of(word);
    return search(&params);
}

static int64_t number(const char *sql)
{
    return database_number(database_url(), sql);
}

/* More at either end than the first scan examines, so that what is in between is found by ranges. */
static void put_filler(void)
{
    question_put("INSERT INTO logs (time, time_ns, log_id, severity, resource_id, scope_id, service, body, attributes)"
                 " SELECT at(ms), at_ns(ms), id16(1000000 + i), 1, 1, 1, 'filler', 'some filler ' || i, '{}' FROM generate_series(1,"
                 " 11000) AS i, LATERAL (SELECT CASE WHEN i <= 5500 THEN i ELSE 2 * 86400e3 + i END) AS t (ms)");
}

static void put_middle(void)
{
    question_put("SELECT put_log(1, 50e6 + 1000, 'cart', 9, 'Connection refused by 10.0.0.1:8080'),"
                 " put_log(2, 50e6 + 2000, 'cart', 17, 'connection timeout: retry in 5s'),"
                 " put_log(3, 50e6 + 3000, 'web', 13, 'disconnection notice 100% done_now'),"
                 " put_log(4, 50e6 + 4000, 'web', 5, E'user \"bob\\\\smith\" logged in'),"
                 " put_log(5, 50e6 + 5000.000001, 'web', 21, 'CONNECTIONS (all) refused'),"
                 " put_log(6, 50e6 + 5000.000002, 'web', 10, 'Größe überschritten /api/v1/orders'),"
                 " put_log(7, 86400e3 + 5, 'cart', 9, 'the next day, id 6f3cbf058c2765548a39ad724905d6a1'),"
                 " put_log(8, 86400e3 + 6, 'cart', 9, '')");
}

/* Expected is told newest first. */
static const struct {
    const char *query, *contains, *regex, *service;
    int64_t min_severity;
    const char *expected;
} searches[] = {
    {.query = "connection", .expected = "2 1"},
    {.query = "CONNECTION refused", .expected = "1"},
    {.query = "connection*", .expected = "5 2 1"},
    {.query = "conn*  -timeout", .expected = "5 1"},
    {.query = "\"onnection refused\"", .expected = "1"},
    {.query = "refused -\"by 10.0\"", .expected = "5"},
    {.query = "timeout:", .expected = "2"},
    {.query = "10.0.0.1", .expected = "1"},
    {.query = "10.0.0", .expected = "1"},
    {.query = "10x0", .expected = ""},
    {.query = "0.0.1:808", .expected = ""},
    {.query = "(all)", .expected = "5"},
    {.query = "in", .service = "web", .expected = "4"},
    {.query = "gr\xc3\xb6\xc3\x9f" "e", .service = "web", .expected = "6"},
    {.query = "-filler -connection", .service = "web", .expected = "6 5 4 3"},
    {.query = "/api/v1/orders", .expected = "6"},
    {.query = "\"\\\"bob\\\\smith\\\"\"", .expected = "4"},
    {.query = "100%", .expected = "3"},
    {.query = "done_now", .expected = "3"},
    {.query = "done", .expected = ""},
    {.query = "6f3cbf058c2765548a39ad724905d6a1", .expected = "7"},
    {.contains = "NECTION REF", .expected = "1"},
    {.contains = "0% d", .expected = "3"},
    {.contains = "e_n", .expected = "3"},
    {.contains = "bob\\s", .expected = "4"},
    {.contains = "58c2765548A39", .expected = "7"},
    {.contains = "\xc3\x9f" "e \xc3\xbc" "berschritten /API", .expected = "6"},
    {.regex = "^[cC]onnection", .expected = "2 1"},
    {.regex = "CONN", .expected = "5"},
    {.regex = "retry in [0-9]+s$", .expected = "2"},
    {.regex = "(bob|alice).smith.*log?ged", .expected = "4"},
    {.regex = "timeout|/api", .expected = "6 2"},
    {.service = "cart", .expected = "8 7 2 1"},
    {.min_severity = 13, .expected = "5 3 2"},
    {.min_severity = 18, .expected = "5"},
    {.min_severity = 13, .service = "web", .query = "refused", .expected = "5"},
    {.min_severity = 13, .service = "nobody", .expected = ""},
};

static void reverse(char *words)
{
    char copy[256];
    char *from[16];
    size_t n = 0;
    (void)snprintf(copy, sizeof copy, "%s", words);
    for (char *rest = copy, *word; (word = strtok_r(rest, " ", &rest)) != NULL;)
        from[n++] = word;
    *words = '\0';
    for (; n > 0; n--)
        words += sprintf(words, "%s%s", from[n - 1], n > 1 ? " " : "");
}

static void expect_all(const char *when)
{
    for (size_t i = 0; i < sizeof searches / sizeof *searches; i++) {
        char expected[256];
        struct db_search_logs_params params = all();
        params.query = str_of(searches[i].query);
        params.contains = str_of(searches[i].contains);
        params.regex = str_of(searches[i].regex);
        params.service = str_of(searches[i].service);
        params.min_severity = searches[i].min_severity;
        (void)snprintf(expected, sizeof expected, "%s", searches[i].expected);
        const char *seen = search(&params);
        ck_assert_msg(strcmp(seen, expected) == 0, "%s, search %zu: '%s', not '%s'", when, i, seen, expected);
        params.oldest_first = true;
        reverse(expected);
        seen = search(&params);
        ck_assert_msg(strcmp(seen, expected) == 0, "%s, search %zu, oldest first: '%s', not '%s'", when, i, seen, expected);
    }
}

START_TEST(the_same_is_found_however_it_is_kept)
{
    put_filler();
    put_middle();
    expect_all("arrived");
    ck_assert_int_eq(question_chunk(&q), 11);
    ck_assert_int_eq(number("SELECT count(*) FROM log_arrivals"), 0);
    expect_all("in chunks");
    question_put("UPDATE log_chunks SET grams = NULL WHERE n_rows < 100");
    expect_all("in unsure chunks");
    question_put("INSERT INTO log_arrivals (from_ns, to_ns, n_rows) SELECT min(from_ns), max(to_ns), 0 FROM log_chunks"
                 " GROUP BY time::date; TRUNCATE log_chunks");
    expect_all("in days as a whole");
}
END_TEST

START_TEST(nothing_is_read_that_cannot_match)
{
    put_filler();
    put_middle();
    (void)question_chunk(&q);
    struct db_search_logs_params params = all();
    struct db_search_logs_end end;
    params.query = STR("nowhere");
    ck_assert_int_eq(db_search_logs(q.conn, &q.wait, &q.arena, &params, see, &q, &end, &q.e), OK);
    ck_assert_int_eq(end.n_examined, FIRST_SCAN);
    params.query = STR("timeout");
    ck_assert_int_eq(db_search_logs(q.conn, &q.wait, &q.arena, &params, see, &q, &end, &q.e), OK);
    ck_assert_int_le(end.n_examined, FIRST_SCAN + 1200);
    ck_assert_str_eq(question_seen(&q), "2");
}
END_TEST

/* Rows that are in no chunk are found, also within the time of one. */
START_TEST(late_rows_are_found_at_once_and_get_into_the_chunk)
{
    put_filler();
    (void)question_chunk(&q);
    const int64_t n_chunks = number("SELECT count(*) FROM log_chunks");
    question_put("SELECT put_log(1, 100.5, 'late', 9, 'straggler one'), put_log(2, 4000.5, 'late', 9, 'straggler two')");
    ck_assert_str_eq(search_word("straggler"), "2 1");
    ck_assert_int_gt(question_chunk(&q), 0);
    ck_assert_str_eq(search_word("straggler"), "2 1");
    ck_assert_int_eq(number("SELECT count(*) FROM log_chunks"), n_chunks);
    ck_assert_int_eq(number("SELECT sum(n_rows) FROM log_chunks"), 11002);
    ck_assert_int_eq(number("SELECT count(*) FROM log_chunks AS a JOIN log_chunks AS b"
                            " ON a.from_ns < b.from_ns AND a.to_ns >= b.from_ns"), 0);
}
END_TEST

/* A sender of few records now and then: its chunk grows until it is half full, and no chunk is built for each record. */
START_TEST(a_trickle_fills_a_chunk)
{
    for (int i = 0; i < 6; i++) {
        char sql[128];
        (void)snprintf(sql, sizeof sql, "SELECT put_log(%d + n, (%d + n) * 1000, 's', 9, 'drop') FROM generate_series(1, 200) n",
                       i * 200, i * 200);
        question_put(sql);
        ck_assert_int_eq(question_chunk(&q), 1);
    }
    ck_assert_int_eq(number("SELECT count(*) FROM log_chunks"), 2);
    ck_assert_int_eq(number("SELECT sum(n_rows) FROM log_chunks"), 1200);
}
END_TEST

static struct db_chunk_built round_when(int64_t settled_ms, int64_t n_rows, int64_t max_age_ms)
{
    struct db_chunk_built done = {0};
    const struct db_chunk_when when = {settled_ms, n_rows, max_age_ms};
    const enum err err = db_chunk_round(q.conn, &q.wait, DB_CHUNKED_LOGS, &when, &done, &q.e);
    ck_assert_msg(err == OK, "%s %s", q.e.message, q.e.detail);
    return done;
}

START_TEST(a_round_waits_for_rows_to_settle_and_to_be_many_or_old)
{
    question_put("SELECT put_log(n, n, 's', 9, 'x') FROM generate_series(1, 3) n");
    ck_assert(!round_when(60000, 1, 0).is_due);
    ck_assert(!round_when(0, 4, 60000).is_due);
    ck_assert_int_eq(round_when(0, 4, 60000).n_waiting, 3);
    ck_assert_int_ne(round_when(0, 4, 60000).oldest_ns, 0);
    ck_assert_int_eq(round_when(0, 3, 60000).n_rows, 3);
    question_put("SELECT put_log(4, 4, 's', 9, 'x')");
    ck_assert_int_eq(round_when(0, 2, 0).n_rows, 4);
    ck_assert_int_eq(round_when(0, 1, 0).n_waiting, 0);
}
END_TEST

/* A day that was stored before there were chunks, in several rounds; in between what is left is found too. */
START_TEST(a_long_range_takes_several_rounds)
{
    question_put("INSERT INTO logs (time, time_ns, log_id, severity, resource_id, scope_id, service, body, attributes)"
                 " SELECT at(i), at_ns(i), id16(i), 1, 1, 1, 's', CASE i % 10000 WHEN 7 THEN 'needle' ELSE 'hay' END, '{}'"
                 " FROM generate_series(1, 40000) AS i;"
                 "DELETE FROM log_arrivals; INSERT INTO log_arrivals (from_ns, to_ns, n_rows) VALUES (at_ns(0), at_ns(86400e3) - 1, 0)");
    ck_assert_str_eq(search_word("needle"), "30007 20007 10007 7");
    ck_assert_int_eq(round_when(0, 0, 0).n_rows, DB_CHUNK_ROUND_ROWS);
    ck_assert_int_eq(number("SELECT count(*) FROM log_arrivals WHERE from_ns > at_ns(32000) AND from_ns < at_ns(33000)"), 1);
    ck_assert_str_eq(search_word("needle"), "30007 20007 10007 7");
    (void)question_chunk(&q);
    ck_assert_int_eq(number("SELECT count(*) FROM log_arrivals"), 0);
    ck_assert_int_eq(number("SELECT sum(n_rows) FROM log_chunks"), 40000);
    ck_assert_str_eq(search_word("needle"), "30007 20007 10007 7");
}
END_TEST

/* A chunk has all rows of its last instant, however many: no two share one. */
START_TEST(rows_of_one_instant_stay_together)
{
    question_put("SELECT put_log(n, 1000 + n / 3000, 's', 9, 'same') FROM generate_series(1, 8000) n");
    ck_assert_int_eq(question_chunk(&q), 3);
    ck_assert_int_eq(number("SELECT count(*) FROM log_chunks WHERE from_ns = to_ns"), 3);
}
END_TEST

START_TEST(a_range_lies_within_a_day_and_ends_at_a_gap)
{
    question_put("INSERT INTO logs (time, time_ns, log_id, severity, resource_id, scope_id, service, body, attributes)"
                 " SELECT at(ms), at_ns(ms), id16(i::int), 9, 1, 1, 's', 'x', '{}'"
                 " FROM unnest('{86399e3, 86400e3, 86401e3, 90000e3, 90009e3}'::float8[]) WITH ORDINALITY AS t (ms, i)");
    ck_assert_int_eq(number("SELECT count(*) FROM log_arrivals"), 3);
    ck_assert_int_eq(number("SELECT count(*) FROM log_arrivals WHERE from_ns = at_ns(90000e3) AND to_ns = at_ns(90009e3)"
                            " AND n_rows = 2"), 1);
    ck_assert_int_eq(question_chunk(&q), 2);
}
END_TEST

START_TEST(a_text_too_long_to_look_into_is_read)
{
    put_filler();
    question_put("SELECT put_log(1, 50e6, 's', 9, repeat('0123456789abcdef', 70000) || ' needle')");
    (void)question_chunk(&q);
    ck_assert_int_eq(number("SELECT count(*) FROM log_chunks WHERE grams IS NULL"), 1);
    ck_assert_str_eq(search_word("needle"), "1");
}
END_TEST

/* Pages of two while records come and chunks are built: what was there at first comes once. */
static void page_through(bool oldest_first, const char *expected)
{
    struct db_search_logs_params params = all();
    params.oldest_first = oldest_first;
    params.query = STR("needle");
    params.limit = 2;
    struct db_search_logs_key after;
    struct buf pages;
    buf_init(&pages, 4096);
    for (int i = 0; i < 20; i++) {
        const char *const page = search(&params);
        if (*page == '\0')
            break;
        buf_printf(&pages, "%s ", page);
        after = last;
        params.after = &after;
        char sql[256];
        const double passed = oldest_first ? 50e6 : 50e6 + 200000; /* where the pages have been already */
        (void)snprintf(sql, sizeof sql, "SELECT put_log(%d, %f, 'page', 0, 'later needle')", 2000 + i, passed);
        question_put(sql);
        if (i % 2 == 1)
            (void)question_chunk(&q);
    }
    buf_putc(&pages, '\0');
    ck_assert_str_eq(buf_str(&pages).ptr, expected);
    buf_close(&pages);
}

START_TEST(pages_neither_repeat_nor_skip)
{
    static const char put[] = "SELECT put_log(n, 50e6 + 1000 + n * 20000, 'page', 0, 'needle') FROM generate_series(1, 7) n;"
                              "SELECT put_log(1003, 50e6 + 61000, 'page', 0, 'needle at the same time')";
    put_filler();
    question_put(put);
    page_through(false, "7 6 5 4 1003 3 2 1 ");
    question_put("DELETE FROM logs WHERE service = 'page'");
    question_put(put);
    page_through(true, "1 2 3 1003 4 5 6 7 ");
}
END_TEST

/* More ranges than one question to the chunks gives, alone or with others in between that are in chunks. */
static void expect_many(int64_t n_examined_max)
{
    struct db_search_logs_params params = all();
    params.query = STR("needle");
    params.limit = 2000;
    struct db_search_logs_end end;
    for (int oldest_first = 0; oldest_first < 2; oldest_first++) {
        params.oldest_first = oldest_first == 1;
        ck_assert_int_eq(db_search_logs(q.conn, &q.wait, &q.arena, &params, see, &q, &end, &q.e), OK);
        const char *const seen = question_seen(&q);
        ck_assert_msg(strncmp(seen, oldest_first ? "1 2 3 " : "1500 1499 ", 6) == 0, "%s", seen);
        size_t n = 1;
        for (const char *c = seen; *c != '\0'; c++)
            n += *c == ' ';
        ck_assert_uint_eq(n, 1500);
        ck_assert(!end.budget_spent);
        ck_assert_int_le(end.n_examined, n_examined_max);
    }
}

START_TEST(many_ranges_follow_each_other)
{
    static const char put_needles[] = "SELECT put_log(n, 20e6 + n * 20000, 's', 0, 'needle') FROM generate_series(1, 1500) n";
    put_filler();
    (void)question_chunk(&q);
    question_put(put_needles);
    expect_many(FIRST_SCAN + 1500);
    question_put("TRUNCATE logs, log_chunks, log_arrivals");
    put_filler();
    question_put("INSERT INTO logs (time, time_ns, log_id, severity, resource_id, scope_id, service, body, attributes)"
                 " SELECT at(20e6 + i * 1000), at_ns(20e6 + i * 1000), id16(2000000 + i), 1, 1, 1, 'hay', 'hay', '{}'"
                 " FROM generate_series(1, 30000) AS i");
    (void)question_chunk(&q);
    question_put(put_needles);
    expect_many(FIRST_SCAN + 1500 + 1500 / 256 * 1024 + 1500 * 2);
}
END_TEST

START_TEST(the_budget_counts_what_is_read)
{
    put_filler();
    put_middle();
    (void)question_chunk(&q);
    struct db_search_logs_params params = all();
    struct db_search_logs_end end;
    params.query = STR("connection");
    params.budget = FIRST_SCAN + 3;
    ck_assert_int_eq(db_search_logs(q.conn, &q.wait, &q.arena, &params, see, &q, &end, &q.e), OK);
    ck_assert_str_eq(question_seen(&q), "");
    ck_assert(end.budget_spent);
    ck_assert_int_eq(end.n_examined, FIRST_SCAN + 3);
    params.after = &(struct db_search_logs_key){end.resume.time_ns, end.resume.log_id};
    ck_assert_str_eq(search(&params), "2 1");
}
END_TEST

START_TEST(chunks_go_with_their_day)
{
    struct db_retained done = {0};
    bool is_leader = false;
    question_put("SELECT put_log(1, 1000, 's', 9, 'x'), put_log(2, 86400e3, 's', 9, 'y')");
    (void)question_chunk(&q);
    question_put("SELECT put_log(3, 2000, 's', 9, 'z')");
    ck_assert_int_eq(db_retention_run(q.conn, &q.wait, QUESTION_DAY_NS + NS_PER_DAY, &is_leader, &done, &q.e), OK);
    ck_assert_int_eq(number("SELECT count(*) FROM log_chunks"), 1);
    ck_assert_int_eq(question_chunk(&q), 0);
    ck_assert_int_eq(number("SELECT count(*) FROM log_arrivals"), 0);
    ck_assert_str_eq(search_word("y"), "2");
    question_put("CREATE TABLE IF NOT EXISTS logs_20230129 PARTITION OF logs FOR VALUES FROM (at(0)) TO (at(86400e3))");
}
END_TEST

START_TEST(one_process_leads)
{
    struct db_conn *const other = db_conn_new(database_url(), "test");
    bool is_leader = false;
    ck_assert_int_eq(db_chunk_lead(q.conn, &q.wait, &is_leader, &q.e), OK);
    ck_assert(is_leader);
    ck_assert_int_eq(db_chunk_lead(other, &q.wait, &is_leader, &q.e), OK);
    ck_assert(!is_leader);
    db_conn_close(q.conn);
    for (int i = 0; i < 500 && !is_leader; i++) {
        (void)usleep(10000); /* the session ends a moment after the client has left */
        ck_assert_int_eq(db_chunk_lead(other, &q.wait, &is_leader, &q.e), OK);
    }
    ck_assert(is_leader);
    db_conn_free(other);
}
END_TEST

/* Should two be at it all the same, the second one fails and leaves what the first one made. */
START_TEST(two_that_lead_do_no_harm)
{
    struct db_conn *const other = db_conn_new(database_url(), "test");
    struct db_chunk_built done = {0};
    question_put("SELECT put_log(n, n, 's', 9, 'needle') FROM generate_series(1, 10) n");
    ck_assert_int_eq(db_exec(other, &q.wait, "BEGIN ISOLATION LEVEL REPEATABLE READ; DELETE FROM log_arrivals", NULL, &q.e), OK);
    const struct db_wait soon = database_wait(300);
    ck_assert_int_eq(db_chunk_round(q.conn, &soon, DB_CHUNKED_LOGS, &(struct db_chunk_when){0, 1, 0}, &done, &q.e), ERR_TIMEOUT);
    ck_assert_int_eq(db_exec(other, &q.wait, "ROLLBACK", NULL, NULL), OK);
    ck_assert_str_eq(search_word("needle"), "10 9 8 7 6 5 4 3 2 1");
    ck_assert_int_eq(question_chunk(&q), 1);
    db_conn_free(other);
}
END_TEST

/* A store of the version before, with data, gets chunks. */
START_TEST(days_stored_before_are_put_into_chunks)
{
    put_filler();
    put_middle();
    question_put("INSERT INTO errors (error_id, service, name, message, source, start_time, start_ns)"
                 " VALUES (id16(1), 's', 'n', 'm', 'log', at(1), at_ns(1));"
                 "DROP TABLE log_chunks, log_arrivals, error_chunks, error_arrivals;"
                 "DROP FUNCTION tell_log_arrivals CASCADE; DROP FUNCTION tell_error_arrivals CASCADE;"
                 "DELETE FROM schema_migrations WHERE version BETWEEN 20 AND 39");
    int n_applied = 0;
    ck_assert_int_eq(db_migrate_run(q.conn, &q.wait, &n_applied, &q.e), OK);
    ck_assert_int_eq(n_applied, 3);
    ck_assert_int_eq(number("SELECT count(*) FROM log_arrivals WHERE to_ns - from_ns = 86399999999999"), 3);
    ck_assert_int_eq(number("SELECT sum(n_rows) FROM error_arrivals"), 1);
    expect_all("in days as a whole");
    (void)question_chunk(&q);
    ck_assert_int_eq(number("SELECT sum(n_rows) FROM log_chunks"), 11008);
    ck_assert_int_eq(number("SELECT sum(n_rows) FROM error_chunks"), 1);
    expect_all("in chunks");
}
END_TEST

static TCase *tcase_chunks(void)
{
    TCase *t = tcase_create("chunks");
    tcase_set_timeout(t, 120);
    tcase_add_unchecked_fixture(t, make_schema, NULL);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_same_is_found_however_it_is_kept);
    tcase_add_test(t, nothing_is_read_that_cannot_match);
    tcase_add_test(t, late_rows_are_found_at_once_and_get_into_the_chunk);
    tcase_add_test(t, a_trickle_fills_a_chunk);
    tcase_add_test(t, a_round_waits_for_rows_to_settle_and_to_be_many_or_old);
    tcase_add_test(t, a_long_range_takes_several_rounds);
    tcase_add_test(t, rows_of_one_instant_stay_together);
    tcase_add_test(t, a_range_lies_within_a_day_and_ends_at_a_gap);
    tcase_add_test(t, a_text_too_long_to_look_into_is_read);
    tcase_add_test(t, pages_neither_repeat_nor_skip);
    tcase_add_test(t, many_ranges_follow_each_other);
    tcase_add_test(t, the_budget_counts_what_is_read);
    tcase_add_test(t, chunks_go_with_their_day);
    tcase_add_test(t, one_process_leads);
    tcase_add_test(t, two_that_lead_do_no_harm);
    tcase_add_test(t, days_stored_before_are_put_into_chunks);
    return t;
}

DATABASE_MAIN("chunks", tcase_chunks)
