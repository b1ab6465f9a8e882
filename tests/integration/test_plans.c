#include <stdio.h>

#include "db/question/get_traces_by_error.h"
#include "db/question/list_traces.h"
#include "db/question/search_logs.h"
#include "tests/integration/support/plans.h"
#include "tests/integration/support/question.h"

/* A day of 100,000 traces and as many errors, and 200,000 logs; what is called rare is in the oldest hundredth only, what is
 * called usual is in all the others. */
static const char generate[] =
    "INSERT INTO logs (time, time_ns, log_id, severity, resource_id, scope_id, service, body, attributes)"
    " SELECT at(i * 400), at_ns(i * 400), id16(i), CASE WHEN i % 1999 = 0 AND i < 2000 THEN 17 ELSE 9 END, 1, 1,"
    " CASE WHEN i % 400 = 3 AND i < 2000 THEN 'rare-service' ELSE 'service-' || i % 20 END,"
    " CASE WHEN i % 400 = 7 AND i < 2000 THEN 'disk quota exhausted for volume vol-7f3a91c2b4d5e6' ELSE"
    " 'usual request ' || md5(i::text) || ' took ' || i % 977 || ' ms' END, '{}' FROM generate_series(1, 200000) AS i;"
    "INSERT INTO errors (error_id, trace_id, span_id, service, name, type, message, source, start_time, start_ns, duration_ms)"
    " SELECT id16(i), id16(i), id8(i), CASE WHEN i % 200 = 3 AND i < 1000 THEN 'rare-service' ELSE 'service-' || i % 20 END,"
    " 'operation-' || i % 50, CASE WHEN i % 200 = 5 AND i < 1000 THEN 'RareError' ELSE 'UsualError' END,"
    " CASE WHEN i % 200 = 7 AND i < 1000 THEN 'quota exhausted on shard ' || i ELSE 'usual timeout of request ' || md5(i::text) END,"
    " 'span_status', at(i * 800), at_ns(i * 800), 1 FROM generate_series(1, 100000) AS i;"
    "INSERT INTO patterns (pattern_id, service, name, services, trace_count, error_count, first_seen_ns, last_seen_ns,"
    " exemplar_trace_id) SELECT i, 'service-' || i, 'GET /', ARRAY['service-' || i, CASE i WHEN 50 THEN 'rare-service' ELSE"
    " 'database' END], 1, 0, at_ns(0), at_ns(86400e3), id16(i) FROM generate_series(1, 50) AS i;"
    "INSERT INTO traces (trace_id, service, name, start_time, end_time, start_ns, end_ns, duration_ms, status, span_count,"
    " error_count, pattern_id, attributes, embedding, embedding_model)"
    " SELECT id16(i), CASE WHEN i % 200 = 9 AND i < 1000 THEN 'given-service' ELSE 'service-' || p END, 'GET /', at(i * 800),"
    " at(i * 800 + 5), at_ns(i * 800), at_ns(i * 800 + 5), 5, CASE WHEN i % 200 = 3 AND i < 1000 THEN 'error' ELSE 'ok' END,"
    " 1, 0, CASE WHEN i % 200 = 9 AND i < 1000 THEN NULL ELSE p END,"
    " jsonb_build_object('env', 'prod', 'customer', CASE WHEN i % 200 = 5 AND i < 1000 THEN 'rare' ELSE 'c' || i % 1000 END,"
    " 'http.status_code', 200), embedding, 'hash-v1'"
    " FROM (SELECT i, CASE WHEN i % 200 = 7 AND i < 1000 THEN 50 ELSE 1 + i % 49 END AS p FROM generate_series(1, 100000) AS i) AS t,"
    " (SELECT unit(1) AS embedding OFFSET 0) AS e;";
enum { WAIT_MS = 120000, NEAR_PAGES = 4000 };

static struct question q;
static struct plans plans;
static int64_t n_seen;

static void setup_store(void)
{
    question_schema();
    question_put(generate);
    question_open(&q);
    q.wait = database_wait(WAIT_MS);
    (void)question_chunk(&q);
    question_close(&q);
    question_put("VACUUM ANALYZE");
}

static void setup(void)
{
    question_open(&q);
    plans_open(&plans, q.conn, &q.wait);
    n_seen = 0;
}

static void teardown(void)
{
    plans_close(&plans);
    question_close(&q);
}

static const char *const big_tables[] = {"logs", "log_chunks", "errors", "error_chunks", "traces"};

/* What was found, by which index, without reading a table, and reading little. */
static void expect(int64_t n_expected, const char *index, int64_t n_pages_max)
{
    const char *const text = plans_text(&plans);
    ck_assert_int_eq(n_seen, n_expected);
    ck_assert_msg(strstr(text, index) != NULL, "%s is not in %.3000s", index, text);
    for (size_t i = 0; i < sizeof big_tables / sizeof *big_tables; i++) {
        char scan[64];
        (void)snprintf(scan, sizeof scan, "Seq Scan on %s", big_tables[i]);
        ck_assert_msg(strstr(text, scan) == NULL, "%s in %.3000s", scan, text);
    }
    ck_assert_msg(plans_pages(&plans) <= n_pages_max, "%jd pages: %.3000s", (intmax_t)plans_pages(&plans), text);
}

static enum err see_log(void *arg, const struct db_log_row *row)
{
    (void)arg;
    (void)row;
    n_seen++;
    return OK;
}

/* Of the first scan, and of a few chunks: five rare records are in two, and of each hundred others one may seem to have what
 * is asked for. */
enum { FEW_RECORDS = 5000 + 8 * 1100 };

static const struct {
    const char *query, *contains, *regex, *service;
    int64_t min_severity;
    int64_t n_expected;
} log_searches[] = {
    {.query = "exhausted", .n_expected = 5},
    {.query = "exhaust* -usual", .n_expected = 5},
    {.query = "\"for volume vol\"", .n_expected = 5},
    {.query = "c4ca4238a0b923820dcc509a6f75849b", .n_expected = 1}, /* md5 of 1 */
    {.contains = "QUOTA exh", .n_expected = 5},
    {.contains = "238a0b923820dcc509a6", .n_expected = 1},
    {.contains = "7f3a91c2b4d5", .n_expected = 5},
    {.regex = "volume vol-[0-9a-f]+$", .n_expected = 5},
    {.service = "rare-service", .n_expected = 5},
    {.min_severity = 17, .n_expected = 1},
    {.min_severity = 13, .service = "service-19", .n_expected = 1},
    {.query = "zebra", .n_expected = 0},
};

START_TEST(logs_of_what_is_rare)
{
    struct db_search_logs_params params = {
        .window = {QUESTION_DAY_NS, QUESTION_DAY_NS + NS_PER_DAY},
        .query = str_of(log_searches[_i].query),
        .contains = str_of(log_searches[_i].contains),
        .regex = str_of(log_searches[_i].regex),
        .service = str_of(log_searches[_i].service),
        .min_severity = log_searches[_i].min_severity,
        .limit = 100,
    };
    struct db_search_logs_end end;
    ck_assert_int_eq(db_search_logs(q.conn, &q.wait, &q.arena, &params, see_log, NULL, &end, &q.e), OK);
    ck_assert_int_le(end.n_examined, FEW_RECORDS);
    ck_assert(!end.budget_spent);
    expect(log_searches[_i].n_expected, "log_chunks_20230129_grams_idx", NEAR_PAGES);
    plans_begin(&plans);
    n_seen = 0;
    params.oldest_first = true;
    ck_assert_int_eq(db_search_logs(q.conn, &q.wait, &q.arena, &params, see_log, NULL, &end, &q.e), OK);
    ck_assert_int_le(end.n_examined, FEW_RECORDS);
    expect(log_searches[_i].n_expected, "log_chunks_20230129_grams_idx", NEAR_PAGES);
}
END_TEST

START_TEST(logs_of_what_is_usual)
{
    const struct db_search_logs_params params = {
        .window = {QUESTION_DAY_NS, QUESTION_DAY_NS + NS_PER_DAY}, .query = STR("usual"), .limit = 100};
    struct db_search_logs_end end;
    ck_assert_int_eq(db_search_logs(q.conn, &q.wait, &q.arena, &params, see_log, NULL, &end, &q.e), OK);
    expect(100, "Index Scan Backward using logs_20230129_pkey", 50);
}
END_TEST

static enum err see_error(void *arg, const struct db_get_traces_by_error_row *row)
{
    (void)arg;
    (void)row;
    n_seen++;
    return OK;
}

static const struct {
    const char *pattern, *text, *service, *type;
    int64_t n_expected;
    const char *index;
    int64_t n_pages_max;
} error_searches[] = {
    {.pattern = "quota exhausted%", .n_expected = 5, .index = "error_chunks_20230129_grams_idx", .n_pages_max = NEAR_PAGES},
    {.text = "ON SHARD", .n_expected = 5, .index = "error_chunks_20230129_grams_idx", .n_pages_max = NEAR_PAGES},
    {.text = "no such", .n_expected = 0, .index = "error_chunks_20230129_grams_idx", .n_pages_max = NEAR_PAGES},
    {.service = "rare-service", .n_expected = 5, .index = "using ix_errors_service", .n_pages_max = 30},
    {.service = "service-3", .text = "on shard", .n_expected = 0, .index = "error_chunks_20230129_grams_idx", .n_pages_max = NEAR_PAGES},
    {.type = "RareError", .n_expected = 5, .index = "error_chunks_20230129_grams_idx", .n_pages_max = NEAR_PAGES},
    {.pattern = "usual timeout%", .n_expected = 50, .index = "using ix_errors_start_ns", .n_pages_max = 30},
    {.text = "timeout", .type = "UsualError", .n_expected = 50, .index = "using ix_errors_start_ns", .n_pages_max = 30},
};

START_TEST(errors)
{
    const struct db_get_traces_by_error_params params = {
        .window = {QUESTION_DAY_NS, QUESTION_DAY_NS + NS_PER_DAY},
        .pattern = str_of(error_searches[_i].pattern),
        .text = str_of(error_searches[_i].text),
        .service = str_of(error_searches[_i].service),
        .type = str_of(error_searches[_i].type),
        .limit = 50,
    };
    ck_assert_int_eq(db_get_traces_by_error(q.conn, &q.wait, &q.arena, &params, see_error, NULL, &q.e), OK);
    expect(error_searches[_i].n_expected, error_searches[_i].index, error_searches[_i].n_pages_max);
}
END_TEST

static enum err see_trace(void *arg, const struct db_summary *row)
{
    (void)arg;
    (void)row;
    n_seen++;
    return OK;
}

static const struct {
    const char *key, *value, *service, *status;
    int64_t n_expected;
    const char *index;
    int64_t n_pages_max;
} trace_searches[] = {
    {.key = "customer", .value = "rare", .n_expected = 5, .index = "on ix_traces_attributes", .n_pages_max = NEAR_PAGES},
    {.key = "customer", .value = "nobody", .n_expected = 0, .index = "on ix_traces_attributes", .n_pages_max = NEAR_PAGES},
    {.key = "customer", .value = "c77", .n_expected = 50, .index = "on ix_traces_attributes", .n_pages_max = NEAR_PAGES},
    {.key = "env", .value = "prod", .n_expected = 50, .index = "using ix_traces_start_ns", .n_pages_max = 400},
    {.service = "rare-service", .n_expected = 5, .index = "ix_traces_pattern_start", .n_pages_max = NEAR_PAGES},
    {.service = "given-service", .n_expected = 5, .index = "ix_traces_", /* of several that hold few others */ .n_pages_max = NEAR_PAGES},
    {.service = "database", .n_expected = 50, .index = "using ix_traces_start_ns", .n_pages_max = 400},
    {.status = "error", .n_expected = 5, .index = "ix_traces_status_start", .n_pages_max = NEAR_PAGES},
    {.status = "ok", .n_expected = 50, .index = "using ix_traces_start_ns", .n_pages_max = 400},
    {.status = "error", .service = "service-48", .n_expected = 0, .index = "ix_traces_", .n_pages_max = NEAR_PAGES},
};

START_TEST(traces)
{
    const struct str key = str_of(trace_searches[_i].key);
    const struct str value = str_of(trace_searches[_i].value);
    const struct db_list_traces_params params = {
        .window = {QUESTION_DAY_NS, QUESTION_DAY_NS + NS_PER_DAY},
        .max_duration_ns = INT64_MAX,
        .attrs = {&key, &value, key.ptr == NULL ? 0 : 1},
        .service = str_of(trace_searches[_i].service),
        .status = str_of(trace_searches[_i].status),
        .limit = 50,
    };
    ck_assert_int_eq(db_list_traces(q.conn, &q.wait, &q.arena, &params, see_trace, NULL, &q.e), OK);
    expect(trace_searches[_i].n_expected, trace_searches[_i].index, trace_searches[_i].n_pages_max);
}
END_TEST

static TCase *tcase_plans(void)
{
    TCase *t = tcase_create("plans");
    tcase_set_timeout(t, 120);
    tcase_add_unchecked_fixture(t, setup_store, NULL);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, logs_of_what_is_rare, 0, sizeof log_searches / sizeof *log_searches);
    tcase_add_test(t, logs_of_what_is_usual);
    tcase_add_loop_test(t, errors, 0, sizeof error_searches / sizeof *error_searches);
    tcase_add_loop_test(t, traces, 0, sizeof trace_searches / sizeof *trace_searches);
    return t;
}

DATABASE_MAIN("plans", tcase_plans)
