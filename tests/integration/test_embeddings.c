/* The service with an embeddings endpoint: what is stored while it is down, what is found, and what a change of the model does. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/support/batches.h"
#include "tests/integration/support/endpoint.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/server.h"

enum { AWAIT_MS = 30000, OUTPUT_MAX = 16384, TARGET_MAX = 128, BODY_MAX = 4096, SETTING_MAX = 128 };
/* Patterns of refused texts, after which none is asked for (service/job/embedder.c) */
enum { REFUSED_MAX = 64 };

#define MODEL "outside/model-1"
#define TRACE_1 "00000000000000000000000000000001"

static struct endpoint endpoint;
static struct server server, other;

static void setup(void)
{
    batches_schema();
    database_exec(database_url(), "TRUNCATE spans, logs, trace_arrivals, traces, patterns, errors, operations");
    endpoint_start(&endpoint, 0);
}

static void teardown(void)
{
    server_kill(&server);
    if (other.pid != 0)
        server_kill(&other);
    endpoint_stop(&endpoint);
}

static void start(struct server *s, const char *model)
{
    char url[SETTING_MAX], name[SETTING_MAX];
    (void)snprintf(url, sizeof url, "TRACEKIN_EMBEDDINGS_URL=%s", endpoint.url);
    (void)snprintf(name, sizeof name, "TRACEKIN_EMBEDDINGS_MODEL=%s", model);
    const char *const settings[] = {"TRACEKIN_ASSEMBLER_QUIET=100ms", "TRACEKIN_EMBEDDINGS_TIMEOUT=2s", "TRACEKIN_REQUEST_TIMEOUT=5s",
                                    url, name, NULL};
    server_start(s, database_url(), settings);
}

/* With the embedder that is built in. */
static void start_alone(struct server *s)
{
    server_start(s, database_url(), (const char *const[]){"TRACEKIN_ASSEMBLER_QUIET=100ms", NULL});
}

/* A trace of one span of today, which failed if it has a message. */
static void store(unsigned trace, const char *name, const char *message)
{
    char body[BODY_MAX];
    struct http_reply reply;
    const long long now_ns = clock_wall_ns();
    (void)snprintf(body, sizeof body,
                   "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}]},"
                   "\"scopeSpans\":[{\"spans\":[{\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"%s\",\"kind\":2,"
                   "\"startTimeUnixNano\":\"%lld\",\"endTimeUnixNano\":\"%lld\",\"status\":{\"code\":%d,\"message\":\"%s\"}}]}]}]}",
                   trace, trace, name, now_ns, now_ns + 1000000, message == NULL ? 0 : 2, message == NULL ? "" : message);
    http_post_json(&server, "/v1/traces", body, &reply);
    ck_assert_msg(reply.status == 200, "%s", reply.body);
    http_reply_close(&reply);
}

static void await(int64_t wanted, const char *sql)
{
    const int64_t until_ns = clock_mono_ns() + AWAIT_MS * NS_PER_MS;
    for (int64_t n = -1; n != wanted;) {
        n = batches_number(sql);
        ck_assert_msg(n == wanted || clock_mono_ns() < until_ns, "%lld, not %lld: %s\n%s", (long long)n, (long long)wanted, sql,
                      server_log(&server));
        (void)poll(NULL, 0, n == wanted ? 0 : 50);
    }
}

static void await_metric(const char *line)
{
    const int64_t until_ns = clock_mono_ns() + AWAIT_MS * NS_PER_MS;
    for (bool is_there = false; !is_there;) {
        struct http_reply reply;
        http_get(&server, "/metrics", &reply);
        is_there = strstr(reply.body, line) != NULL;
        ck_assert_msg(is_there || clock_mono_ns() < until_ns, "no %s in %s", line, reply.body);
        http_reply_close(&reply);
    }
}

/* Asks, and asserts the status and that each of the texts, up to a NULL, is in the answer. */
static void expect(int status, const char *target, const char *json, const char *const *texts)
{
    struct http_reply reply;
    if (json == NULL)
        http_get(&server, target, &reply);
    else
        http_post_json(&server, target, json, &reply);
    ck_assert_msg(reply.status == status, "%d, not %d: %s", reply.status, status, reply.body);
    for (; *texts != NULL; texts++)
        ck_assert_msg(strstr(reply.body, *texts) != NULL || strstr(reply.head, *texts) != NULL, "no %s in %s", *texts, reply.body);
    http_reply_close(&reply);
}

#define EXPECT(status, target, json, ...) expect((status), (target), (json), (const char *const[]){__VA_ARGS__, NULL})
#define SIMILAR "/api/v1/traces/similar"
#define OF_TRACE_1 "/api/v1/traces/" TRACE_1 "/similar?threshold=0"
#define BY_TEXT "{\"text\": \"card 17 declined\", \"threshold\": 0.1}"

START_TEST(what_was_stored_while_it_was_down_is_embedded_when_it_is_back)
{
    endpoint_stop(&endpoint);
    start(&server, MODEL);
    store(1, "checkout", "card 4711 declined");
    store(2, "list carts", NULL);
    store(3, "checkout", "card 12 declined");
    await(3, "SELECT count(*) FROM traces WHERE embedding IS NULL AND embedding_model IS NULL");
    await_metric("\ntracekin_embedder_waiting_patterns 2\n");
    await_metric("\ntracekin_embeddings_breaker_state 2\n");
    EXPECT(503, SIMILAR, BY_TEXT, "Retry-After: ", "urn:tracekin:problem:unavailable", "embeddings endpoint");
    EXPECT(404, OF_TRACE_1, NULL, "not embedded yet");
    EXPECT(200, "/readyz", NULL, "ready");
    EXPECT(200, "/api/v1/errors?q=declined", NULL, TRACE_1);
    endpoint_start(&endpoint, endpoint.port);
    await(3, "SELECT count(*) FROM traces JOIN patterns USING (pattern_id, embedding, embedding_model) WHERE embedding_model = '" MODEL "' AND is_spread");
    EXPECT(200, OF_TRACE_1, NULL, "\"trace_id\":\"00000000000000000000000000000003\"", "\"similarity\":1,", "\"model\":\"" MODEL "\"");
    EXPECT(200, SIMILAR, BY_TEXT, "{\"items\":[{\"similarity\":0.4", "\"model\":\"" MODEL "\"", "\"shared_error\":\"card");
    const int n_texts = endpoint.n_texts;
    EXPECT(200, SIMILAR, BY_TEXT, TRACE_1);
    EXPECT(200, SIMILAR, "{\"text\": \"card 18 declined\", \"threshold\": 0.1}", TRACE_1); /* the same but for its number */
    ck_assert_int_eq(endpoint.n_texts, n_texts);
    ck_assert_int_eq(n_texts, 3);
    await_metric("\ntracekin_embedder_waiting_patterns 0\n");
    await_metric("\ntracekin_embeddings_cache_hits_total 2\n");
    await_metric("\ntracekin_embeddings_requests_total{outcome=\"ok\"} 2\n");
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

static const char *const models[] = {"outside/model-2", NULL};

/* To another endpoint's model, or back to the one built in. */
START_TEST(another_model_embeds_all_anew)
{
    char sql[512];
    const char *const wanted = models[_i] == NULL ? EMBEDDING_MODEL : models[_i];
    start(&server, MODEL);
    store(1, "checkout", "card 4711 declined");
    store(2, "list carts", NULL);
    await(2, "SELECT count(*) FROM traces WHERE embedding_model = '" MODEL "'");
    ck_assert_int_eq(server_stop(&server), 0);
    if (models[_i] == NULL)
        start_alone(&server);
    else
        start(&server, models[_i]);
    EXPECT(200, SIMILAR, BY_TEXT, "\"model\":\"", wanted); /* from now on, whatever has been embedded */
    store(3, "checkout", "card 12 declined");
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM traces JOIN patterns USING (pattern_id, embedding, embedding_model)"
                                    " WHERE is_spread AND embedding_model = '%s'", wanted);
    await(3, sql);
    EXPECT(200, OF_TRACE_1, NULL, "\"trace_id\":\"00000000000000000000000000000003\"", wanted);
    await_metric("\ntracekin_embedder_waiting_patterns 0\n");
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(what_an_older_version_left_is_embedded_anew)
{
    start_alone(&server);
    store(1, "checkout", "card 4711 declined");
    await(1, "SELECT count(*) FROM traces WHERE embedding_model = '" EMBEDDING_MODEL "'");
    ck_assert_int_eq(server_stop(&server), 0);
    database_exec(database_url(), "UPDATE patterns SET pattern_id = 1, embedding_model = 'hash-v1';"
                                  "UPDATE traces SET pattern_id = 1, embedding_model = 'hash-v1'");
    start_alone(&server);
    await(1, "SELECT count(*) FROM patterns JOIN traces USING (pattern_id, embedding_model) WHERE embedding_model = '" EMBEDDING_MODEL
             "' AND pattern_id <> 1 AND (SELECT count(*) FROM patterns) = 1");
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(several_processes_embed_a_pattern_once)
{
    start(&server, MODEL);
    start(&other, MODEL);
    for (unsigned i = 0; i < 5; i++)
        store(i + 1, (const char *const[]){"a", "b", "c", "d", "e"}[i], NULL);
    await(5, "SELECT count(*) FROM traces WHERE embedding_model = '" MODEL "'");
    ck_assert_int_eq(endpoint.n_texts, 5);
    ck_assert_int_eq(server_stop(&server), 0);
    server = other; /* which leads from now on */
    other = (struct server){.pid = 0};
    store(6, "f", NULL);
    await(6, "SELECT count(*) FROM traces WHERE embedding_model = '" MODEL "'");
    ck_assert_int_eq(endpoint.n_texts, 6);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

/* Of texts that are too long the beginning is taken. */
START_TEST(a_text_that_is_refused_holds_up_no_other)
{
    char message[900];
    memset(message, 'x', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    endpoint_set(&endpoint, ENDPOINT_REFUSE, -1);
    start(&server, MODEL);
    store(1, "a", NULL);
    store(2, "poison", NULL);
    store(3, "b", message);
    store(4, "c", NULL);
    await(3, "SELECT count(*) FROM traces WHERE embedding_model = '" MODEL "'");
    await(1, "SELECT count(*) FROM patterns WHERE embedding_model IS NULL AND name = 'poison'");
    await_metric("\ntracekin_embedder_patterns_refused_total 1\n");
    EXPECT(400, SIMILAR, "{\"text\": \"poison\"}", "\"parameter\":\"text\"", "refused the text (400)");
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

/* Not even one that would be answered, and that comes first as the newest. */
START_TEST(after_so_many_refused_texts_none_is_asked_for)
{
    char name[] = "poison aa", url[SETTING_MAX];
    (void)snprintf(url, sizeof url, "TRACEKIN_EMBEDDINGS_URL=%s", endpoint.url);
    endpoint_set(&endpoint, ENDPOINT_REFUSE, -1);
    server_start(&server, database_url(), (const char *const[]){url, "TRACEKIN_EMBEDDINGS_MODEL=" MODEL, "TRACEKIN_EMBEDDINGS_BATCH=1",
                                                                "TRACEKIN_ASSEMBLER_QUIET=100ms", NULL});
    for (unsigned i = 0; i <= REFUSED_MAX; i++) {
        name[sizeof name - 3] = (char)('a' + i / 26);
        name[sizeof name - 2] = (char)('a' + i % 26);
        store(i + 1, name, NULL);
    }
    await(REFUSED_MAX + 1, "SELECT count(*) FROM patterns");
    await_metric("\ntracekin_embedder_patterns_refused_total 64\n");
    store(REFUSED_MAX + 2, "a", NULL);
    await_metric("\ntracekin_embedder_waiting_patterns 66\n");
    ck_assert_int_eq(endpoint.n_texts, REFUSED_MAX);
    EXPECT(200, SIMILAR, BY_TEXT, "\"model\":\"" MODEL "\""); /* those of searches are */
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(vectors_of_a_wrong_size_are_told_of_and_not_stored)
{
    endpoint_set(&endpoint, ENDPOINT_LONG, -1);
    start(&server, MODEL);
    store(1, "a", NULL);
    server_await_log(&server, "vectors of 768 numbers, and 384 are needed", AWAIT_MS);
    EXPECT(503, SIMILAR, BY_TEXT, "768", "TRACEKIN_EMBEDDINGS_DIMENSIONS=true");
    ck_assert_int_eq(batches_number("SELECT count(*) FROM patterns WHERE embedding IS NOT NULL"), 0);
    await_metric("\ntracekin_embeddings_requests_total{outcome=\"malformed\"} ");
    endpoint_set(&endpoint, ENDPOINT_ANSWER, -1);
    await(1, "SELECT count(*) FROM traces WHERE embedding_model = '" MODEL "'");
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(a_search_by_text_does_not_wait_for_ever)
{
    endpoint_set(&endpoint, ENDPOINT_HANG, -1);
    start(&server, MODEL);
    struct http_reply reply;
    http_post_json(&server, SIMILAR, BY_TEXT, &reply);
    ck_assert_int_eq(reply.status, 503);
    ck_assert_ptr_nonnull(strstr(reply.body, "did not answer in time"));
    ck_assert_msg(reply.seconds < 8, "%.1f s", reply.seconds);
    http_reply_close(&reply);
    const int fd = http_connect(&server); /* a client that goes away, and a stop meanwhile */
    http_write(fd, "POST " SIMILAR " HTTP/1.1\r\nHost: a\r\nContent-Length: 18\r\n\r\n{\"text\": \"a b c d\"}");
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

/* --- settings */

static char output[OUTPUT_MAX];

static int check_config(const char *const *settings)
{
    const char *all[SERVER_SETTINGS_MAX] = {"TRACEKIN_DATABASE_URL=postgresql://x/y"};
    for (size_t i = 0; settings[i] != NULL; i++)
        all[i + 1] = settings[i];
    return server_command((const char *const[]){"check-config", NULL}, all, output, sizeof output);
}

static const struct { const char *settings[4]; const char *words; } refused[] = {
    {{"TRACEKIN_EMBEDDINGS_URL=http://a/v1"}, "TRACEKIN_EMBEDDINGS_MODEL must name a model"},
    {{"TRACEKIN_EMBEDDINGS_MODEL=m"}, "TRACEKIN_EMBEDDINGS_URL is not"},
    {{"TRACEKIN_EMBEDDINGS_URL=a/v1", "TRACEKIN_EMBEDDINGS_MODEL=m"}, "TRACEKIN_EMBEDDINGS_URL must be such as"},
    {{"TRACEKIN_EMBEDDINGS_URL=http://a/v1", "TRACEKIN_EMBEDDINGS_MODEL=given"}, "cannot be 'given'"},
    {{"TRACEKIN_EMBEDDINGS_URL=http://a/v1", "TRACEKIN_EMBEDDINGS_MODEL=hash-v2"}, "cannot be 'hash-v2'"},
    {{"TRACEKIN_EMBEDDINGS_BATCH=257"}, "1 to 256"},
    {{"TRACEKIN_EMBEDDINGS_KEY=a", "TRACEKIN_EMBEDDINGS_KEY_FILE=/b"}, "both set"},
    {{"TRACEKIN_EMBEDDINGS_KEY_FILE=/nowhere/at/all"}, "cannot be opened"},
    {{"TRACEKIN_EMBEDDINGS_KEY_FILE=/dev/null"}, "is not a file"},
};

START_TEST(settings_that_do_not_go_together_are_refused)
{
    ck_assert_int_ne(check_config(refused[_i].settings), 0);
    ck_assert_msg(strstr(output, refused[_i].words) != NULL, "%s", output);
}
END_TEST

START_TEST(a_key_is_read_from_a_file_and_shown_to_nobody)
{
    char path[] = "/tmp/tracekin-key-XXXXXX", file[SETTING_MAX], url[SETTING_MAX];
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "sesame-open\n", 12), 12);
    ck_assert_int_eq(close(fd), 0);
    (void)snprintf(file, sizeof file, "TRACEKIN_EMBEDDINGS_KEY_FILE=%s", path);
    (void)snprintf(url, sizeof url, "TRACEKIN_EMBEDDINGS_URL=http://me:hush@127.0.0.1:%d/v1?key=hush", endpoint.port);
    ck_assert_int_eq(check_config((const char *const[]){file, url, "TRACEKIN_EMBEDDINGS_MODEL=m", NULL}), 0);
    ck_assert_msg(strstr(output, "sesame") == NULL && strstr(output, "hush") == NULL, "%s", output);
    ck_assert_int_eq(check_config((const char *const[]){"TRACEKIN_EMBEDDINGS_KEY=sesame-open", url, "TRACEKIN_EMBEDDINGS_MODEL=m", NULL}), 0);
    ck_assert_ptr_nonnull(strstr(output, "TRACEKIN_EMBEDDINGS_KEY=***\n"));
    ck_assert_msg(strstr(output, "sesame") == NULL, "%s", output);
    (void)snprintf(url, sizeof url, "TRACEKIN_EMBEDDINGS_URL=%s", endpoint.url);
    endpoint_set(&endpoint, ENDPOINT_DENY, -1);
    server_start(&server, database_url(), (const char *const[]){file, url, "TRACEKIN_EMBEDDINGS_MODEL=m", "TRACEKIN_ASSEMBLER_QUIET=100ms",
                                                                "TRACEKIN_LOG_LEVEL=debug", NULL});
    store(1, "a", NULL);
    server_await_log(&server, "(401)", AWAIT_MS);
    ck_assert(endpoint_was_sent(&endpoint, "Authorization: Bearer sesame-open\r\n"));
    ck_assert_ptr_null(strstr(server_log(&server), "sesame"));
    ck_assert_int_eq(server_stop(&server), 0);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

static TCase *tcase_embeddings(void)
{
    TCase *tcase = tcase_create("embeddings");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, what_was_stored_while_it_was_down_is_embedded_when_it_is_back);
    tcase_add_loop_test(tcase, another_model_embeds_all_anew, 0, ARRAY_LEN(models));
    tcase_add_test(tcase, what_an_older_version_left_is_embedded_anew);
    tcase_add_test(tcase, several_processes_embed_a_pattern_once);
    tcase_add_test(tcase, a_text_that_is_refused_holds_up_no_other);
    tcase_add_test(tcase, after_so_many_refused_texts_none_is_asked_for);
    tcase_add_test(tcase, vectors_of_a_wrong_size_are_told_of_and_not_stored);
    tcase_add_test(tcase, a_search_by_text_does_not_wait_for_ever);
    tcase_add_loop_test(tcase, settings_that_do_not_go_together_are_refused, 0, ARRAY_LEN(refused));
    tcase_add_test(tcase, a_key_is_read_from_a_file_and_shown_to_nobody);
    return tcase;
}

DATABASE_MAIN("embeddings", tcase_embeddings)
