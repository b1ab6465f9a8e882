#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "core/embedding.h"
#include "db/question/find_similar_traces.h"
#include "db/vector/vector_index.h"
#include "service/job/index_keeper.h"
#include "tests/integration/support/question.h"

enum { SQL_MAX = 1024, BUILD_MS = 60000 };

static struct question q;
static struct db_vector_board *board;
static struct db_vector_wish wish;

/* put_rows(first, n, service): traces around twenty axes, with embeddings given to them; a number is the same row always. */
static const char functions[] =
    "CREATE OR REPLACE FUNCTION put_rows(first int, n int, of_service text DEFAULT 'many') RETURNS void LANGUAGE sql AS $$"
    " INSERT INTO traces (trace_id, service, name, start_time, end_time, start_ns, end_ns, duration_ms, status, span_count,"
    " error_count, embedding, embedding_model) SELECT id16(i), of_service, 'n', at(i), at(i), at_ns(i), at_ns(i), 0, 'ok', 0, 0,"
    " (SELECT array_agg(CASE WHEN d = i % 20 THEN 1 ELSE 0 END + 0.04 * sin(i * 7.13 + d * (1 + i % 17) * 0.37) ORDER BY d)::vector"
    " FROM generate_series(1, 384) AS d), 'given' FROM generate_series(first, first + n - 1) AS i $$";

static void setup(void)
{
    question_open(&q);
    board = db_vector_board_new();
    ck_assert_ptr_nonnull(board);
    wish = (struct db_vector_wish){DB_VECTOR_IVFFLAT, 0, 0.95, INT64_C(1) << 30, 3600 * NS_PER_S};
    question_put("TRUNCATE traces, vector_indexes, vector_index_requests; DROP INDEX IF EXISTS ix_traces_embedding_ivfflat,"
                 " ix_traces_embedding_hnsw, ix_traces_embedding_ivfflat_next, ix_traces_embedding_ivfflat_old");
}

static void teardown(void)
{
    db_vector_board_free(board);
    question_close(&q);
}

static void make_schema(void)
{
    question_schema();
    question_put(functions);
}

static void put(int first, int n, const char *service)
{
    char sql[SQL_MAX];
    (void)snprintf(sql, sizeof sql, "SELECT put_rows(%d, %d, '%s')", first, n, service);
    question_put(sql);
}

static int64_t number(const char *sql)
{
    return database_number(database_url(), sql);
}

/* Lets the keeper do all there is to do; returns in how many steps. */
static int keep(void)
{
    const struct db_wait wait = database_wait(BUILD_MS);
    bool is_done = false;
    int n = 0;
    for (; !is_done; n++) {
        const enum err code = service_index_keeper_once(q.conn, &wait, &wish, board, &is_done, &q.e);
        ck_assert_msg(code == OK, "%s %s", q.e.message, q.e.detail);
        ck_assert_int_lt(n, 20);
    }
    return n;
}

static struct db_vector_facts facts(void)
{
    struct db_vector_facts f;
    const struct db_wait wait = database_wait(BUILD_MS);
    ck_assert_int_eq(db_vector_facts_read(q.conn, &wait, &f, &q.e), OK);
    return f;
}

START_TEST(an_index_comes_with_the_thousandth_row)
{
    put(1, 900, "many");
    (void)keep();
    ck_assert_uint_eq(facts().n_indexes, 0);
    ck_assert_int_eq(db_vector_board_read(board).method, DB_VECTOR_NONE);
    put(901, 200, "many");
    (void)keep();
    const struct db_vector_facts f = facts();
    ck_assert_uint_eq(f.n_indexes, 1);
    ck_assert_str_eq(f.indexes[0].name, DB_VECTOR_IVFFLAT_NAME);
    ck_assert(f.indexes[0].is_valid);
    ck_assert_int_eq(f.indexes[0].lists, 22);
    ck_assert_int_eq(f.record.n_rows_built, 1100);
    ck_assert(f.record.is_measured && f.record.recall >= 0.95 && f.record.effort >= 1);
    const struct db_vector_use use = db_vector_board_read(board);
    ck_assert_int_eq(use.method, DB_VECTOR_IVFFLAT);
    ck_assert_int_eq(use.effort, f.record.effort);
    ck_assert_int_eq(number("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%USING ivfflat (embedding vector_cosine_ops)%'"), 1);
    ck_assert_int_eq(keep(), 1);
}
END_TEST

START_TEST(growth_and_requests_make_generations)
{
    put(1, 1100, "many");
    (void)keep();
    put(1101, 1200, "many");
    (void)keep();
    ck_assert_int_eq(facts().record.generation, 2);
    ck_assert_int_eq(facts().indexes[0].lists, 46);
    const struct db_wait wait = database_wait(BUILD_MS);
    ck_assert_int_eq(db_vector_request_rebuild(q.conn, &wait, &q.e), OK);
    (void)keep();
    ck_assert_int_eq(facts().record.generation, 3);
    ck_assert(!facts().is_rebuild_wanted);
    ck_assert_uint_eq(facts().n_indexes, 1);
    question_put("DELETE FROM traces WHERE start_ns > at_ns(500)");
    (void)keep();
    ck_assert_uint_eq(facts().n_indexes, 0);
}
END_TEST

START_TEST(leftovers_are_removed_or_put_in_place)
{
    put(1, 1500, "many");
    (void)keep();
    question_put("CREATE INDEX ix_traces_embedding_ivfflat_next ON traces USING ivfflat (embedding vector_cosine_ops);"
                 "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_traces_embedding_ivfflat_next'::regclass;"
                 "CREATE INDEX ix_traces_embedding_ivfflat_old ON traces USING ivfflat (embedding vector_cosine_ops);"
                 "CREATE INDEX ix_traces_embedding_ivfflat_ccnew ON traces USING ivfflat (embedding vector_cosine_ops)");
    (void)keep();
    ck_assert_uint_eq(facts().n_indexes, 1);
    ck_assert_int_eq(facts().record.generation, 1);
    question_put("CREATE INDEX ix_traces_embedding_ivfflat_next ON traces USING ivfflat (embedding vector_cosine_ops)"
                 " WITH (lists = 31)");
    (void)keep();
    ck_assert_uint_eq(facts().n_indexes, 1);
    ck_assert_str_eq(facts().indexes[0].name, DB_VECTOR_IVFFLAT_NAME);
    ck_assert_int_eq(facts().indexes[0].lists, 31);
    ck_assert_int_eq(facts().record.generation, 2);
    ck_assert(facts().record.is_measured);
    question_put("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_traces_embedding_ivfflat'::regclass");
    (void)keep();
    ck_assert(facts().indexes[0].is_valid);
    ck_assert_int_eq(facts().indexes[0].lists, 30);
}
END_TEST

START_TEST(an_index_made_by_hand_is_measured)
{
    put(1, 1500, "many");
    question_put("CREATE INDEX ix_traces_embedding_ivfflat ON traces USING ivfflat (embedding vector_cosine_ops) WITH (lists = 25)");
    ck_assert_int_eq(db_vector_use_of(&(struct db_vector_facts){0}).method, DB_VECTOR_NONE);
    (void)keep();
    ck_assert_int_eq(facts().indexes[0].lists, 25);
    ck_assert(facts().record.is_measured);
    ck_assert_int_eq(facts().record.generation, 1);
}
END_TEST

START_TEST(settings_change_the_kind)
{
    put(1, 1500, "many");
    (void)keep();
    wish.method = DB_VECTOR_HNSW;
    (void)keep();
    ck_assert_uint_eq(facts().n_indexes, 1);
    ck_assert_str_eq(facts().indexes[0].name, DB_VECTOR_HNSW_NAME);
    ck_assert_int_eq(facts().record.method, DB_VECTOR_HNSW);
    ck_assert(facts().record.recall >= 0.95);
    ck_assert_int_eq(number("SELECT count(*) FROM vector_indexes"), 1);
    wish.method = DB_VECTOR_NONE;
    (void)keep();
    ck_assert_uint_eq(facts().n_indexes, 0);
    ck_assert_int_eq(db_vector_board_read(board).method, DB_VECTOR_NONE);
}
END_TEST

/* No effort finds what the wish asks for: searches stay exact, and the record says why. */
START_TEST(an_index_that_finds_too_little_is_not_used)
{
    put(1, 1500, "many");
    question_put("UPDATE traces SET embedding = (SELECT array_agg(sin(start_ns * 0.001 + d * d)) FROM generate_series(1, 384) AS d)::vector");
    wish.recall_target = 1;
    wish.lists = 300;
    (void)keep();
    const struct db_vector_facts f = facts();
    ck_assert(f.record.effort == 0 || f.record.recall >= 1);
    ck_assert_int_eq(db_vector_board_read(board).method, f.record.effort == 0 ? DB_VECTOR_NONE : DB_VECTOR_IVFFLAT);
}
END_TEST

START_TEST(one_session_keeps_it)
{
    struct db_conn *const other = db_conn_new(database_url(), "test");
    const struct db_wait wait = database_wait(BUILD_MS);
    bool is_leader = false;
    ck_assert_int_eq(db_vector_lead(q.conn, &wait, &is_leader, &q.e), OK);
    ck_assert(is_leader);
    ck_assert_int_eq(db_vector_lead(other, &wait, &is_leader, &q.e), OK);
    ck_assert(!is_leader);
    db_vector_leave(q.conn, &wait);
    ck_assert_int_eq(db_vector_lead(other, &wait, &is_leader, &q.e), OK);
    ck_assert(is_leader);
    db_conn_free(other);
}
END_TEST

/* --- searches */

static struct db_find_similar_traces_how how;

static size_t find(struct db_find_similar_traces_params params, struct db_find_similar_traces_row **rows, struct db_result **result)
{
    size_t n = 0;
    params.use = db_vector_board_read(board);
    params.window = params.window.end_ns == 0 ? DB_WINDOW_ALL : params.window;
    const enum err code = db_find_similar_traces(q.conn, &q.wait, &q.arena, &params, &how, rows, &n, result, &q.e);
    ck_assert_msg(code == OK, "%s %s", q.e.message, q.e.detail);
    return n;
}

static double recall_of(unsigned trace, int64_t limit)
{
    struct db_find_similar_traces_row *truth = NULL, *found = NULL;
    AUTO(db_result) struct db_result *a = NULL;
    AUTO(db_result) struct db_result *b = NULL;
    struct db_find_similar_traces_params params = {.trace_id = question_trace_id(&q, trace), .limit = limit, .is_exact = true};
    const size_t n = find(params, &truth, &a);
    ck_assert_int_eq(how.way, DB_SIMILAR_SCAN);
    ck_assert_uint_eq(n, (size_t)limit);
    params.is_exact = false;
    ck_assert_uint_eq(find(params, &found, &b), n);
    ck_assert_int_eq(how.way, DB_SIMILAR_INDEX);
    size_t n_near = 0;
    for (size_t i = 0; i < n; i++) {
        n_near += found[i].similarity >= truth[n - 1].similarity - 1e-6;
        ck_assert(i == 0 || found[i].similarity <= found[i - 1].similarity);
    }
    return (double)n_near / (double)n;
}

START_TEST(searches_by_the_index_find_the_nearest)
{
    put(1, 6000, "many");
    (void)keep();
    const int64_t n_scans = number("SELECT sum(idx_scan) FROM pg_stat_user_indexes WHERE indexrelname = 'ix_traces_embedding_ivfflat'");
    double sum = 0;
    for (unsigned i = 0; i < 30; i++)
        sum += recall_of(1 + i * 190, 10);
    ck_assert_msg(sum / 30 >= 0.9, "%f", sum / 30);
    question_close(&q);
    question_open(&q);
    (void)question_n_reads("traces");
    ck_assert_int_ge(number("SELECT sum(idx_scan) FROM pg_stat_user_indexes WHERE indexrelname = 'ix_traces_embedding_ivfflat'"),
                     n_scans + 30);
}
END_TEST

/* As many as there are, whatever lists the filter's few rows are in. */
START_TEST(a_short_search_is_completed_within_its_filter)
{
    struct db_find_similar_traces_row *rows = NULL;
    AUTO(db_result) struct db_result *few = NULL;
    AUTO(db_result) struct db_result *all = NULL;
    put(1, 6000, "many");
    put(6001, 40, "few");
    (void)keep();
    struct db_find_similar_traces_params params = {.trace_id = question_trace_id(&q, 1), .limit = 10, .service = STR("few")};
    ck_assert_uint_eq(find(params, &rows, &few), 10);
    ck_assert(str_equal(rows[9].summary.service, STR("few")));
    params.limit = 50;
    const size_t n = find(params, &rows, &all);
    ck_assert_int_eq(how.way, DB_SIMILAR_SCAN);
    ck_assert_uint_gt(n, 10);
    ck_assert_int_eq(number("SELECT count(*) FROM traces, (SELECT embedding AS e FROM traces WHERE trace_id = id16(1)) AS asked"
                            " WHERE service = 'few' AND embedding <=> e <= 1"), (int64_t)n);
}
END_TEST

START_TEST(patterns_of_given_traces_are_their_nearest)
{
    struct db_find_similar_traces_row *rows = NULL;
    AUTO(db_result) struct db_result *result = NULL;
    put(1, 3000, "many");
    question_put("UPDATE traces SET pattern_id = (start_ns / 1000000) % 20");
    (void)keep();
    const struct db_find_similar_traces_params params = {.trace_id = question_trace_id(&q, 40), .limit = 15, .by_pattern = true};
    ck_assert_uint_eq(find(params, &rows, &result), 15);
    for (size_t i = 0; i < 15; i++)
        for (size_t j = 0; j < i; j++)
            ck_assert_int_ne(rows[i].pattern_id, rows[j].pattern_id);
}
END_TEST

/* --- while it is built */

static atomic_bool is_writing;
static atomic_int n_written;

static void *write_rows(void *arg)
{
    (void)arg;
    while (atomic_load(&is_writing)) {
        put(100000 + atomic_load(&n_written), 1, "late");
        atomic_fetch_add(&n_written, 1);
    }
    return NULL;
}

START_TEST(rows_are_written_while_it_is_built)
{
    pthread_t thread;
    put(1, 4000, "many");
    atomic_store(&is_writing, true);
    ck_assert_int_eq(pthread_create(&thread, NULL, write_rows, NULL), 0);
    (void)keep();
    ck_assert(facts().indexes[0].is_valid);
    const int written = atomic_load(&n_written);
    while (atomic_load(&n_written) < written + 5)
        ;
    atomic_store(&is_writing, false);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(number("SELECT count(*) FROM traces WHERE service = 'late'"), atomic_load(&n_written));
}
END_TEST

static TCase *tcase_vector_index(void)
{
    TCase *t = tcase_create("vector_index");
    tcase_set_timeout(t, 120);
    tcase_add_unchecked_fixture(t, make_schema, NULL);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, an_index_comes_with_the_thousandth_row);
    tcase_add_test(t, growth_and_requests_make_generations);
    tcase_add_test(t, leftovers_are_removed_or_put_in_place);
    tcase_add_test(t, an_index_made_by_hand_is_measured);
    tcase_add_test(t, settings_change_the_kind);
    tcase_add_test(t, an_index_that_finds_too_little_is_not_used);
    tcase_add_test(t, one_session_keeps_it);
    tcase_add_test(t, searches_by_the_index_find_the_nearest);
    tcase_add_test(t, a_short_search_is_completed_within_its_filter);
    tcase_add_test(t, patterns_of_given_traces_are_their_nearest);
    tcase_add_test(t, rows_are_written_while_it_is_built);
    return t;
}

DATABASE_MAIN("vector_index", tcase_vector_index)
