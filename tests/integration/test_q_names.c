#include <stdio.h>

#include "db/question/index_usage.h"
#include "db/question/list_metric_names.h"
#include "db/question/list_operations.h"
#include "db/question/list_services.h"
#include "db/question/query_metrics.h"
#include "db/session/query.h"
#include "tests/integration/support/question.h"

static struct question q;
static struct db_query_metrics_key last;

static void put_rows(void)
{
    question_schema();
    question_put(
        "INSERT INTO operations (operation_id, day, service, name, kind, first_seen_ns, last_seen_ns) VALUES"
        " (1, '2023-01-29', 'cart', 'add', 2, at_ns(1000), at_ns(2000)), (1, '2023-01-30', 'cart', 'add', 2, at_ns(90e6), at_ns(91e6)),"
        " (2, '2023-01-29', 'cart', 'add', 3, at_ns(1000), at_ns(1500)), (3, '2023-01-29', 'cart', 'Get', 1, at_ns(5000), at_ns(6000)),"
        " (4, '2023-01-29', 'web', 'GET /', 2, at_ns(3000), at_ns(3000));"
        "INSERT INTO metrics (metric_id, name, type, unit, description) VALUES (1, 'cpu', 'gauge', '1', 'load'),"
        " (2, 'cpu', 'gauge', '1', 'later text'), (3, 'cpu', 'sum', 's', ''), (4, 'idle', 'gauge', '', 'no points');"
        "CREATE FUNCTION put_point(metric int, n int, ms float8, value float8, service text DEFAULT 'web',"
        " attributes jsonb DEFAULT '{}') RETURNS void LANGUAGE sql AS $$INSERT INTO metric_points (metric_id, time, time_ns,"
        " point_id, resource_id, scope_id, service, value, attributes) VALUES (metric, at(ms), at_ns(ms), id16(n), 1, 1, service,"
        " value, attributes)$$;"
        "SELECT put_point(1, 1, 1000, 0.5, 'web', '{\"core\": 1, \"host\": \"h9\"}'), put_point(2, 2, 2000, 0.6, 'cart',"
        " '{\"core\": \"1\"}'), put_point(3, 3, 90e6, 7), put_point(1, 4, 1000, 0.7, 'web', '{\"core\": [2]}');"
        "UPDATE metric_points SET value_int = 9007199254740993 WHERE metric_id = 3");
}

static void setup(void) { question_open(&q); }
static void teardown(void) { question_close(&q); }

static void see_number(int64_t n)
{
    char word[24];
    (void)snprintf(word, sizeof word, "%jd", (intmax_t)n);
    question_see(&q, str_of(word));
}

static enum err see_service(void *arg, const struct db_list_services_row *row)
{
    question_see(arg, row->name);
    see_number((row->last_seen_ns - QUESTION_DAY_NS) / NS_PER_MS);
    return OK;
}

static const char *services(struct db_window window, const char *after, int64_t limit)
{
    const struct db_list_services_params params = {window, str_of(after), limit};
    ck_assert_int_eq(db_list_services(q.conn, &q.wait, &q.arena, &params, see_service, &q, &q.e), OK);
    return question_seen(&q);
}

START_TEST(services_of_a_window)
{
    ck_assert_str_eq(services(DB_WINDOW_ALL, NULL, 10), "cart 91000000 web 3000");
    ck_assert_str_eq(services(DB_WINDOW_ALL, NULL, 1), "cart 91000000");
    ck_assert_str_eq(services(DB_WINDOW_ALL, "cart", 10), "web 3000");
    ck_assert_str_eq(services((struct db_window){QUESTION_MS(2000), QUESTION_MS(3000)}, NULL, 10), "cart 2000");
    ck_assert_str_eq(services((struct db_window){QUESTION_MS(7000), QUESTION_MS(8000)}, NULL, 10), "");
}
END_TEST

static enum err see_operation(void *arg, const struct db_list_operations_row *row)
{
    question_see(arg, row->key.name);
    see_number(row->key.kind);
    see_number((row->last_seen_ns - QUESTION_DAY_NS) / NS_PER_MS);
    return OK;
}

static const char *operations(const char *service, struct db_window window, const struct db_list_operations_key *after)
{
    const struct db_list_operations_params params = {str_of(service), window, after, 10};
    ck_assert_int_eq(db_list_operations(q.conn, &q.wait, &q.arena, &params, see_operation, &q, &q.e), OK);
    return question_seen(&q);
}

START_TEST(operations_of_a_service)
{
    question_put("UPDATE operations SET name = 'get' WHERE operation_id = 3"); /* the same order in every collation */
    ck_assert_str_eq(operations("cart", DB_WINDOW_ALL, NULL), "add 2 91000000 add 3 1500 get 1 6000");
    ck_assert_str_eq(operations("cart", (struct db_window){0, QUESTION_MS(5000)}, NULL), "add 2 2000 add 3 1500");
    const struct db_list_operations_key after = {STR("add"), 2};
    ck_assert_str_eq(operations("cart", DB_WINDOW_ALL, &after), "add 3 1500 get 1 6000");
    ck_assert_str_eq(operations("nobody", DB_WINDOW_ALL, NULL), "");
}
END_TEST

static enum err see_metric(void *arg, const struct db_list_metric_names_row *row)
{
    question_see(arg, row->key.name);
    question_see(arg, row->key.type);
    question_see(arg, row->key.unit);
    question_see(arg, row->description);
    return OK;
}

static const char *metric_names(struct db_window window, const struct db_list_metric_names_key *after)
{
    const struct db_list_metric_names_params params = {window, after, 10};
    ck_assert_int_eq(db_list_metric_names(q.conn, &q.wait, &q.arena, &params, see_metric, &q, &q.e), OK);
    return question_seen(&q);
}

START_TEST(metric_names_with_points_in_the_window)
{
    ck_assert_str_eq(metric_names(DB_WINDOW_ALL, NULL), "cpu gauge 1 later text cpu sum s ");
    ck_assert_str_eq(metric_names((struct db_window){0, QUESTION_MS(2000)}, NULL), "cpu gauge 1 load");
    const struct db_list_metric_names_key after = {STR("cpu"), STR("gauge"), STR("1")};
    ck_assert_str_eq(metric_names(DB_WINDOW_ALL, &after), "cpu sum s ");
}
END_TEST

static enum err see_point(void *arg, const struct db_point_row *row)
{
    (void)arg;
    see_number(question_id_number(row->key.point_id));
    last = row->key;
    last.point_id = arena_copy(&q.arena, last.point_id);
    if (row->key.metric_id == 3) {
        ck_assert(row->has_value && row->has_value_int && !row->has_count && !row->has_start && !row->has_sum);
        ck_assert_int_eq(row->value_int, INT64_C(9007199254740993));
        ck_assert_double_eq(row->value, 7);
        ck_assert(str_equal(row->type, STR("sum")) && str_equal(row->unit, STR("s")));
        ck_assert(str_equal(row->resource_attributes, STR("{\"host\": \"h1\"}")));
    }
    return OK;
}

static struct db_query_metrics_params of_cpu(void)
{
    return (struct db_query_metrics_params){.name = STR("cpu"), .window = DB_WINDOW_ALL, .limit = 10};
}

static const char *points(const struct db_query_metrics_params *params)
{
    const enum err err = db_query_metrics(q.conn, &q.wait, &q.arena, params, see_point, &q, &q.e);
    ck_assert_msg(err == OK, "%s %s", q.e.message, q.e.detail);
    return question_seen(&q);
}

START_TEST(points_by_name_service_attributes_and_window)
{
    struct db_query_metrics_params params = of_cpu();
    ck_assert_str_eq(points(&params), "3 2 4 1");
    params.service = STR("cart");
    ck_assert_str_eq(points(&params), "2");
    params = of_cpu();
    params.name = STR("CPU");
    ck_assert_str_eq(points(&params), "");
    params = of_cpu();
    params.attrs = (struct db_attrs){(const struct str[]){STR("core")}, (const struct str[]){STR("1")}, 1};
    ck_assert_str_eq(points(&params), "2 1");
    params.attrs.values = (const struct str[]){STR("2")};
    ck_assert_str_eq(points(&params), "4");
    params.attrs = (struct db_attrs){(const struct str[]){STR("host"), STR("core")},
                                     (const struct str[]){STR("h1"), STR("1")}, 2};
    ck_assert_str_eq(points(&params), "2");
    params = of_cpu();
    params.window = (struct db_window){QUESTION_MS(1000), QUESTION_MS(2000)};
    ck_assert_str_eq(points(&params), "4 1");
}
END_TEST

START_TEST(pages_of_points_neither_repeat_nor_skip)
{
    struct db_query_metrics_params params = of_cpu();
    params.limit = 1;
    static const char *const pages[] = {"3", "2", "4", "1", ""};
    struct db_query_metrics_key after;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        ck_assert_str_eq(points(&params), pages[i]);
        after = last;
        params.after = &after;
        char sql[128];
        (void)snprintf(sql, sizeof sql, "SELECT put_point(1, %zu, 95e6, 1)", 100 + i);
        question_put(sql);
    }
    question_put("DELETE FROM metric_points WHERE time_ns = at_ns(95e6)");
}
END_TEST

/* Rows that scans of the day's points have given, once the sessions that were closed have told. */
static int64_t n_points_read(void)
{
    db_conn_close(q.conn);
    (void)question_n_reads("metric_points_20230129");
    return database_number(database_url(), "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables"
                                           " WHERE relname = 'metric_points_20230129'");
}

START_TEST(a_page_of_points_reads_no_more_than_it_shows)
{
    question_put("INSERT INTO metrics (metric_id, name, type) VALUES (5, 'bulk', 'gauge'), (6, 'bulk', 'sum');"
                 "SELECT put_point(5 + n % 2, 1000 + n, 10000 + n, 1) FROM generate_series(1, 6000) AS n; ANALYZE metric_points");
    const struct db_query_metrics_key after = {QUESTION_MS(13000), INT64_MAX, STR("")};
    struct db_query_metrics_params params = of_cpu();
    params.name = STR("bulk");
    for (int i = 0; i < 2; i++) {
        const int64_t before = n_points_read();
        (void)points(&params);
        ck_assert_int_lt(n_points_read() - before, 100);
        params.after = &after;
    }
    ck_assert_int_eq(last.time_ns, QUESTION_MS(12991));
    question_put("DELETE FROM metric_points WHERE metric_id > 4; DELETE FROM metrics WHERE metric_id > 4");
}
END_TEST

static enum err see_index(void *arg, const struct db_index_usage_row *row)
{
    if (!str_equal(row->index, STR("spans_pkey")) && !str_equal(row->index, STR("ix_logs_trace_id")))
        return OK;
    question_see(arg, row->table);
    question_see(arg, row->index);
    question_see(arg, row->type);
    ck_assert_int_gt(row->size_bytes, 0);
    ck_assert_int_ge(row->n_scans, 0);
    return OK;
}

START_TEST(indexes_of_partitions_are_counted_together)
{
    ck_assert_int_eq(db_index_usage(q.conn, &q.wait, &q.arena, see_index, &q, &q.e), OK);
    ck_assert_str_eq(question_seen(&q), "logs ix_logs_trace_id btree spans spans_pkey btree");
}
END_TEST

START_TEST(questions_are_counted_by_name)
{
    const struct db_query_stats before = db_query_stats_of(DB_QUERY_METRICS);
    ck_assert_str_eq(before.name, "query_metrics");
    const struct db_query_metrics_params params = of_cpu();
    (void)points(&params);
    const struct db_wait over = {.deadline_ns = clock_mono_ns() - 1, .wake_fd = -1};
    ck_assert_int_ne(db_query_metrics(q.conn, &over, &q.arena, &params, see_point, &q, &q.e), OK);
    const struct db_query_stats after = db_query_stats_of(DB_QUERY_METRICS);
    ck_assert_uint_eq(after.n_asked, before.n_asked + 2);
    ck_assert_uint_eq(after.n_failed, before.n_failed + 1);
    ck_assert_double_gt(after.p99_ms, 0);
}
END_TEST

static TCase *tcase_names(void)
{
    TCase *t = tcase_create("names_and_metrics");
    tcase_set_timeout(t, 60);
    tcase_add_unchecked_fixture(t, put_rows, NULL);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, services_of_a_window);
    tcase_add_test(t, operations_of_a_service);
    tcase_add_test(t, metric_names_with_points_in_the_window);
    tcase_add_test(t, points_by_name_service_attributes_and_window);
    tcase_add_test(t, pages_of_points_neither_repeat_nor_skip);
    tcase_add_test(t, a_page_of_points_reads_no_more_than_it_shows);
    tcase_add_test(t, indexes_of_partitions_are_counted_together);
    tcase_add_test(t, questions_are_counted_by_name);
    return t;
}

DATABASE_MAIN("names_and_metrics", tcase_names)
