/* What /metrics and /api/v1/stats tell of a service that works: the sessions with the database, the indexes, the batches, the
 * lanes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "tests/integration/support/database.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/server.h"

enum { SOON_MS = 20000, STEP_MS = 20, LINE_MAX_BYTES = 512, QUESTIONS_MAX = 500 };

static struct server s;

/* Beside another application in the same schema, which has an index by a name that would end its label. */
static void start(void)
{
    database_exec(database_url(), "CREATE TABLE foreign_table (id int); CREATE INDEX \"od\"\"d\" ON foreign_table (id);"
                                  " CREATE INDEX foreign_last ON foreign_table (id)");
    server_start(&s, database_url(), NULL);
}

static void stop(void) { ck_assert_int_eq(server_stop(&s), 0); }

/* The value of a series, as /metrics has it now; -1 when it has none. */
static double value_of(const char *series)
{
    char line[LINE_MAX_BYTES];
    struct http_reply reply;
    http_get(&s, "/metrics", &reply);
    ck_assert_int_eq(reply.status, 200);
    (void)snprintf(line, sizeof line, "\n%s ", series);
    const char *const found = strstr(reply.body, line);
    const double value = found == NULL ? -1 : strtod(found + strlen(line), NULL);
    http_reply_close(&reply);
    return value;
}

static bool has_text(const char *text)
{
    struct http_reply reply;
    http_get(&s, "/metrics", &reply);
    const bool has = strstr(reply.body, text) != NULL;
    http_reply_close(&reply);
    return has;
}

static void await_at_least(const char *series, double least)
{
    const int64_t until = clock_mono_ns() + SOON_MS * NS_PER_MS;
    while (value_of(series) < least) {
        ck_assert_msg(clock_mono_ns() < until, "%s is %g, not %g", series, value_of(series), least);
        (void)nanosleep(&(struct timespec){.tv_nsec = STEP_MS * NS_PER_MS}, NULL);
    }
}

static void ask(const char *target, int status)
{
    struct http_reply reply;
    http_get(&s, target, &reply);
    ck_assert_msg(reply.status == status, "%s: %d %s", target, reply.status, reply.body);
    http_reply_close(&reply);
}

/* A counter that appears with its first event has no rate for that event. */
START_TEST(counters_are_there_from_the_start)
{
    static const char *const series[] = {
        "tracekin_db_query_duration_seconds_count{query=\"find_similar_traces\"}",
        "tracekin_db_query_errors_total{query=\"search_logs\"}",
        "tracekin_db_reconnects_total{pool=\"read\"}",
        "tracekin_db_connect_failures_total{pool=\"writer\"}",
        "tracekin_db_cancels_total{pool=\"search\",reason=\"timeout\"}",
        "tracekin_db_cancels_total{pool=\"search\",reason=\"unwanted\"}",
        "tracekin_rejected_total{reason=\"queue_full\"}",
        "tracekin_rejected_total{reason=\"expired\"}",
        "tracekin_ingest_items_total{signal=\"logs\",result=\"duplicate\"}",
        "tracekin_otlp_rejected_items_total{signal=\"traces\"}",
        "tracekin_dead_letters_total{signal=\"metrics\"}",
        "tracekin_ingest_batch_items_count{signal=\"traces\"}",
    };
    for (size_t i = 0; i < sizeof series / sizeof *series; i++)
        ck_assert_msg(value_of(series[i]) >= 0, "%s is not there", series[i]);
}
END_TEST

START_TEST(sessions_by_state)
{
    const double n_workers = value_of("tracekin_queue_workers{lane=\"read\"}");
    ck_assert_double_ge(n_workers, 1);
    ask("/api/v1/services", 200);
    ck_assert_double_ge(value_of("tracekin_db_connections{pool=\"read\",state=\"idle\"}"), 1);
    double n = 0;
    static const char *const states[] = {"closed", "idle", "busy", "in_transaction"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        char series[LINE_MAX_BYTES];
        (void)snprintf(series, sizeof series, "tracekin_db_connections{pool=\"read\",state=\"%s\"}", states[i]);
        n += value_of(series);
    }
    ck_assert_double_eq(n, n_workers);
}
END_TEST

START_TEST(reconnects_are_counted)
{
    ask("/api/v1/services", 200);
    const double before = value_of("tracekin_db_reconnects_total{pool=\"read\"}");
    database_exec(database_url(), "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                                  " WHERE datname = current_database() AND application_name = 'tracekin read'");
    /* Each time another worker may answer, one that had no session yet. */
    for (int i = 0; i < QUESTIONS_MAX && value_of("tracekin_db_reconnects_total{pool=\"read\"}") < before + 1; i++)
        ask("/api/v1/services", 200);
    ck_assert_double_ge(value_of("tracekin_db_reconnects_total{pool=\"read\"}"), before + 1);
}
END_TEST

START_TEST(indexes_by_name_and_type)
{
    await_at_least("tracekin_index_size_bytes{index=\"foreign_last\",table=\"foreign_table\",type=\"btree\"}", 0);
    ck_assert(!has_text("od\"d"));
    await_at_least("tracekin_index_size_bytes{index=\"ix_traces_attributes\",table=\"traces\",type=\"gin\"}", 1);
    ck_assert_double_ge(value_of("tracekin_index_scans_total{index=\"traces_pkey\",table=\"traces\",type=\"btree\"}"), 0);
    ck_assert_double_ge(value_of("tracekin_index_rows_read_total{index=\"patterns_pkey\",table=\"patterns\",type=\"btree\"}"), 0);
}
END_TEST

START_TEST(batches_by_size)
{
    static const char body[] =
        "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"1700000000000000000\",\"body\":"
        "{\"stringValue\":\"one\"}},{\"timeUnixNano\":\"1700000000000000001\",\"body\":{\"stringValue\":\"two\"}}]}]}]}";
    struct http_reply reply;
    http_post_json(&s, "/v1/logs", body, &reply);
    ck_assert_int_eq(reply.status, 200);
    http_reply_close(&reply);
    ck_assert_double_eq(value_of("tracekin_ingest_batch_items_sum{signal=\"logs\"}"), 2);
    ck_assert_double_eq(value_of("tracekin_ingest_batch_items_bucket{signal=\"logs\",le=\"1.0\"}"), 0);
    ck_assert_double_eq(value_of("tracekin_ingest_batch_items_bucket{signal=\"logs\",le=\"2.0\"}"), 1);
}
END_TEST

static TCase *tcase_monitoring(void)
{
    TCase *t = tcase_create("monitoring");
    tcase_set_timeout(t, 120);
    tcase_add_unchecked_fixture(t, start, stop);
    tcase_add_test(t, counters_are_there_from_the_start);
    tcase_add_test(t, sessions_by_state);
    tcase_add_test(t, reconnects_are_counted);
    tcase_add_test(t, indexes_by_name_and_type);
    tcase_add_test(t, batches_by_size);
    return t;
}

DATABASE_MAIN("monitoring", tcase_monitoring)
