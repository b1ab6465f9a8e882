#include <math.h>
#include <stdio.h>

#include "core/embedding.h"
#include "db/question/find_similar_traces.h"
#include "tests/integration/support/question.h"

static struct question q;
static struct db_find_similar_traces_row first_row;
static struct db_find_similar_traces_how how;

/* Without an unshaped trace all are found by their patterns; with one, each trace is looked at. */
static const enum db_similar_way ways[] = {DB_SIMILAR_SHAPES, DB_SIMILAR_SCAN};

/* unit(n, w) points along axis n and w of the last axis: the cosine of unit(1) and unit(1, w) is 1 / sqrt(1 + w * w). */
static void put_rows(void)
{
    question_schema();
    question_put(
        "INSERT INTO patterns (pattern_id, service, name, services, embedding, embedding_model, trace_count, error_count,"
        " first_seen_ns, last_seen_ns, exemplar_trace_id) VALUES"
        " (1, 'gate', 'GET /', '{gate,cart}', unit(1), 'hash-v1', 2, 0, at_ns(1000), at_ns(2000), id16(2)),"
        " (5, 'gate', 'GET /', '{gate,cart}', unit(1, 0.1), 'hash-v1', 1, 1, at_ns(3000), at_ns(3000), id16(3)),"
        " (2, 'gate', 'GET /x', '{gate}', unit(1, 0.3), 'hash-v1', 1, 0, at_ns(4000), at_ns(4000), id16(4)),"
        " (3, 'far', 'f', '{far}', unit(2), 'hash-v1', 1, 0, at_ns(5000), at_ns(5000), id16(5)),"
        " (4, 'gone', 'g', '{gone}', unit(1), 'hash-v1', 1, 0, at_ns(5000), at_ns(5000), id16(40));"
        "SELECT put_trace(1, 1000, 5, 'gate', 'GET /', 'ok', 1, '{}', unit(1)),"
        " put_trace(2, 2000, 5, 'gate', 'GET /', 'ok', 1, '{}', unit(1)),"
        " put_trace(3, 3000, 5, 'gate', 'GET /', 'error', 5, '{}', unit(1, 0.1)),"
        " put_trace(4, 4000, 5, 'gate', 'GET /x', 'ok', 2, '{}', unit(1, 0.3)),"
        " put_trace(5, 5000, 5, 'far', 'f', 'ok', 3, '{}', unit(2)),"
        " put_trace(6, 6000, 5, 'given', 'other model', 'ok', NULL, '{}', unit(1), 'other'),"
        " put_trace(7, 7000, 5, 'none', 'no vector', 'ok', NULL, '{}', NULL, NULL),"
        " put_trace(10, 9000, 5, 'gate', 'GET /', 'ok', 1, '{}', unit(3), 'given');"
        "INSERT INTO trace_arrivals (trace_id, min_ns, max_ns) VALUES (id16(9), 0, 0)");
}

static void setup(void)
{
    question_open(&q);
    question_put("DELETE FROM traces WHERE trace_id = id16(8)");
}
static void teardown(void) { question_close(&q); }

static void search_by(enum db_similar_way way)
{
    if (way == DB_SIMILAR_SCAN)
        question_put("SELECT put_trace(8, 8000, 5, 'zero', 'zeros', 'ok', NULL, '{}', unit(0))");
}

static void see(const struct db_find_similar_traces_row *row)
{
    char word[16];
    (void)snprintf(word, sizeof word, "%u", question_id_number(row->summary.trace_id));
    if (q.seen.len == 0)
        first_row = *row;
    question_see(&q, str_of(word));
}

static struct db_find_similar_traces_params to_trace(unsigned n)
{
    return (struct db_find_similar_traces_params){
        .trace_id = question_trace_id(&q, n), .threshold = 0.85, .window = DB_WINDOW_ALL, .limit = 10};
}

static enum err ask(const struct db_find_similar_traces_params *params)
{
    struct db_find_similar_traces_row *rows = NULL;
    size_t n_rows = 0;
    AUTO(db_result) struct db_result *result = NULL;
    TRY(db_find_similar_traces(q.conn, &q.wait, &q.arena, params, &how, &rows, &n_rows, &result, &q.e));
    for (size_t i = 0; i < n_rows; i++)
        see(&rows[i]);
    return OK;
}

static const char *find(const struct db_find_similar_traces_params *params)
{
    const enum err err = ask(params);
    ck_assert_msg(err == OK, "%s %s", q.e.message, q.e.detail);
    return question_seen(&q);
}

START_TEST(nearest_first_above_the_threshold_without_itself)
{
    search_by(ways[_i]);
    struct db_find_similar_traces_params params = to_trace(1);
    ck_assert_str_eq(find(&params), "2 3 4");
    ck_assert_double_eq_tol(first_row.similarity, 1, 1e-6);
    ck_assert_int_eq(how.way, ways[_i]);
    ck_assert(how.has_pattern);
    ck_assert_int_eq(how.pattern_id, 1);
    params.threshold = 0.96;
    ck_assert_str_eq(find(&params), "2 3");
    params.threshold = 1;
    ck_assert_str_eq(find(&params), "2");
    params.threshold = 0;
    ck_assert_str_eq(find(&params), "2 3 4 5");
    params.limit = 2;
    ck_assert_str_eq(find(&params), "2 3");
    params = to_trace(4);
    ck_assert_str_eq(find(&params), "3 2 1");
    ck_assert_double_eq_tol(first_row.similarity, 1.03 / (sqrt(1.01) * sqrt(1.09)), 1e-5);
}
END_TEST

START_TEST(filters_hold_before_the_limit)
{
    search_by(ways[_i]);
    struct db_find_similar_traces_params params = to_trace(1);
    params.limit = 1;
    params.status = STR("error");
    ck_assert_str_eq(find(&params), "3");
    params = to_trace(1);
    params.limit = 1;
    params.window.start_ns = QUESTION_MS(3001);
    ck_assert_str_eq(find(&params), "4");
    params.window = (struct db_window){QUESTION_MS(2000), QUESTION_MS(3000)};
    params.limit = 10;
    ck_assert_str_eq(find(&params), "2");
    params = to_trace(1);
    params.service = STR("cart");
    ck_assert_str_eq(find(&params), "2 3");
    params.service = STR("far");
    ck_assert_str_eq(find(&params), "");
    params.threshold = 0;
    ck_assert_str_eq(find(&params), "5");
}
END_TEST

START_TEST(by_a_vector_of_one_model)
{
    search_by(ways[_i]);
    float embedding[EMBEDDING_DIMENSIONS] = {[1] = 2};
    struct db_find_similar_traces_params params = {
        .embedding = embedding, .model = STR("hash-v1"), .threshold = 0.85, .window = DB_WINDOW_ALL, .limit = 10};
    ck_assert_str_eq(find(&params), "5");
    embedding[1] = 0;
    embedding[0] = 0.5F;
    ck_assert_str_eq(find(&params), "2 1 3 4");
    params.trace_id = question_trace_id(&q, 2);
    ck_assert_str_eq(find(&params), "1 3 4");
    params.model = STR("other");
    ck_assert_str_eq(find(&params), "6");
    params.model = STR("unknown");
    ck_assert_str_eq(find(&params), "");
}
END_TEST

START_TEST(by_pattern_one_row_a_shape)
{
    search_by(ways[_i]);
    struct db_find_similar_traces_params params = to_trace(1);
    params.by_pattern = true;
    ck_assert_str_eq(find(&params), "2 3 4");
    ck_assert_int_eq(first_row.pattern_id, 1);
    ck_assert_int_eq(first_row.trace_count, 2);
    ck_assert_int_eq(first_row.error_count, 0);
    ck_assert_int_eq(first_row.first_seen_ns, QUESTION_MS(1000));
    ck_assert_int_eq(first_row.last_seen_ns, QUESTION_MS(2000));
    params.status = STR("error");
    ck_assert_str_eq(find(&params), "3");
    params = to_trace(4);
    params.by_pattern = true;
    ck_assert_str_eq(find(&params), "3 2"); /* its own shape has no other trace */
    params = to_trace(1);
    params.by_pattern = true;
    params.limit = 1;
    params.window.start_ns = QUESTION_MS(3500);
    ck_assert_str_eq(find(&params), "4");
    params.window = DB_WINDOW_ALL;
    params.service = STR("cart");
    ck_assert_str_eq(find(&params), "2");
    params.limit = 10;
    ck_assert_str_eq(find(&params), "2 3");
}
END_TEST

static const struct {
    unsigned trace;
    const char *words;
} missing[] = {{99, "no trace"}, {7, "no embedding"}, {9, "not assembled yet"}};

START_TEST(a_trace_without_a_vector_says_why)
{
    const struct db_find_similar_traces_params params = to_trace(missing[_i].trace);
    ck_assert_int_eq(ask(&params), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(q.e.message, missing[_i].words));
}
END_TEST

static TCase *tcase_similar(void)
{
    TCase *t = tcase_create("find_similar_traces");
    tcase_set_timeout(t, 60);
    tcase_add_unchecked_fixture(t, put_rows, NULL);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, nearest_first_above_the_threshold_without_itself, 0, ARRAY_LEN(ways));
    tcase_add_loop_test(t, filters_hold_before_the_limit, 0, ARRAY_LEN(ways));
    tcase_add_loop_test(t, by_a_vector_of_one_model, 0, ARRAY_LEN(ways));
    tcase_add_loop_test(t, by_pattern_one_row_a_shape, 0, ARRAY_LEN(ways));
    tcase_add_loop_test(t, a_trace_without_a_vector_says_why, 0, ARRAY_LEN(missing));
    return t;
}

DATABASE_MAIN("find_similar_traces", tcase_similar)
