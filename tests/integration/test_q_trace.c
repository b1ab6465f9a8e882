#include <stdio.h>

#include "db/question/get_trace_context.h"
#include "tests/integration/support/question.h"

static struct question q;

static void put_rows(void)
{
    question_schema();
    question_put(
        "SELECT put_trace(1, 1000, 50, 'gate', 'GET /', 'ok');"
        "SELECT put_span(1, 11, NULL, 1000, 50, 'gate', 'GET /'), put_span(1, 13, 12, 1050, 0, 'db', 'SELECT'),"
        " put_span(1, 12, 11, 1001, 40, 'cart', 'add');"
        "UPDATE spans SET resource_id = 2, scope_id = 2 WHERE span_id = id8(12);"
        "UPDATE spans SET trace_state = 'ts', flags = 257, dropped_attributes_count = 1, dropped_events_count = 2,"
        " dropped_links_count = 3, events = '[{\"name\": \"e\"}]', links = '[]', status_message = 'why', status = 2"
        " WHERE span_id = id8(13);"
        /* 2: acknowledged, not assembled, over midnight */
        "SELECT put_span(2, 22, 21, 86400e3 - 1, 5, 'cart', 'add', 2, 'boom'),"
        " put_span(2, 21, NULL, 86400e3 + 1, 9, 'gate', 'GET /late', 1), put_span(2, 23, 21, 86400e3 + 2, 1, 'cart', 'x', 2);"
        "INSERT INTO trace_arrivals (trace_id, min_ns, max_ns) VALUES (id16(2), at_ns(86400e3 - 1), at_ns(86400e3 - 1)),"
        " (id16(2), at_ns(86400e3 + 1), at_ns(86400e3 + 2));"
        /* 3: stored without spans; 4: told of, but its spans are gone */
        "SELECT put_trace(3, 3000, 50, 'given', 'by hand', 'unset');"
        "INSERT INTO trace_arrivals (trace_id, min_ns, max_ns) VALUES (id16(4), at_ns(1), at_ns(2));"
        "SELECT put_log(1, 1010, 'gate', 9, 'second', 1, 11), put_log(2, 1005, 'gate', 9, 'first', 1, 11),"
        " put_log(3, 1005, 'gate', 9, 'other trace', 2), put_log(4, 86400e3, 'gate', 9, 'a day later', 1);"
        "INSERT INTO metrics VALUES (7, 'latency', 'histogram', 's', 'd', 2, true);"
        "INSERT INTO metric_points (metric_id, time, time_ns, point_id, start_ns, resource_id, scope_id, service, count, sum, min,"
        " max, attributes, detail, exemplars, trace_ids) VALUES"
        " (7, at(9000), at_ns(9000), id16(1), at_ns(8000), 1, 1, 'gate', 18446744073709551615, 2.5, 1, 1.5, '{\"r\": \"/\"}',"
        " '{\"bounds\": [1]}', '[]', ARRAY[id16(5), id16(1)]),"
        " (7, at(9001), at_ns(9001), id16(2), NULL, 1, 1, 'gate', 1, NULL, NULL, NULL, '{}', NULL, NULL, ARRAY[id16(5)])");
}

static void setup(void) { question_open(&q); }
static void teardown(void) { question_close(&q); }

static enum err see_summary(void *arg, const struct db_summary *s, bool is_assembled)
{
    question_see(arg, is_assembled ? STR("stored") : STR("made"));
    question_see(arg, s->service);
    question_see(arg, s->name);
    question_see(arg, s->status);
    return OK;
}

static enum err see_span(void *arg, const struct db_span_row *s)
{
    char word[16];
    (void)snprintf(word, sizeof word, "%u", question_id_number(s->span_id));
    question_see(arg, str_of(word));
    return OK;
}

static enum err see_log(void *arg, const struct db_log_row *l)
{
    question_see(arg, l->body);
    return OK;
}

static enum err see_point(void *arg, const struct db_point_row *p)
{
    question_see(arg, p->name);
    question_see(arg, p->count);
    return OK;
}

static enum err get(unsigned id, bool by_resource, int64_t limit)
{
    const struct db_get_trace_params params = {question_trace_id(&q, id), by_resource, limit};
    return db_get_trace(q.conn, &q.wait, &q.arena, &params, see_summary, see_span, &q, &q.e);
}

START_TEST(a_stored_trace_has_its_summary_and_spans_by_time)
{
    ck_assert_int_eq(get(1, false, 100), OK);
    ck_assert_str_eq(question_seen(&q), "stored gate GET / ok 11 12 13");
    ck_assert_int_eq(get(1, false, 2), OK);
    ck_assert_str_eq(question_seen(&q), "stored gate GET / ok 11 12");
    ck_assert_int_eq(get(1, true, 100), OK);
    ck_assert_str_eq(question_seen(&q), "stored gate GET / ok 11 13 12");
    ck_assert_int_eq(get(3, false, 100), OK);
    ck_assert_str_eq(question_seen(&q), "stored given by hand unset");
}
END_TEST

static enum err see_made(void *arg, const struct db_summary *s, bool is_assembled)
{
    ck_assert(!is_assembled);
    ck_assert_uint_eq(question_id_number(s->trace_id), 2);
    ck_assert_int_eq(s->start_ns, QUESTION_MS(86400000 - 1));
    ck_assert_int_eq(s->end_ns, QUESTION_MS(86400000 + 10));
    ck_assert_double_eq(s->duration_ms, 11);
    ck_assert_int_eq(s->span_count, 3);
    ck_assert_int_eq(s->error_count, 2);
    ck_assert_uint_eq(s->n_services, 2);
    question_see(arg, s->service);
    question_see(arg, s->name);
    question_see(arg, s->status);
    question_see(arg, s->error_message);
    question_see(arg, s->services[0]);
    question_see(arg, s->services[1]);
    return OK;
}

START_TEST(a_trace_not_assembled_yet_is_found_by_its_arrivals)
{
    const struct db_get_trace_params params = {question_trace_id(&q, 2), false, 100};
    ck_assert_int_eq(db_get_trace(q.conn, &q.wait, &q.arena, &params, see_made, see_span, &q, &q.e), OK);
    ck_assert_str_eq(question_seen(&q), "gate GET /late error boom cart gate 22 21 23");
}
END_TEST

START_TEST(a_trace_that_is_not_there_is_not_found)
{
    ck_assert_int_eq(get(99, false, 100), ERR_NOT_FOUND);
    ck_assert_int_eq(get(4, false, 100), ERR_NOT_FOUND);
    ck_assert_str_eq(question_seen(&q), "");
}
END_TEST

static enum err skip_summary(void *arg, const struct db_summary *s, bool is_assembled)
{
    (void)arg;
    (void)s;
    (void)is_assembled;
    return OK;
}

static enum err see_whole_span(void *arg, const struct db_span_row *s)
{
    if (question_id_number(s->span_id) != 13) {
        ck_assert(s->parent_span_id.ptr != NULL || question_id_number(s->span_id) == 11);
        return OK;
    }
    const struct str texts[] = {s->service, s->name, s->status_message, s->trace_state, s->attributes, s->events, s->links,
                                s->resource_attributes, s->resource_schema_url, s->scope_name, s->scope_version,
                                s->scope_attributes, s->scope_schema_url};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        question_see(arg, texts[i]);
    const int64_t numbers[][2] = {{question_id_number(s->trace_id), 1}, {question_id_number(s->parent_span_id), 12},
                                  {s->start_ns, QUESTION_MS(1050)}, {s->end_ns, QUESTION_MS(1050)}, {s->kind, 2},
                                  {s->status, 2}, {s->flags, 257}, {s->n_dropped_attributes, 1}, {s->n_dropped_events, 2},
                                  {s->n_dropped_links, 3}, {s->resource_id, 1}, {s->n_resource_dropped_attributes, 3},
                                  {s->scope_id, 1}, {s->n_scope_dropped_attributes, 4}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        ck_assert_int_eq(numbers[i][0], numbers[i][1]);
    return OK;
}

START_TEST(a_span_is_whole)
{
    const struct db_get_trace_params params = {question_trace_id(&q, 1), false, 100};
    ck_assert_int_eq(db_get_trace(q.conn, &q.wait, &q.arena, &params, skip_summary, see_whole_span, &q, &q.e), OK);
    ck_assert_str_eq(question_seen(&q), "db SELECT why ts {\"k\": 1} [{\"name\": \"e\"}] [] {\"host\": \"h1\"} https://resource"
                                        " tracer 1.2 {\"s\": true} https://scope");
}
END_TEST

START_TEST(only_the_days_of_the_trace_are_read)
{
    const int64_t before = question_n_reads("spans_20230130");
    ck_assert_int_eq(get(1, false, 100), OK);
    db_conn_close(q.conn);
    ck_assert_int_eq(question_n_reads("spans_20230130"), before);
    ck_assert_int_eq(get(2, false, 100), OK);
    db_conn_close(q.conn);
    ck_assert_int_gt(question_n_reads("spans_20230130"), before);
}
END_TEST

static enum err context(unsigned id, int64_t log_limit)
{
    const struct db_get_trace_context_params params = {question_trace_id(&q, id), 100, log_limit, 100};
    const struct db_get_trace_context_fns fns = {see_summary, see_span, see_log, see_point};
    return db_get_trace_context(q.conn, &q.wait, &q.arena, &params, &fns, &q, &q.e);
}

START_TEST(a_context_has_the_traces_spans_logs_and_points)
{
    ck_assert_int_eq(context(1, 100), OK);
    ck_assert_str_eq(question_seen(&q),
                     "stored gate GET / ok 11 12 13 first second a day later latency 18446744073709551615");
    ck_assert_int_eq(context(1, 1), OK);
    ck_assert_str_eq(question_seen(&q), "stored gate GET / ok 11 12 13 first latency 18446744073709551615");
    ck_assert_int_eq(context(3, 1), OK);
    ck_assert_str_eq(question_seen(&q), "stored given by hand unset");
    ck_assert_int_eq(context(5, 100), ERR_NOT_FOUND);
}
END_TEST

static TCase *tcase_trace(void)
{
    TCase *t = tcase_create("get_trace");
    tcase_set_timeout(t, 60);
    tcase_add_unchecked_fixture(t, put_rows, NULL);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_stored_trace_has_its_summary_and_spans_by_time);
    tcase_add_test(t, a_trace_not_assembled_yet_is_found_by_its_arrivals);
    tcase_add_test(t, a_trace_that_is_not_there_is_not_found);
    tcase_add_test(t, a_span_is_whole);
    tcase_add_test(t, only_the_days_of_the_trace_are_read);
    tcase_add_test(t, a_context_has_the_traces_spans_logs_and_points);
    return t;
}

DATABASE_MAIN("get_trace", tcase_trace)
