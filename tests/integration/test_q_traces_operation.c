/* Traces by operation: whatever patterns tell of it, the answer is what looking at each span of each trace gives. */
#include <stdio.h>

#include "db/assemble/assemble_operations.h"
#include "db/question/list_traces.h"
#include "tests/integration/support/question.h"

static struct question q;
static struct db_list_traces_key last;
static bool is_by_duration;

/* Names that are masked, that are what others are masked to, and that hold what stands between service and name. */
static const char *const names[] = {"GET /cart/17", "GET /cart/18", "GET /cart/<n>", "GET /x",    "GET  /x",   "INFO boot",  "boot",
                                    "SELECT 1",     "SELECT 22",    "add",           "a\037add", "\xe2\x98\x83 7", "only once 5"};
enum { N_NAMES = sizeof names / sizeof *names, SQL_MAX = 512 };
static const char *const services[] = {NULL, "a", "b", "a b", "nobody"};

static void put_names(void)
{
    for (size_t i = 0; i < N_NAMES; i++) {
        AUTO(buf) struct buf masked;
        char sql[SQL_MAX];
        buf_init(&masked, SQL_MAX);
        db_operation_put_name(&masked, str_of(names[i]));
        (void)snprintf(sql, sizeof sql, "INSERT INTO names VALUES (%zu, '%s', '%.*s')", i, names[i], STR_ARG(buf_str(&masked)));
        question_put(sql);
    }
}

/* Of ten traces seven have a pattern that tells all their operations; one's tells the first and says so, one's is of a trace that
 * was read in part, and one has none. Every seventh was given without spans. The last name occurs once. */
static void put_rows(void)
{
    question_schema();
    question_put("CREATE TABLE names (i int, name text, masked text)");
    put_names();
    question_put(
        "CREATE FUNCTION pick(t int, k int, what int, n bigint) RETURNS int IMMUTABLE LANGUAGE sql AS"
        " 'SELECT (abs(hashint4extended(t * 10 + k, what)) % n)::int';"
        "CREATE TABLE made AS SELECT t, k, t % 7 = 0 AS is_given, t % 10 AS sort_of,"
        " t * 100 + k * 10 + (t % 9 = 0)::int * 86400e3 AS ms, 1 + pick(t, k, 1, 300) AS duration,"
        " (ARRAY['a', 'b', 'a b'])[1 + pick(t, k, 2, 3)] AS service, n.name, n.masked"
        " FROM generate_series(1, 600) AS t, generate_series(0, 4) AS k, names AS n"
        " WHERE k <= CASE WHEN t % 7 = 0 THEN 0 ELSE pick(t, 0, 3, 5) END"
        " AND n.i = CASE WHEN t = 321 AND k = 1 THEN 12 ELSE pick(t, k, 4, 12) END;"
        "SELECT put_span(t, t * 10 + k, NULL, ms, duration, service, name) FROM made WHERE NOT is_given;"
        "INSERT INTO operations SELECT row_number() OVER (), min(start_time)::date, service, name, 2, min(start_ns), max(start_ns)"
        " FROM spans GROUP BY service, name, start_time::date;"
        "CREATE TABLE whole AS SELECT t, min(ms) AS ms, max(ms + duration) - min(ms) AS duration, count(*) AS n,"
        " min(is_given::int) = 1 AS is_given, min(sort_of) AS sort_of, (array_agg(service ORDER BY k))[1] AS service,"
        " (array_agg(name ORDER BY k))[1] AS name, array_agg(DISTINCT service) AS services,"
        " array_agg(DISTINCT service || chr(31) || masked) FILTER (WHERE k = 0 OR sort_of NOT IN (4, 5)) AS operations,"
        " array_agg(DISTINCT masked) FILTER (WHERE k = 0 OR sort_of NOT IN (4, 5)) AS operation_names"
        " FROM made GROUP BY t;"
        "ALTER TABLE whole ADD COLUMN pattern_id bigint;"
        "UPDATE whole SET pattern_id = hashtextextended(operations::text || (sort_of = 4)::text || services::text, 0) WHERE sort_of <> 3;"
        "INSERT INTO patterns (pattern_id, service, name, services, operations, operation_names, operations_are_cut, trace_count,"
        " first_seen_ns, last_seen_ns, exemplar_trace_id) SELECT pattern_id, min(service), min(name), min(services), min(operations),"
        " min(operation_names), min(sort_of) = 4, count(*), min(at_ns(ms)), max(at_ns(ms)), id16(min(t)) FROM whole"
        " WHERE pattern_id IS NOT NULL GROUP BY pattern_id;"
        "SELECT put_trace(t, ms, duration, service, name, CASE WHEN t % 3 = 0 THEN 'error' ELSE 'ok' END, NULL,"
        " jsonb_build_object('half', t % 2)) FROM whole;"
        "UPDATE traces AS t SET pattern_id = w.pattern_id, span_count = CASE WHEN is_given THEN 0 WHEN sort_of = 5 THEN 20000 ELSE n END"
        " FROM whole AS w WHERE t.trace_id = id16(w.t);"
        "ANALYZE");
}

static void setup(void) { question_open(&q); }
static void teardown(void) { question_close(&q); }

static enum err see(void *arg, const struct db_summary *row)
{
    char word[16];
    (void)snprintf(word, sizeof word, "%u", question_id_number(row->trace_id));
    question_see(arg, str_of(word));
    last = (struct db_list_traces_key){is_by_duration ? row->end_ns - row->start_ns : row->start_ns,
                                       arena_copy(&q.arena, row->trace_id)};
    return OK;
}

/* All pages, one after the other. */
static const char *list(struct db_list_traces_params params)
{
    struct db_list_traces_key after;
    size_t seen = SIZE_MAX;
    is_by_duration = params.by_duration;
    while (seen != q.seen.len) {
        seen = q.seen.len;
        const enum err err = db_list_traces(q.conn, &q.wait, &q.arena, &params, see, &q, &q.e);
        ck_assert_msg(err == OK, "%s %s", q.e.message, q.e.detail);
        after = last;
        params.after = &after;
    }
    return question_seen(&q);
}

static const struct db_statement by_looking = {
    "by_looking",
    "SELECT coalesce(string_agg(('x' || encode(substr(trace_id, 13), 'hex'))::bit(32)::int::text, ' '"
    " ORDER BY CASE WHEN $5 THEN end_ns - start_ns ELSE start_ns END DESC, trace_id DESC), '') FROM traces AS t"
    " WHERE start_ns >= $3 AND start_ns < $4 AND ($6::text IS NULL OR status = $6) AND (NOT $7 OR attributes @> '{\"half\": 1}')"
    " AND ($2::text IS NULL OR service = $2 OR pattern_id IN (SELECT pattern_id FROM patterns WHERE services @> ARRAY[$2]))"
    " AND ((name = $1 AND ($2 IS NULL OR service = $2)) OR EXISTS (SELECT FROM spans AS s WHERE s.trace_id = t.trace_id"
    " AND s.name = $1 AND ($2 IS NULL OR s.service = $2)))"};

static const char *expected(const struct db_list_traces_params *params)
{
    struct db_params p;
    db_params_init(&p, &q.arena);
    db_put_text(&p, params->operation);
    db_put_text(&p, params->service);
    db_put_i64(&p, params->window.start_ns);
    db_put_i64(&p, params->window.end_ns);
    db_put_bool(&p, params->by_duration);
    db_put_text(&p, params->status);
    db_put_bool(&p, params->attrs.n > 0);
    AUTO(db_result) struct db_result *r = NULL;
    ck_assert_int_eq(db_run(q.conn, &q.wait, &by_looking, &p, &r, &q.e), OK);
    return arena_printf(&q.arena, "%.*s", STR_ARG(db_get_str(r, 0, 0))).ptr;
}

static void check(const struct db_list_traces_params *params, size_t *n_found)
{
    const char *const found = list(*params), *const wanted = expected(params);
    ck_assert_msg(strcmp(found, wanted) == 0, "%.*s of %.*s: %s, not %s", STR_ARG(params->operation), STR_ARG(params->service),
                  found, wanted);
    *n_found += *found != '\0';
}

static void check_all(void)
{
    struct str key = STR("half"), value = STR("1");
    size_t n_found = 0;
    for (size_t name = 0; name <= N_NAMES; name++)
        for (size_t service = 0; service < ARRAY_LEN(services); service++)
            for (unsigned bits = 0; bits < 16; bits++) {
                const struct db_list_traces_params params = {
                    .window = (bits & 1) == 0 ? DB_WINDOW_ALL : (struct db_window){QUESTION_MS(20000), QUESTION_MS(45000)},
                    .service = str_of(services[service]),
                    .operation = name == N_NAMES ? STR("nothing of this kind") : str_of(names[name]),
                    .status = (bits & 2) == 0 ? (struct str){NULL, 0} : STR("error"),
                    .max_duration_ns = INT64_MAX,
                    .attrs = {&key, &value, (bits & 4) / 4},
                    .by_duration = (bits & 8) != 0,
                    .limit = 50,
                };
                check(&params, &n_found);
            }
    ck_assert_uint_gt(n_found, 500);
}

START_TEST(few_traces_are_gathered)
{
    check_all();
}
END_TEST

START_TEST(many_are_walked_through)
{
    question_put("UPDATE patterns SET trace_count = trace_count + 1000000");
    check_all();
    question_put("UPDATE patterns SET trace_count = trace_count - 1000000");
}
END_TEST

static int64_t n_rows_read(const char *tables)
{
    char sql[SQL_MAX];
    (void)question_n_reads("traces");
    (void)snprintf(sql, sizeof sql, "SELECT sum(coalesce(idx_tup_fetch, 0) + coalesce(seq_tup_read, 0))::bigint FROM pg_stat_user_tables"
                                    " WHERE relname LIKE '%s'", tables);
    return database_number(database_url(), sql);
}

/* 20,000 traces of ten patterns, all with the operation b, and three that may have k. */
static void put_busy(void)
{
    question_put(
        "INSERT INTO patterns (pattern_id, service, name, services, operations, operation_names, trace_count, first_seen_ns,"
        " last_seen_ns, exemplar_trace_id) SELECT n, 'busy', 'b', '{busy}', ARRAY['busy' || chr(31) || 'b', 'busy' || chr(31) || chr(97 + n)],"
        " ARRAY['b', chr(97 + n)], 2000, 0, 0, id16(1) FROM generate_series(0, 10) AS n;"
        "SELECT put_trace(100000 + n, 1000 + n, 5, 'busy', 'b', 'ok', n % 10), put_span(100000 + n, 100000 + n, NULL, 1000 + n, 5, 'busy', 'b')"
        " FROM generate_series(1, 20000) AS n;"
        "UPDATE patterns SET trace_count = 3 WHERE pattern_id = 10;"
        "UPDATE traces SET pattern_id = 10 WHERE trace_id IN (id16(100005), id16(110000), id16(120000));"
        "UPDATE spans SET name = 'k' WHERE trace_id IN (id16(100005), id16(120000));"
        "INSERT INTO operations SELECT 1000 + row_number() OVER (), '2023-01-29', service, name, 2, min(start_ns), max(start_ns)"
        " FROM spans WHERE service = 'busy' GROUP BY service, name;"
        "ANALYZE");
}

static void drop_busy(void)
{
    question_put("DELETE FROM traces WHERE service = 'busy'; DELETE FROM spans WHERE service = 'busy';"
                 "DELETE FROM operations WHERE service = 'busy'; DELETE FROM patterns WHERE service = 'busy'");
}

START_TEST(a_rare_operation_reads_only_the_traces_that_may_have_it)
{
    put_busy();
    const int64_t n_traces = n_rows_read("traces"), n_spans = n_rows_read("spans_2%");
    const struct db_list_traces_params params = {.window = DB_WINDOW_ALL, .operation = STR("k"), .max_duration_ns = INT64_MAX,
                                                 .limit = 50};
    ck_assert_str_eq(list(params), "120000 100005");
    db_conn_close(q.conn);
    ck_assert_int_lt(n_rows_read("traces"), n_traces + 1000);
    ck_assert_int_lt(n_rows_read("spans_2%"), n_spans + 1000);
    drop_busy();
}
END_TEST

START_TEST(a_common_operation_reads_little_more_than_its_page)
{
    put_busy();
    const int64_t n_traces = n_rows_read("traces"), n_spans = n_rows_read("spans_2%");
    const struct db_list_traces_params params = {.window = DB_WINDOW_ALL, .service = STR("busy"), .operation = STR("b"),
                                                 .max_duration_ns = INT64_MAX, .limit = 51};
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(db_list_traces(q.conn, &q.wait, &q.arena, &params, see, &q, &q.e), OK);
        ck_assert(str_starts_with(str_of(question_seen(&q)), STR("120000 119999 119998 ")));
    }
    db_conn_close(q.conn);
    ck_assert_int_lt(n_rows_read("traces"), n_traces + 10000);
    ck_assert_int_lt(n_rows_read("spans_2%"), n_spans + 1000);
    drop_busy();
}
END_TEST

static TCase *tcase_operation(void)
{
    TCase *t = tcase_create("list_traces by operation");
    tcase_set_timeout(t, 200);
    tcase_add_unchecked_fixture(t, put_rows, NULL);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, few_traces_are_gathered);
    tcase_add_test(t, many_are_walked_through);
    tcase_add_test(t, a_rare_operation_reads_only_the_traces_that_may_have_it);
    tcase_add_test(t, a_common_operation_reads_little_more_than_its_page);
    return t;
}

DATABASE_MAIN("list_traces_operation", tcase_operation)
