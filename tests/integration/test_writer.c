#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include "db/write/store.h"
#include "db/write/writer_tx.h"
#include "tests/integration/support/batches.h"
#include "tests/integration/support/proxy.h"

enum { N_THREADS = 4, N_CALLERS = 16, N_SPANS = 300, DAY_MS = 86400 * 1000, SOON_MS = 5000, LATE_MS = 30000, BRIEF_MS = 2000 };

static struct db_writer *writer;

static void setup(void)
{
    struct err_info e = {.code = OK};
    batches_schema();
    database_exec(database_url(), "TRUNCATE resources, scopes, metrics, spans, logs, metric_points, trace_arrivals, errors,"
                                  " dead_letters");
    ck_assert_int_eq(db_writer_new(database_url(), NULL, N_THREADS, &writer, &e), OK);
}

static void teardown(void)
{
    db_writer_free(writer);
}

/* Spans 1..n of as many traces, a tenth of a second apart. */
static void fill(struct made_batch *b, unsigned first_trace, unsigned n)
{
    made_batch_init(b, DB_SIGNAL_TRACES, DB_ENCODING_JSON, "shop");
    for (unsigned i = 0; i < n; i++)
        (void)made_batch_add_span(b, first_trace + i / 10, 1 + i, 0, 100 * i, "GET /");
}

START_TEST(twice_stores_once)
{
    struct made_batch b;
    fill(&b, 1, N_SPANS);
    const struct db_written first = batches_write(writer, &b);
    const struct db_written second = batches_write(writer, &b);
    ck_assert_int_eq(first.n_stored, N_SPANS);
    ck_assert_int_eq(first.n_duplicate, 0);
    ck_assert_int_eq(second.n_stored, 0);
    ck_assert_int_eq(second.n_duplicate, N_SPANS);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM spans"), N_SPANS);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM resources WHERE service = 'shop'"), 1);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM scopes"), 1);
    made_batch_close(&b);
}
END_TEST

/* Room for nothing, and for some of a stream: neither may pass for a batch without rows. */
START_TEST(a_stream_without_memory_stores_and_acknowledges_nothing)
{
    static const size_t rooms[] = {0, 1, 100, 400};
    struct db_partition_days *const days = db_partition_days_new(NULL);
    struct db_writer_known *const known = db_writer_known_new();
    const struct db_wait wait = database_wait(LATE_MS);
    atomic_bool gives_up = false;
    struct db_writer_session session;
    struct made_batch b;
    fill(&b, 1, N_SPANS);
    const struct db_batch *const batch = &b.batch;
    ck_assert_int_eq(db_writer_session_init(&session, database_url(), days, known, &gives_up, NULL), OK);
    for (size_t i = 0; i < ARRAY_LEN(rooms); i++) {
        int64_t n_stored = 0;
        buf_close(&session.copy);
        buf_init(&session.copy, rooms[i]);
        ck_assert_int_eq(db_writer_tx_together(&session, &wait, &batch, 1, &n_stored, NULL), ERR_NOMEM);
    }
    ck_assert_int_eq(batches_number("SELECT count(*) FROM spans"), 0);
    db_writer_session_close(&session);
    db_writer_known_free(known);
    db_partition_days_free(days);
    made_batch_close(&b);
}
END_TEST

START_TEST(every_new_span_announces_its_trace)
{
    struct made_batch b;
    fill(&b, 1, 20);
    (void)batches_write(writer, &b);
    (void)batches_write(writer, &b);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM trace_arrivals"), 2);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM trace_arrivals a WHERE (min_ns, max_ns) ="
                                    " (SELECT min(start_ns), max(start_ns) FROM spans s WHERE s.trace_id = a.trace_id)"),
                     2);
    made_batch_close(&b);
}
END_TEST

static void *write_many(void *arg)
{
    struct made_batch b;
    for (unsigned i = 0; i < 5; i++) { /* neighbours share half their spans */
        fill(&b, *(const unsigned *)arg * 15 + i, N_SPANS);
        (void)batches_write(writer, &b);
        made_batch_close(&b);
    }
    return NULL;
}

START_TEST(concurrent_callers_with_the_same_spans)
{
    pthread_t threads[N_CALLERS];
    unsigned numbers[N_CALLERS];
    for (unsigned i = 0; i < N_CALLERS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_many, &numbers[i]), 0);
    }
    for (unsigned i = 0; i < N_CALLERS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    /* Caller c, turn i: traces 15c+i .. 15c+i+29, of ten spans each whose ids depend on the distance to the first. */
    ck_assert_int_eq(batches_number("WITH told AS (SELECT DISTINCT 15 * c + i + s / 10 AS trace, 1 + s AS span FROM"
                                    " generate_series(0, 15) c, generate_series(0, 4) i, generate_series(0, 299) s)"
                                    " SELECT (SELECT count(*) FROM told) - (SELECT count(*) FROM spans)"),
                     0);
}
END_TEST

START_TEST(days_get_their_partitions)
{
    struct made_batch b;
    made_batch_init(&b, DB_SIGNAL_TRACES, DB_ENCODING_JSON, "shop");
    for (unsigned day = 0; day < 40; day++)
        (void)made_batch_add_span(&b, 1, 1 + day, 0, (int64_t)day * DAY_MS, "GET /");
    ck_assert_int_eq(batches_write(writer, &b).n_stored, 40);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM spans_20230228"), 1);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM spans WHERE tableoid <> to_regclass('spans_'"
                                    " || to_char(start_time AT TIME ZONE 'UTC', 'YYYYMMDD'))"),
                     0);
    made_batch_close(&b);
}
END_TEST

START_TEST(a_partition_that_vanished_is_made_again)
{
    struct made_batch b;
    fill(&b, 1, 10);
    (void)batches_write(writer, &b);
    database_exec(database_url(), "DROP TABLE spans_20230129");
    ck_assert_int_eq(batches_write(writer, &b).n_stored, 10);
    made_batch_close(&b);
}
END_TEST

START_TEST(refused_rows_become_dead_letters)
{
    struct made_batch b;
    fill(&b, 1, N_SPANS);
    b.batch.spans.items[17].attributes = STR("{\"k\":\"\\u0000\"}");
    b.batch.spans.items[211].links = STR("[");
    const struct db_written written = batches_write(writer, &b);
    ck_assert_int_eq(written.n_stored, N_SPANS - 2);
    ck_assert_int_eq(written.n_dead, 2);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM spans"), N_SPANS - 2);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM dead_letters WHERE signal = 'traces' AND sqlstate IN ('22P05', '22P02')"
                                    " AND length(reason) > 0 AND content_type = 'application/json'"
                                    " AND trace_id IN ('\\x00000000000000000000000000000002', '\\x00000000000000000000000000000016')"),
                     2);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM dead_letters WHERE convert_from(payload, 'UTF8')::jsonb ="
                                    " '{\"resourceSpans\":[{\"resource\":{\"attributes\":[]},\"scopeSpans\":[{\"scope\":"
                                    "{\"name\":\"tests\"},\"spans\":[{\"name\":\"raw\"}]}]}]}'"),
                     2);
    made_batch_close(&b);
}
END_TEST

START_TEST(a_refused_resource_takes_its_rows_along)
{
    struct made_batch b;
    fill(&b, 1, 8);
    b.batch.resources.items[0].attributes = STR("{\"k\":\"\\u0000\"}");
    struct db_resource *const good = db_batch_add_resource(&b.batch);
    *good = (struct db_resource){.resource_id = 99, .service = STR("good"), .attributes = STR("{}")};
    b.batch.spans.items[3].resource = 1;
    const struct db_written written = batches_write(writer, &b);
    ck_assert_int_eq(written.n_stored, 1);
    ck_assert_int_eq(written.n_dead, 7);
    made_batch_close(&b);
}
END_TEST

START_TEST(protobuf_dead_letters_nest)
{
    struct made_batch b;
    made_batch_init(&b, DB_SIGNAL_LOGS, DB_ENCODING_PROTOBUF, "shop");
    struct db_log *const l = made_batch_add_log(&b, 1, 0, 0, 0, 9, "body");
    l->attributes = STR("{");
    l->raw = STR("LOG");
    b.batch.resources.items[0].raw = STR("RES");
    b.batch.resources.items[0].schema_url = STR("u");
    b.batch.scopes.items[0].raw = STR("SCO");
    ck_assert_int_eq(batches_write(writer, &b).n_dead, 1);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM dead_letters WHERE signal = 'logs' AND trace_id IS NULL AND payload ="
                                    " '\\x0a14' || '\\x0a03'::bytea || 'RES'::bytea || '\\x120a0a03'::bytea || 'SCO'::bytea"
                                    " || '\\x1203'::bytea || 'LOG'::bytea || '\\x1a0175'::bytea"),
                     1);
    made_batch_close(&b);
}
END_TEST

START_TEST(error_logs_are_errors)
{
    struct made_batch b;
    made_batch_init(&b, DB_SIGNAL_LOGS, DB_ENCODING_JSON, "shop");
    made_batch_add_log(&b, 1, 0, 0, 10, 17, "boom")->attributes = STR("{\"exception.type\":\"E\"}");
    (void)made_batch_add_log(&b, 2, 0, 0, 20, 16, "a warning");
    (void)made_batch_add_log(&b, 3, 5, 6, 30, 21, "of a trace");
    (void)made_batch_add_log(&b, 4, 6, 0, 30, 9, "of another, no error");
    ck_assert_int_eq(batches_write(writer, &b).n_stored, 4);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM errors"), 1);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM errors WHERE message = 'boom' AND type = 'E' AND source = 'log'"
                                    " AND service = 'shop' AND trace_id IS NULL"),
                     1);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM trace_arrivals WHERE get_byte(trace_id, 15) = 5"), 1);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM trace_arrivals"), 1);
    made_batch_close(&b);
}
END_TEST

START_TEST(error_logs_without_a_trace_have_texts_of_bounded_length)
{
    struct made_batch b;
    made_batch_init(&b, DB_SIGNAL_LOGS, DB_ENCODING_JSON, "shop");
    struct db_log *const l = made_batch_add_log(&b, 1, 0, 0, 0, 17, "");
    l->body = arena_printf(&b.arena, "%050000d", 1);
    l->attributes = arena_printf(&b.arena, "{\"exception.type\":\"%050000d\"}", 2);
    made_batch_add_log(&b, 2, 0, 0, 0, 17, "")->attributes =
        arena_printf(&b.arena, "{\"exception.message\":\"%050000d\"}", 3);
    (void)batches_write(writer, &b);
    ck_assert_int_eq(batches_number("SELECT min(length(message)) FROM errors"), DB_ERROR_TEXT_MAX);
    ck_assert_int_eq(batches_number("SELECT max(length(message)) FROM errors"), DB_ERROR_TEXT_MAX);
    ck_assert_int_eq(batches_number("SELECT max(length(type)) FROM errors"), DB_ERROR_TEXT_MAX);
    ck_assert_int_eq(batches_number("SELECT length(body) FROM logs WHERE length(body) > 0"), 50000);
    made_batch_close(&b);
}
END_TEST

START_TEST(points_keep_their_kinds)
{
    struct made_batch b;
    made_batch_init(&b, DB_SIGNAL_METRICS, DB_ENCODING_JSON, "shop");
    struct db_point *const whole = made_batch_add_point(&b, 1, 0, 9007199254740993.0);
    whole->value_is_int = true;
    whole->value_int = INT64_C(9007199254740993);
    struct db_point *const count = made_batch_add_point(&b, 2, 1, 0);
    const struct str trace_id = {"0123456789abcdef", 16};
    count->has_value = false;
    count->has_count = true;
    count->count = UINT64_MAX;
    count->trace_ids = &trace_id;
    count->n_trace_ids = 1;
    ck_assert_int_eq(batches_write(writer, &b).n_stored, 2);
    ck_assert_int_eq(batches_write(writer, &b).n_duplicate, 2);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM metric_points WHERE value_int = 9007199254740993 AND count IS NULL"), 1);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM metric_points WHERE count = 18446744073709551615 AND value IS NULL"
                                    " AND trace_ids = ARRAY['0123456789abcdef'::bytea]"),
                     1);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM metrics WHERE name = 'load' AND type = 'gauge'"), 1);
    made_batch_close(&b);
}
END_TEST

START_TEST(counts_have_32_bits_without_a_sign)
{
    struct made_batch b;
    fill(&b, 1, 1);
    b.batch.resources.items[0].n_dropped_attributes = UINT32_MAX;
    b.batch.scopes.items[0].n_dropped_attributes = UINT32_MAX;
    (void)batches_write(writer, &b);
    ck_assert_int_eq(batches_number("SELECT r.dropped_attributes_count + o.dropped_attributes_count FROM resources r, scopes o"),
                     2 * INT64_C(4294967295));
    made_batch_close(&b);
}
END_TEST

static enum err write_through(struct proxy *p, struct made_batch *b, int ms, struct db_writer **out)
{
    struct err_info e = {.code = OK};
    struct db_written written;
    if (*out == NULL)
        ck_assert_int_eq(db_writer_new(p->url, NULL, 1, out, &e), OK);
    return db_writer_write(*out, &b->batch, clock_mono_ns() + ms * NS_PER_MS, &written, &e);
}

/* Neither the writer nor libpq knows of it yet. */
static void end_the_session(void)
{
    ck_assert_int_eq(batches_number("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
                                    " WHERE application_name = 'tracekin writer' AND datname = current_database()"), 1);
}

START_TEST(an_idle_session_that_was_ended_is_prepared_anew)
{
    struct made_batch b;
    struct db_writer *own = NULL; /* of one session */
    ck_assert_int_eq(db_writer_new(database_url(), NULL, 1, &own, NULL), OK);
    for (unsigned i = 0; i < 3; i++) {
        fill(&b, 100 * i, 10);
        ck_assert_int_eq(batches_write(own, &b).n_stored, 10);
        made_batch_close(&b);
        end_the_session();
    }
    db_writer_free(own);
}
END_TEST

/* As when a standby took over that had not got the last commits. */
START_TEST(what_a_lost_server_knew_is_sent_again)
{
    struct made_batch b;
    struct db_writer *own = NULL;
    ck_assert_int_eq(db_writer_new(database_url(), NULL, 1, &own, NULL), OK);
    fill(&b, 1, 10);
    (void)batches_write(own, &b);
    end_the_session();
    database_exec(database_url(), "TRUNCATE resources, scopes, spans");
    ck_assert_int_eq(batches_write(own, &b).n_stored, 10);
    ck_assert_int_eq(batches_number("SELECT (SELECT count(*) FROM resources) + (SELECT count(*) FROM scopes)"), 2);
    db_writer_free(own);
    made_batch_close(&b);
}
END_TEST

START_TEST(a_database_that_is_gone_comes_back)
{
    struct proxy p;
    struct made_batch b;
    struct db_writer *remote = NULL;
    proxy_start(&p, database_url());
    fill(&b, 1, 10);
    ck_assert_int_eq(write_through(&p, &b, SOON_MS, &remote), OK);
    proxy_set(&p, PROXY_CUT);
    ck_assert_int_eq(write_through(&p, &b, 500, &remote), ERR_UNAVAILABLE);
    proxy_set(&p, PROXY_FORWARD);
    enum err code = ERR_UNAVAILABLE;
    const int64_t until_ns = clock_mono_ns() + SOON_MS * NS_PER_MS;
    while (code == ERR_UNAVAILABLE && clock_mono_ns() < until_ns)
        code = write_through(&p, &b, SOON_MS, &remote);
    ck_assert_int_eq(code, OK);
    db_writer_free(remote);
    proxy_stop(&p);
    made_batch_close(&b);
}
END_TEST

START_TEST(a_database_that_hangs_costs_only_the_deadline)
{
    struct proxy p;
    struct made_batch b;
    struct db_writer *remote = NULL;
    proxy_start(&p, database_url());
    fill(&b, 1, 10);
    ck_assert_int_eq(write_through(&p, &b, SOON_MS, &remote), OK);
    proxy_set(&p, PROXY_HOLD);
    const int64_t start_ns = clock_mono_ns();
    ck_assert_int_eq(write_through(&p, &b, 300, &remote), ERR_TIMEOUT);
    ck_assert_int_lt(clock_mono_ns() - start_ns, 2 * NS_PER_S);
    proxy_set(&p, PROXY_FORWARD);
    db_writer_free(remote);
    proxy_stop(&p);
    made_batch_close(&b);
}
END_TEST

/* --- several callers of one session, whose first transaction waits for a lock on the table */

static const struct db_wait enough = {.deadline_ns = INT64_MAX, .wake_fd = -1};

/* A call on a thread of its own: spans of one trace, each waiting for so long. */
struct call {
    pthread_t thread;
    struct db_writer *writer;
    unsigned trace;
    int ms;
    enum err code;
    int64_t took_ms;
};

static void *call_thread(void *arg)
{
    struct call *const c = arg;
    const int64_t start_ns = clock_mono_ns();
    struct made_batch b;
    struct db_written written;
    struct err_info e = {.code = OK};
    fill(&b, c->trace, 10);
    c->code = db_writer_write(c->writer, &b.batch, start_ns + c->ms * NS_PER_MS, &written, &e);
    c->took_ms = (clock_mono_ns() - start_ns) / NS_PER_MS;
    made_batch_close(&b);
    return NULL;
}

/* The first call is taken before the others come, which are the next group. */
static void call_all(struct call *calls, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(pthread_create(&calls[i].thread, NULL, call_thread, &calls[i]), 0);
        (void)poll(NULL, 0, 100);
    }
}

static void join_all(struct call *calls, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(pthread_join(calls[i].thread, NULL), 0);
}

static struct db_conn *lock_spans(void)
{
    struct db_conn *const locker = db_conn_new(database_url(), "test");
    struct made_batch b;
    fill(&b, 1, 10);
    (void)batches_write(writer, &b); /* makes the partition, which would wait too */
    made_batch_close(&b);
    ck_assert_int_eq(db_exec(locker, &enough, "BEGIN; LOCK TABLE spans IN SHARE MODE", NULL, NULL), OK);
    return locker;
}

START_TEST(nobody_waits_for_those_stored_alone_after_him)
{
    struct db_conn *const locker = lock_spans();
    struct db_writer *own = NULL;
    ck_assert_int_eq(db_writer_new(database_url(), NULL, 1, &own, NULL), OK);
    struct call calls[] = {{.writer = own, .trace = 100, .ms = 500}, {.writer = own, .trace = 200, .ms = 4000},
                           {.writer = own, .trace = 300, .ms = 1000}};
    call_all(calls, ARRAY_LEN(calls));
    join_all(calls, ARRAY_LEN(calls));
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        ck_assert_int_eq(calls[i].code, ERR_TIMEOUT);
        ck_assert_int_lt(calls[i].took_ms, calls[i].ms + 1500);
    }
    db_conn_free(locker);
    db_writer_free(own);
}
END_TEST

static atomic_bool is_held_up;

static void hold_up(int signal)
{
    (void)signal;
    while (atomic_load(&is_held_up))
        (void)poll(NULL, 0, 10);
}

/* A caller that does not run for a while leaves its job in the queue past its deadline. */
START_TEST(a_job_whose_time_is_over_ends_nobody_elses_transaction)
{
    struct db_conn *const locker = lock_spans();
    struct db_writer *own = NULL;
    struct sigaction action = {.sa_handler = hold_up};
    ck_assert_int_eq(db_writer_new(database_url(), NULL, 1, &own, NULL), OK);
    struct call calls[] = {{.writer = own, .trace = 100, .ms = SOON_MS}, {.writer = own, .trace = 200, .ms = 500},
                           {.writer = own, .trace = 300, .ms = SOON_MS}, {.writer = own, .trace = 400, .ms = SOON_MS}};
    atomic_store(&is_held_up, true);
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    call_all(calls, ARRAY_LEN(calls));
    ck_assert_int_eq(pthread_kill(calls[1].thread, SIGUSR1), 0);
    (void)poll(NULL, 0, 1000);
    ck_assert_int_eq(db_exec(locker, &enough, "ROLLBACK", NULL, NULL), OK);
    (void)poll(NULL, 0, 1000); /* the queue has been looked at */
    atomic_store(&is_held_up, false);
    join_all(calls, ARRAY_LEN(calls));
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        ck_assert_int_eq(calls[i].code, i == 1 ? ERR_TIMEOUT : OK);
    ck_assert_int_eq(batches_number("SELECT count(DISTINCT xmin::text) FROM spans WHERE get_byte(trace_id, 14) * 256 +"
                                    " get_byte(trace_id, 15) IN (300, 400)"), 1);
    db_conn_free(locker);
    db_writer_free(own);
}
END_TEST

/* --- cancelling */

static void expect_cancelled(const struct call *calls, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(calls[i].code, ERR_CANCELLED);
        ck_assert_int_lt(calls[i].took_ms, SOON_MS);
    }
}

START_TEST(cancelling_ends_what_is_stored_what_waits_and_what_comes)
{
    struct db_conn *const locker = lock_spans();
    struct db_writer *own = NULL;
    ck_assert_int_eq(db_writer_new(database_url(), NULL, 1, &own, NULL), OK);
    struct call calls[] = {{.writer = own, .trace = 100, .ms = LATE_MS}, {.writer = own, .trace = 200, .ms = LATE_MS},
                           {.writer = own, .trace = 300, .ms = LATE_MS}};
    call_all(calls, 2);
    db_writer_cancel(own);
    join_all(calls, 2);
    call_all(&calls[2], 1);
    join_all(&calls[2], 1);
    expect_cancelled(calls, ARRAY_LEN(calls));
    db_conn_free(locker);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM spans"), 10); /* those of lock_spans */
    db_writer_free(own);
}
END_TEST

/* The call's transaction has all of its rows and waits for the lock to commit them. */
static struct db_conn *hold_commit_for(struct db_writer *own, struct call *c, int ms)
{
    struct db_conn *const locker = db_conn_new(database_url(), "test");
    batches_slow_commits();
    ck_assert_int_eq(db_exec(locker, &enough, "BEGIN; " BATCHES_HOLD_COMMITS, NULL, NULL), OK);
    *c = (struct call){.writer = own, .trace = 100, .ms = ms};
    call_all(c, 1);
    batches_await_commit();
    return locker;
}

static struct db_conn *hold_commit(struct db_writer *own, struct call *c)
{
    return hold_commit_for(own, c, LATE_MS);
}

static void *cancel_thread(void *arg)
{
    db_writer_cancel(arg);
    return NULL;
}

START_TEST(cancelling_waits_for_a_commit)
{
    pthread_t canceller;
    struct call call;
    struct db_conn *const locker = hold_commit(writer, &call);
    ck_assert_int_eq(pthread_create(&canceller, NULL, cancel_thread, writer), 0);
    (void)poll(NULL, 0, 200);
    ck_assert_int_eq(db_exec(locker, &enough, "ROLLBACK", NULL, NULL), OK);
    join_all(&call, 1);
    ck_assert_int_eq(pthread_join(canceller, NULL), 0);
    ck_assert_int_eq(call.code, OK);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM spans"), 10);
    db_conn_free(locker);
}
END_TEST

START_TEST(cancelling_gives_a_commit_up_that_hangs)
{
    struct call call;
    struct db_conn *const locker = hold_commit(writer, &call);
    db_writer_cancel(writer);
    join_all(&call, 1);
    expect_cancelled(&call, 1);
    ck_assert_int_ge(call.took_ms, DB_WRITER_COMMIT_GRACE_MS);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM spans"), 0);
    db_conn_free(locker);
}
END_TEST

/* --- a commit that is lost from sight */

/* Begins a call whose COMMIT waits in the server, through a proxy. */
static struct db_conn *hold_commit_behind(struct proxy *p, struct db_writer **remote, struct call *c, int ms)
{
    proxy_start(p, database_url());
    *remote = NULL;
    ck_assert_int_eq(db_writer_new(p->url, NULL, 1, remote, NULL), OK);
    return hold_commit_for(*remote, c, ms);
}

static void await_spans(int64_t n)
{
    const int64_t until_ns = clock_mono_ns() + SOON_MS * NS_PER_MS;
    while (batches_number("SELECT count(*) FROM spans") != n && clock_mono_ns() < until_ns)
        (void)poll(NULL, 0, 20);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM spans"), n);
}

/* It is lost with the connection, and the next try, which waits for the first, with the network; or the time is over. Neither may
 * be told as a failure: the commit is done behind the caller's back. */
static const struct { bool is_dropped; enum proxy_mode then; int ms; } losses[] = {
    {true, PROXY_CUT, LATE_MS}, {false, PROXY_HOLD, BRIEF_MS},
};

START_TEST(a_commit_whose_answer_is_lost_may_have_been_done)
{
    struct proxy p;
    struct call call;
    struct db_writer *remote;
    struct db_conn *const locker = hold_commit_behind(&p, &remote, &call, losses[_i].ms);
    if (losses[_i].is_dropped)
        proxy_drop(&p);
    proxy_set(&p, losses[_i].then);
    join_all(&call, 1);
    ck_assert_int_eq(call.code, ERR_OUTCOME_UNKNOWN);
    ck_assert_int_eq(db_exec(locker, &enough, "ROLLBACK", NULL, NULL), OK);
    await_spans(10);
    db_conn_free(locker);
    db_writer_free(remote);
    proxy_stop(&p);
}
END_TEST

START_TEST(a_commit_whose_answer_is_lost_is_found_done_by_the_next_try)
{
    struct proxy p;
    struct call call;
    struct db_writer *remote;
    struct db_conn *const locker = hold_commit_behind(&p, &remote, &call, LATE_MS);
    proxy_drop(&p);
    ck_assert_int_eq(db_exec(locker, &enough, "ROLLBACK", NULL, NULL), OK);
    join_all(&call, 1);
    ck_assert_int_eq(call.code, OK);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM spans"), 10);
    db_conn_free(locker);
    db_writer_free(remote);
    proxy_stop(&p);
}
END_TEST

/* The server has said that it undid it. */
START_TEST(a_commit_that_is_cancelled_in_time_was_not_done)
{
    struct call call;
    struct db_conn *const locker = hold_commit_for(writer, &call, BRIEF_MS);
    join_all(&call, 1);
    ck_assert_int_eq(call.code, ERR_TIMEOUT);
    ck_assert_int_eq(db_exec(locker, &enough, "ROLLBACK", NULL, NULL), OK);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM spans"), 0);
    db_conn_free(locker);
}
END_TEST

static TCase *tcase_writer(void)
{
    TCase *tcase = tcase_create("writer");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, twice_stores_once);
    tcase_add_test(tcase, a_stream_without_memory_stores_and_acknowledges_nothing);
    tcase_add_test(tcase, every_new_span_announces_its_trace);
    tcase_add_test(tcase, concurrent_callers_with_the_same_spans);
    tcase_add_test(tcase, days_get_their_partitions);
    tcase_add_test(tcase, a_partition_that_vanished_is_made_again);
    tcase_add_test(tcase, refused_rows_become_dead_letters);
    tcase_add_test(tcase, a_refused_resource_takes_its_rows_along);
    tcase_add_test(tcase, protobuf_dead_letters_nest);
    tcase_add_test(tcase, error_logs_are_errors);
    tcase_add_test(tcase, error_logs_without_a_trace_have_texts_of_bounded_length);
    tcase_add_test(tcase, points_keep_their_kinds);
    tcase_add_test(tcase, counts_have_32_bits_without_a_sign);
    tcase_add_test(tcase, an_idle_session_that_was_ended_is_prepared_anew);
    tcase_add_test(tcase, what_a_lost_server_knew_is_sent_again);
    tcase_add_test(tcase, a_database_that_is_gone_comes_back);
    tcase_add_test(tcase, a_database_that_hangs_costs_only_the_deadline);
    tcase_add_test(tcase, nobody_waits_for_those_stored_alone_after_him);
    tcase_add_test(tcase, a_job_whose_time_is_over_ends_nobody_elses_transaction);
    tcase_add_test(tcase, cancelling_ends_what_is_stored_what_waits_and_what_comes);
    tcase_add_test(tcase, cancelling_waits_for_a_commit);
    tcase_add_test(tcase, cancelling_gives_a_commit_up_that_hangs);
    tcase_add_loop_test(tcase, a_commit_whose_answer_is_lost_may_have_been_done, 0, (int)ARRAY_LEN(losses));
    tcase_add_test(tcase, a_commit_whose_answer_is_lost_is_found_done_by_the_next_try);
    tcase_add_test(tcase, a_commit_that_is_cancelled_in_time_was_not_done);
    return tcase;
}

DATABASE_MAIN("writer", tcase_writer)
