#include "db/assemble/assemble.h"

#include <poll.h>
#include <stdio.h>

#include "db/assemble/store_traces.h"
#include "db/write/store.h"
#include "tests/integration/support/batches.h"

enum { WAIT_MS = 20000, ROUNDS_MAX = 10, STATUS_OK = 1, STATUS_ERROR = 2, ARENA_MAX = 16 << 20 };

#define TRACE "trace_id = '\\x00000000000000000000000000000001'"

static struct db_writer *writer;
static struct db_conn *conn;
static size_t n_traces_max = DB_ASSEMBLE_TRACES_MAX;
static const struct db_assemble_when at_once = {.quiet_ms = 0, .max_age_ms = 30000};

static const char speed_traces_up[] = "SET client_min_messages = warning; DROP FUNCTION IF EXISTS slow CASCADE";

/* A session that was lost may hold the lead for a moment. */
static void lead(void)
{
    struct err_info e = {.code = OK};
    const struct db_wait wait = database_wait(WAIT_MS);
    bool is_leader = false;
    for (; !is_leader && clock_left_ms(wait.deadline_ns) > 0; (void)poll(NULL, 0, 20))
        ck_assert_msg(db_assemble_lead(conn, &wait, &is_leader, &e) == OK, "%s %s", e.message, e.detail);
    ck_assert(is_leader);
}

static void setup(void)
{
    struct err_info e = {.code = OK};
    n_traces_max = DB_ASSEMBLE_TRACES_MAX;
    batches_schema();
    database_exec(database_url(), speed_traces_up); /* a test that failed left them slow */
    database_exec(database_url(), "TRUNCATE spans, logs, trace_arrivals, traces, patterns, errors, operations");
    ck_assert_int_eq(db_writer_new(database_url(), NULL, 1, &writer, &e), OK);
    conn = db_conn_new(database_url(), "test");
    lead();
}

static void teardown(void)
{
    db_conn_free(conn);
    db_writer_free(writer);
}

static struct db_assembled assemble(const struct db_assemble_when *when)
{
    const struct db_wait wait = database_wait(WAIT_MS);
    struct db_assembled done = {0};
    struct err_info e = {.code = OK};
    ck_assert_msg(db_assemble_round(conn, &wait, when, &n_traces_max, &done, &e) == OK, "%s %s", e.message, e.detail);
    return done;
}

static void spans_begin(struct made_batch *b)
{
    made_batch_init(b, DB_SIGNAL_TRACES, DB_ENCODING_JSON, "shop");
}

static void store(struct made_batch *b)
{
    (void)batches_write(writer, b);
    made_batch_close(b);
}

/* Asserts that the WHERE clause finds one row. */
static void expect_one(const char *sql)
{
    ck_assert_msg(batches_number(sql) == 1, "%s", sql);
}

/* A root of 100 ms with a child in it. */
static void store_simple(unsigned trace, int64_t ms, uint8_t child_status, const char *message)
{
    struct made_batch b;
    spans_begin(&b);
    struct db_span *root = made_batch_add_span(&b, trace, 1, 0, ms, "GET /");
    root->end_ns = root->start_ns + 100 * NS_PER_MS;
    root->status = STATUS_OK;
    struct db_span *child = made_batch_add_span(&b, trace, 2, 1, ms + 10, "SELECT");
    child->status = child_status;
    child->status_message = str_of(message);
    store(&b);
}

START_TEST(a_trace_is_summed_up)
{
    struct made_batch b;
    spans_begin(&b);
    (void)made_batch_add_span(&b, 1, 2, 1, 10, "SELECT");
    struct db_span *root = made_batch_add_span(&b, 1, 1, 0, 0, "GET /");
    root->end_ns = root->start_ns + 100 * NS_PER_MS + 1;
    root->status = STATUS_OK;
    store(&b);
    ck_assert_uint_eq(assemble(&at_once).n_traces, 1);
    expect_one("SELECT count(*) FROM traces WHERE " TRACE " AND service = 'shop' AND name = 'GET /' AND status = 'ok'"
               " AND span_count = 2 AND error_count = 0 AND error_message IS NULL AND start_ns = 1674950400000000000"
               " AND end_ns = 1674950400100000001 AND duration_ms = 100.000001 AND embedding_model = '" EMBEDDING_MODEL "'"
               " AND abs(embedding <#> embedding) > 0.999");
    expect_one("SELECT count(*) FROM patterns p JOIN traces t USING (pattern_id) WHERE p.trace_count = 1"
               " AND p.error_count = 0 AND p.exemplar_trace_id = t.trace_id AND p.services = '{shop}'");
    ck_assert_int_eq(batches_number("SELECT count(*) FROM operations WHERE day = '2023-01-29' AND service = 'shop' AND kind = 2"), 2);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM trace_arrivals"), 0);
}
END_TEST

START_TEST(a_trace_waits_until_it_is_quiet)
{
    const struct db_assemble_when patient = {.quiet_ms = 60000, .max_age_ms = 120000};
    const struct db_assemble_when old = {.quiet_ms = 60000, .max_age_ms = 0};
    store_simple(1, 0, 0, "");
    ck_assert_uint_eq(assemble(&patient).n_traces, 0);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM trace_arrivals"), 1);
    ck_assert_uint_eq(assemble(&old).n_traces, 1);
}
END_TEST

START_TEST(a_late_span_assembles_anew)
{
    struct made_batch b;
    spans_begin(&b);
    (void)made_batch_add_span(&b, 1, 2, 1, 10, "SELECT");
    store(&b);
    (void)assemble(&at_once);
    expect_one("SELECT count(*) FROM traces WHERE name = 'SELECT' AND span_count = 1");
    spans_begin(&b);
    (void)made_batch_add_span(&b, 1, 1, 0, -2000, "GET /");
    store(&b);
    (void)assemble(&at_once);
    expect_one("SELECT count(*) FROM traces WHERE name = 'GET /' AND span_count = 2 AND start_ns = 1674950398000000000");
    expect_one("SELECT count(*) FROM patterns"); /* the old one has gone */
    expect_one("SELECT trace_count FROM patterns");
}
END_TEST

START_TEST(patterns_count_exactly)
{
    for (unsigned i = 1; i <= 5; i++)
        store_simple(i, 1000 * (int64_t)i, i == 3 ? STATUS_ERROR : 0, i == 3 ? "boom" : "");
    (void)assemble(&at_once);
    store_simple(6, 500, 0, "");
    (void)assemble(&at_once);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM patterns"), 2);
    expect_one("SELECT count(*) FROM patterns WHERE trace_count = 5 AND error_count = 0 AND first_seen_ns = 1674950400500000000"
               " AND last_seen_ns = 1674950405000000000 AND get_byte(exemplar_trace_id, 15) = 5");
    expect_one("SELECT count(*) FROM patterns WHERE trace_count = 1 AND error_count = 1 AND error_message = 'boom'");
    struct made_batch b; /* trace 5 changes sides */
    spans_begin(&b);
    (void)made_batch_add_span(&b, 5, 3, 1, 5020, "INSERT");
    store(&b);
    (void)assemble(&at_once);
    ck_assert_int_eq(batches_number("SELECT sum(trace_count) FROM patterns"), 6);
    expect_one("SELECT count(*) FROM patterns WHERE trace_count = 4 AND get_byte(exemplar_trace_id, 15) <> 5");
}
END_TEST

/* Span 2 fails thrice told, and once more by a log with other words; span 3 by an exception; a log has no span. */
START_TEST(errors_are_told_once)
{
    struct made_batch b;
    store_simple(1, 0, STATUS_ERROR, "no stock");
    spans_begin(&b);
    made_batch_add_span(&b, 1, 3, 1, 20, "pay")->events =
        STR("[{\"time_unix_nano\":\"1674950400022000000\",\"name\":\"exception\",\"attributes\":{\"exception.type\":\"Declined\","
            "\"exception.message\":\"card declined\"}},{\"name\":\"other\",\"attributes\":{}}]");
    store(&b);
    made_batch_init(&b, DB_SIGNAL_LOGS, DB_ENCODING_JSON, "shop");
    (void)made_batch_add_log(&b, 1, 1, 2, 12, 17, "order failed: no stock left");
    (void)made_batch_add_log(&b, 2, 1, 2, 13, 17, "rollback");
    (void)made_batch_add_log(&b, 3, 1, 3, 22, 17, "card declined");
    (void)made_batch_add_log(&b, 4, 1, 0, 30, 21, "of the trace alone");
    (void)made_batch_add_log(&b, 5, 1, 2, 12, 13, "only a warning");
    store(&b);
    (void)assemble(&at_once);
    (void)assemble(&at_once);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM errors"), 4);
    expect_one("SELECT count(*) FROM errors WHERE source = 'span_status' AND message = 'no stock' AND name = 'SELECT'"
               " AND duration_ms = 5 AND start_ns = 1674950400010000000");
    expect_one("SELECT count(*) FROM errors WHERE source = 'log' AND message = 'rollback' AND name = 'SELECT'");
    expect_one("SELECT count(*) FROM errors WHERE source = 'span_event' AND type = 'Declined' AND message = 'card declined'");
    expect_one("SELECT count(*) FROM errors WHERE source = 'log' AND span_id IS NULL AND duration_ms IS NULL");
    expect_one("SELECT count(*) FROM traces WHERE status = 'error' AND error_count = 4 AND error_message = 'no stock'");
}
END_TEST

START_TEST(error_ids_outlive_a_second_assembly)
{
    struct made_batch b;
    store_simple(1, 0, STATUS_ERROR, "boom");
    (void)assemble(&at_once);
    database_exec(database_url(), "CREATE TABLE IF NOT EXISTS seen_errors AS SELECT error_id FROM errors");
    spans_begin(&b);
    (void)made_batch_add_span(&b, 1, 9, 1, 30, "late");
    store(&b);
    (void)assemble(&at_once);
    expect_one("SELECT count(*) FROM errors JOIN seen_errors USING (error_id)");
    database_exec(database_url(), "DROP TABLE seen_errors");
}
END_TEST

START_TEST(logs_alone_make_errors_but_no_trace)
{
    struct made_batch b;
    made_batch_init(&b, DB_SIGNAL_LOGS, DB_ENCODING_JSON, "shop");
    (void)made_batch_add_log(&b, 1, 1, 2, 12, 17, "boom");
    store(&b);
    (void)assemble(&at_once);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM traces"), 0);
    expect_one("SELECT count(*) FROM errors WHERE message = 'boom' AND service = 'shop' AND duration_ms IS NULL");
    store_simple(1, 0, 0, ""); /* and then its span comes */
    (void)assemble(&at_once);
    expect_one("SELECT count(*) FROM errors");
    expect_one("SELECT count(*) FROM errors WHERE name = 'SELECT' AND duration_ms = 5");
    expect_one("SELECT count(*) FROM traces WHERE status = 'error' AND error_count = 1");
}
END_TEST

START_TEST(attributes_unite)
{
    struct made_batch b;
    spans_begin(&b);
    made_batch_add_span(&b, 1, 1, 0, 0, "a")->attributes = STR("{\"k\":\"x, }\\\"\",\"n\":1,\"deep\":{\"a\":[1,{\"b\":\"}\"}]}}");
    made_batch_add_span(&b, 1, 2, 1, 1, "b")->attributes = STR("{\"k\":\"y\",\"n\":1}");
    struct str wide = arena_printf(&b.arena, "{\"wide\":\"%0300d\"}", 0);
    made_batch_add_span(&b, 1, 3, 1, 2, "c")->attributes = wide;
    store(&b);
    (void)assemble(&at_once);
    expect_one("SELECT count(*) FROM traces WHERE attributes = '{\"host\":\"h1\",\"k\":[\"x, }\\\"\",\"y\"],\"n\":1,"
               "\"deep\":{\"a\":[1,{\"b\":\"}\"}]}}'");
}
END_TEST

START_TEST(one_session_leads)
{
    const struct db_wait wait = database_wait(WAIT_MS);
    struct db_conn *const other = db_conn_new(database_url(), "test");
    bool is_leader = true;
    ck_assert_int_eq(db_assemble_lead(other, &wait, &is_leader, NULL), OK);
    ck_assert(!is_leader);
    db_conn_close(conn);
    for (int i = 0; i < 100 && !is_leader; i++)
        ck_assert_int_eq(db_assemble_lead(other, &wait, &is_leader, NULL), OK);
    ck_assert(is_leader);
    db_conn_free(other);
}
END_TEST

/* The lead and the staging tables go with the session, so no round may run on another. */
START_TEST(a_leader_whose_session_was_ended_leads_anew)
{
    const struct db_wait wait = database_wait(WAIT_MS);
    struct db_assembled done;
    bool is_leader = false;
    store_simple(1, 0, 0, "");
    ck_assert_int_eq(batches_number("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE"
                                    " application_name = 'test' AND datname = current_database() AND pid <> pg_backend_pid()"), 1);
    ck_assert_int_eq(db_assemble_round(conn, &wait, &at_once, &n_traces_max, &done, NULL), ERR_UNAVAILABLE);
    ck_assert(!db_conn_is_kept(conn));
    ck_assert_int_eq(db_assemble_lead(conn, &wait, &is_leader, NULL), OK);
    ck_assert(is_leader && db_conn_is_kept(conn));
    ck_assert_uint_eq(assemble(&at_once).n_traces, 1);
}
END_TEST

/* A round undone half-way leaves what it found. */
START_TEST(a_failed_round_is_done_again)
{
    const struct db_wait wait = database_wait(WAIT_MS);
    struct db_assembled done;
    store_simple(1, 0, STATUS_ERROR, "boom");
    database_exec(database_url(), "ALTER TABLE operations RENAME TO operations_away");
    ck_assert_int_ne(db_assemble_round(conn, &wait, &at_once, &n_traces_max, &done, NULL), OK);
    database_exec(database_url(), "ALTER TABLE operations_away RENAME TO operations");
    ck_assert_int_eq(batches_number("SELECT count(*) FROM traces") + batches_number("SELECT count(*) FROM errors"), 0);
    ck_assert_uint_eq(assemble(&at_once).n_traces, 1);
    expect_one("SELECT count(*) FROM traces WHERE status = 'error'");
}
END_TEST

/* Rounds until one finds nothing; the sum of what they did. */
static struct db_assembled assemble_until_idle(void)
{
    struct db_assembled all = {0};
    struct db_assembled done = {.is_full = true};
    while (done.is_full) {
        done = assemble(&at_once);
        all.n_traces += done.n_traces;
        all.n_set_aside += done.n_set_aside;
    }
    return all;
}

/* Writing such a trace takes so long. */
static void slow_traces_down(const char *when, double seconds)
{
    char sql[512];
    (void)snprintf(sql, sizeof sql,
                   "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(%.2f); RETURN NEW; END';"
                   "CREATE TRIGGER slow BEFORE INSERT ON traces FOR EACH ROW WHEN (%s) EXECUTE FUNCTION slow()", seconds, when);
    database_exec(database_url(), sql);
}

/* Rounds of so long until one is done; each may lose the session, when the server is slow to cancel. */
static struct db_assembled assemble_in_rounds_of(int ms)
{
    struct db_assembled done = {0};
    enum err code = ERR_TIMEOUT;
    for (int i = 0; i < ROUNDS_MAX && code != OK; i++) {
        const struct db_wait wait = database_wait(ms);
        code = db_assemble_round(conn, &wait, &at_once, &n_traces_max, &done, NULL);
        if (!db_conn_is_kept(conn))
            lead();
    }
    ck_assert_int_eq(code, OK);
    return done;
}

START_TEST(a_round_without_time_for_its_traces_is_followed_by_smaller_ones)
{
    for (unsigned trace = 1; trace <= 40; trace++)
        store_simple(trace, 0, 0, "");
    slow_traces_down("true", 0.1);
    const size_t n = assemble_in_rounds_of(2000).n_traces;
    ck_assert_uint_ge(n, 1);
    ck_assert_uint_le(n, 8);
    ck_assert_uint_le(n_traces_max, 8); /* more would have no time again */
    database_exec(database_url(), speed_traces_up);
    ck_assert_uint_eq(assemble_until_idle().n_traces, 40 - n);
    ck_assert_uint_eq(n_traces_max, DB_ASSEMBLE_TRACES_MAX);
}
END_TEST

START_TEST(a_trace_that_takes_all_the_time_is_set_aside)
{
    store_simple(1, 0, 0, "");
    slow_traces_down("new." TRACE, 30);
    ck_assert_uint_eq(assemble_in_rounds_of(500).n_set_aside, 1);
    store_simple(2, 0, 0, "");
    ck_assert_uint_eq(assemble_until_idle().n_traces, 1);
    database_exec(database_url(), speed_traces_up);
    expect_one("SELECT count(*) FROM traces");
    expect_one("SELECT count(DISTINCT trace_id) FROM trace_arrivals WHERE " TRACE " AND arrived_at > now() + interval '50 minutes'");
}
END_TEST

/* The root has the largest id, so that in the order of the key it is the last. */
static void store_wide(unsigned trace, unsigned n_spans, unsigned n_failed)
{
    struct made_batch b;
    spans_begin(&b);
    for (unsigned i = 1; i < n_spans; i++)
        made_batch_add_span(&b, trace, i, n_spans, (int64_t)i, "SELECT")->status = i < n_failed ? STATUS_ERROR : 0;
    struct db_span *const root = made_batch_add_span(&b, trace, n_spans, 0, 0, "GET /");
    root->end_ns = root->start_ns + 60 * NS_PER_S;
    root->status = STATUS_ERROR;
    root->status_message = STR("boom");
    store(&b);
}

START_TEST(a_trace_of_more_spans_than_are_read_is_summed_up_whole)
{
    store_wide(1, 25000, 1);
    store_wide(2, 25000, 23000);
    store_simple(3, 0, 0, "");
    ck_assert_uint_eq(assemble_until_idle().n_traces, 3);
    expect_one("SELECT count(*) FROM traces WHERE " TRACE " AND name = 'GET /' AND status = 'error' AND error_message = 'boom'"
               " AND error_count = 1 AND span_count = 25000 AND start_ns = 1674950400000000000 AND duration_ms = 60000");
    expect_one("SELECT count(*) FROM traces WHERE name = 'GET /' AND span_count = 25000 AND error_count = 23000");
    expect_one("SELECT count(*) FROM traces WHERE span_count = 2 AND duration_ms = 100");
}
END_TEST

/* 550 MB of logs, as one client may send them. */
START_TEST(a_trace_with_much_error_text_stops_no_other)
{
    store_simple(1, 0, 0, "");
    database_exec(database_url(),
                  "INSERT INTO logs (time, time_ns, log_id, trace_id, severity, resource_id, scope_id, service, body, attributes)"
                  " SELECT '2023-01-29', 1674950400000000000 + i, decode(lpad(to_hex(i), 32, '0'), 'hex'),"
                  " '\\x00000000000000000000000000000001', 17, 1, 1, 'shop', i || repeat(' text', 11000), '{}'"
                  " FROM generate_series(1, 10000) AS i");
    store_simple(2, 0, 0, "");
    const struct db_assembled all = assemble_until_idle();
    ck_assert_uint_eq(all.n_traces, 2);
    ck_assert_uint_eq(all.n_set_aside, 0);
    expect_one("SELECT count(*) FROM traces WHERE " TRACE " AND status = 'error' AND error_count > 4000"
               " AND length(error_message) = 16384");
    expect_one("SELECT count(*) FROM traces WHERE status = 'unset' OR status = 'ok'");
    ck_assert_int_eq(batches_number("SELECT max(length(message)) FROM errors"), DB_ERROR_TEXT_MAX);
}
END_TEST

START_TEST(errors_have_texts_of_bounded_length)
{
    struct made_batch b;
    spans_begin(&b);
    struct db_span *const s = made_batch_add_span(&b, 1, 1, 0, 0, "GET /");
    s->status = STATUS_ERROR;
    s->status_message = arena_printf(&b.arena, "%050000d", 1);
    s->events = arena_printf(&b.arena, "[{\"time_unix_nano\":\"1\",\"name\":\"exception\",\"attributes\":{\"exception.type\":"
                                       "\"%050000d\",\"exception.message\":\"%050000d\"}}]", 2, 3);
    store(&b);
    made_batch_init(&b, DB_SIGNAL_LOGS, DB_ENCODING_JSON, "shop");
    made_batch_add_log(&b, 1, 1, 0, 10, 17, "boom")->attributes = arena_printf(&b.arena, "{\"exception.type\":\"%050000d\"}", 4);
    store(&b);
    (void)assemble(&at_once);
    ck_assert_int_eq(batches_number("SELECT max(length(message)) FROM errors"), DB_ERROR_TEXT_MAX);
    ck_assert_int_eq(batches_number("SELECT min(length(type)) FROM errors"), DB_ERROR_TEXT_MAX);
}
END_TEST

/* It waits, and is there by its arrivals, until what was wrong with it is put right. */
START_TEST(a_trace_that_is_refused_is_set_aside)
{
    for (unsigned i = 1; i <= 3; i++)
        store_simple(i, i == 2 ? 500 : 0, 0, "");
    database_exec(database_url(), "ALTER TABLE traces ADD CONSTRAINT picky CHECK (start_ns <> 1674950400500000000)");
    const struct db_assembled all = assemble_until_idle();
    ck_assert_uint_eq(all.n_traces, 2);
    ck_assert_uint_eq(all.n_set_aside, 1);
    expect_one("SELECT count(*) FROM trace_arrivals WHERE get_byte(trace_id, 15) = 2");
    database_exec(database_url(), "ALTER TABLE traces DROP CONSTRAINT picky");
    ck_assert_uint_eq(assemble(&at_once).n_traces, 0);
    database_exec(database_url(), "UPDATE trace_arrivals SET arrived_at = arrived_at - interval '1 hour'");
    ck_assert_uint_eq(assemble(&at_once).n_traces, 1);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM traces"), 3);
}
END_TEST

START_TEST(given_traces_keep_their_embedding)
{
    float embedding[EMBEDDING_DIMENSIONS] = {[7] = 3.0F};
    struct db_given_trace given[] = {
        {.trace_id = {[15] = 1}, .service = STR("s"), .name = STR("old"), .status = STR("ok")},
        {.trace_id = {[15] = 1}, .service = STR("s"), .name = STR("n"), .status = STR("error"), .embedding = embedding,
         .start_ns = BATCHES_DAY_NS, .end_ns = BATCHES_DAY_NS + NS_PER_S, .attributes = STR("{\"k\":1}")},
        {.trace_id = {[15] = 2}, .service = STR("s"), .name = STR("n"), .status = STR("unset")},
    };
    AUTO(arena) struct arena arena;
    arena_init(&arena, ARENA_MAX);
    const struct db_wait wait = database_wait(WAIT_MS);
    struct err_info e = {.code = OK};
    ck_assert_msg(db_store_traces(conn, &wait, given, ARRAY_LEN(given), &arena, &e) == OK, "%s %s", e.message, e.detail);
    expect_one("SELECT count(*) FROM traces WHERE " TRACE " AND name = 'n' AND status = 'error' AND duration_ms = 1000"
               " AND embedding_model = 'given' AND (embedding::real[])[8] = 3");
    expect_one("SELECT count(*) FROM traces WHERE embedding_model = '" EMBEDDING_MODEL "'");
    ck_assert_int_eq(batches_number("SELECT sum(trace_count) FROM patterns"), 2);
    store_simple(1, 0, 0, "");
    (void)assemble(&at_once);
    expect_one("SELECT count(*) FROM traces WHERE " TRACE " AND name = 'GET /' AND span_count = 2 AND embedding_model = 'given'");
    ck_assert_int_eq(batches_number("SELECT sum(trace_count) FROM patterns"), 2);
    expect_one("SELECT count(*) FROM patterns p JOIN traces t USING (pattern_id) WHERE " TRACE " AND p.embedding_model = '"
               EMBEDDING_MODEL "' AND p.embedding IS NOT NULL");
}
END_TEST

/* Its spans would be out of sight if another's times were taken, its error if another's status was. */
START_TEST(a_trace_with_spans_takes_only_an_embedding)
{
    float embedding[EMBEDDING_DIMENSIONS] = {[7] = 3.0F};
    struct db_given_trace given = {.trace_id = {[15] = 1}, .service = STR("s"), .name = STR("n"), .status = STR("ok"),
                                   .start_ns = BATCHES_DAY_NS + 1, .end_ns = BATCHES_DAY_NS + 2};
    AUTO(arena) struct arena arena;
    arena_init(&arena, ARENA_MAX);
    const struct db_wait wait = database_wait(WAIT_MS);
    store_simple(1, 0, STATUS_ERROR, "boom");
    (void)assemble(&at_once);
    database_exec(database_url(), "CREATE TABLE before AS TABLE traces");
    ck_assert_int_eq(db_store_traces(conn, &wait, &given, 1, &arena, NULL), OK);
    expect_one("SELECT count(*) FROM (TABLE traces INTERSECT TABLE before)");
    given.embedding = embedding;
    ck_assert_int_eq(db_store_traces(conn, &wait, &given, 1, &arena, NULL), OK);
    expect_one("SELECT count(*) FROM traces t JOIN before b USING (trace_id, name, start_ns, end_ns, status, error_message,"
               " pattern_id, span_count, error_count, attributes) WHERE t.embedding_model = 'given'"
               " AND (t.embedding::real[])[8] = 3");
    expect_one("SELECT count(*) FROM patterns WHERE trace_count = 1 AND error_count = 1 AND embedding IS NOT NULL"
               " AND embedding_model = '" EMBEDDING_MODEL "'");
    database_exec(database_url(), "DROP TABLE before");
}
END_TEST

/* One made in its place between two commands would lack them, which the client would be told as a defect. */
START_TEST(given_traces_keep_the_session_of_their_staging_tables)
{
    const struct db_given_trace given = {.trace_id = {[15] = 1}, .service = STR("s"), .name = STR("n"), .status = STR("ok")};
    struct db_conn *const other = db_conn_new(database_url(), "giver");
    AUTO(arena) struct arena arena;
    arena_init(&arena, ARENA_MAX);
    const struct db_wait wait = database_wait(WAIT_MS);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(db_store_traces(other, &wait, &given, 1, &arena, NULL), OK);
        ck_assert(db_conn_is_kept(other));
        ck_assert_int_eq(batches_number("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name = 'giver'"), 1);
    }
    db_conn_free(other);
}
END_TEST

/* Two vectors of one name are two things to compare with; neither is what a real trace of that name has. */
START_TEST(given_embeddings_leave_patterns_of_spans_alone)
{
    float embedding[EMBEDDING_DIMENSIONS] = {[7] = 3.0F};
    const struct db_given_trace given[] = {
        {.trace_id = {[15] = 1}, .service = STR("s"), .name = STR("n"), .status = STR("unset"), .embedding = embedding},
        {.trace_id = {[15] = 2}, .service = STR("s"), .name = STR("n"), .status = STR("unset")},
    };
    AUTO(arena) struct arena arena;
    arena_init(&arena, ARENA_MAX);
    const struct db_wait wait = database_wait(WAIT_MS);
    ck_assert_int_eq(db_store_traces(conn, &wait, given, ARRAY_LEN(given), &arena, NULL), OK);
    expect_one("SELECT count(*) FROM patterns WHERE embedding_model = '" EMBEDDING_MODEL "' AND trace_count = 1"
               " AND embedding IS NOT NULL");
    expect_one("SELECT count(*) FROM patterns WHERE embedding_model = 'given' AND trace_count = 1 AND embedding IS NULL");
}
END_TEST

static TCase *tcase_assemble(void)
{
    TCase *tcase = tcase_create("assemble");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_trace_is_summed_up);
    tcase_add_test(tcase, a_trace_waits_until_it_is_quiet);
    tcase_add_test(tcase, a_late_span_assembles_anew);
    tcase_add_test(tcase, patterns_count_exactly);
    tcase_add_test(tcase, errors_are_told_once);
    tcase_add_test(tcase, error_ids_outlive_a_second_assembly);
    tcase_add_test(tcase, logs_alone_make_errors_but_no_trace);
    tcase_add_test(tcase, attributes_unite);
    tcase_add_test(tcase, one_session_leads);
    tcase_add_test(tcase, a_leader_whose_session_was_ended_leads_anew);
    tcase_add_test(tcase, a_failed_round_is_done_again);
    tcase_add_test(tcase, a_round_without_time_for_its_traces_is_followed_by_smaller_ones);
    tcase_add_test(tcase, a_trace_that_takes_all_the_time_is_set_aside);
    tcase_add_test(tcase, a_trace_of_more_spans_than_are_read_is_summed_up_whole);
    tcase_add_test(tcase, a_trace_with_much_error_text_stops_no_other);
    tcase_add_test(tcase, errors_have_texts_of_bounded_length);
    tcase_add_test(tcase, a_trace_that_is_refused_is_set_aside);
    tcase_add_test(tcase, given_traces_keep_their_embedding);
    tcase_add_test(tcase, a_trace_with_spans_takes_only_an_embedding);
    tcase_add_test(tcase, given_traces_keep_the_session_of_their_staging_tables);
    tcase_add_test(tcase, given_embeddings_leave_patterns_of_spans_alone);
    return tcase;
}

DATABASE_MAIN("assemble", tcase_assemble)
