/* The client of an embeddings endpoint against one that answers, fails and lies. */
#include "api/embed/embedder.h"
#include "api/embed/http.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/breaker.h"
#include "core/clock.h"
#include "core/metrics.h"
#include "service/process/wake.h"
#include "tests/integration/support/database.h"
#include "tests/integration/support/endpoint.h"

enum { WAIT_MS = 20000, TIMEOUT_MS = 300, BATCH = 4, N_TEXTS = 10 };
/* Connections that are kept (api/embed/http.c). */
enum { KEPT_MAX = 8 };

#define MODEL "test/model-1"

static struct endpoint endpoint;
static struct api_embedder *embedder;
static struct err_info e;
static const struct str texts[N_TEXTS] = {STR("card declined"), STR("b"), STR("c"), STR("d"), STR("e"),
                                          STR("f"), STR("g"), STR("h"), STR("\"quoted\" \\ \xc3\xa9"), STR("j")};
static float vectors[N_TEXTS][EMBEDDING_DIMENSIONS];

static struct api_embedder_spec spec(void)
{
    return (struct api_embedder_spec){.url = str_of(endpoint.url), .model = STR(MODEL), .key = STR("sesame"),
                                      .timeout_ns = TIMEOUT_MS * NS_PER_MS, .batch_max = BATCH, .cache_max = 100};
}

static void make(const struct api_embedder_spec *s)
{
    api_embedder_free(embedder);
    embedder = NULL;
    ck_assert_msg(api_embedder_new(s, &embedder, &e) == OK, "%s", e.message);
}

static void setup(void)
{
    e = (struct err_info){0};
    endpoint_start(&endpoint, 0);
    const struct api_embedder_spec s = spec();
    make(&s);
}

static void teardown(void)
{
    api_embedder_free(embedder);
    embedder = NULL;
    endpoint_stop(&endpoint);
}

static enum err embed(size_t n)
{
    const struct db_wait wait = database_wait(WAIT_MS);
    e = (struct err_info){0};
    return api_embedder_embed(embedder, &wait, texts, n, vectors, &e);
}

static void expect_vectors(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float wanted[EMBEDDING_DIMENSIONS];
        struct str text = texts[i];
        if (i == 8)
            text = STR("\\\"quoted\\\" \\\\ \xc3\xa9"); /* as JSON has it */
        endpoint_vector(STR(MODEL), text, wanted);
        ck_assert_mem_eq(vectors[i], wanted, sizeof wanted);
    }
}

static uint64_t n_of(const char *outcome)
{
    static const struct metric_family family = {"tracekin_embeddings_requests_total", METRIC_COUNTER, ""};
    return metric_count(metrics_series(&family, outcome));
}

START_TEST(asks_in_batches_and_remembers)
{
    ck_assert_msg(embed(N_TEXTS) == OK, "%s", e.message);
    expect_vectors(N_TEXTS);
    ck_assert_int_eq(endpoint.n_requests, 3);
    ck_assert_int_eq(endpoint.n_texts, N_TEXTS);
    ck_assert(endpoint_was_sent(&endpoint, "POST /v1/embeddings HTTP/1.1"));
    ck_assert(endpoint_was_sent(&endpoint, "Authorization: Bearer sesame"));
    ck_assert(endpoint_was_sent(&endpoint, "\"model\":\"" MODEL "\""));
    ck_assert(!endpoint_was_sent(&endpoint, "dimensions"));
    memset(vectors, 0, sizeof vectors);
    ck_assert_int_eq(embed(N_TEXTS), OK);
    expect_vectors(N_TEXTS);
    ck_assert_int_eq(endpoint.n_requests, 3);
    ck_assert_int_eq(endpoint.n_connections, 1);
    ck_assert_str_eq(api_embedder_model(embedder).ptr, MODEL);
}
END_TEST

START_TEST(remembers_so_many)
{
    struct api_embedder_spec s = spec();
    s.cache_max = 2;
    s.asks_dimensions = true;
    s.key = STR("");
    make(&s);
    ck_assert_int_eq(embed(3), OK);
    ck_assert(endpoint_was_sent(&endpoint, "\"dimensions\":384"));
    ck_assert(!endpoint_was_sent(&endpoint, "Authorization"));
    ck_assert_int_eq(embed(3), OK); /* the first of three is out, and takes the next one's place */
    ck_assert_int_eq(endpoint.n_texts, 4);
    expect_vectors(3);
}
END_TEST

START_TEST(places_vectors_by_index)
{
    endpoint_set(&endpoint, ENDPOINT_SHUFFLE, -1);
    ck_assert_int_eq(embed(N_TEXTS), OK);
    expect_vectors(N_TEXTS);
}
END_TEST

static const enum endpoint_mode passing[] = {ENDPOINT_HANG, ENDPOINT_DROP, ENDPOINT_CUT, ENDPOINT_FAIL, ENDPOINT_BUSY};
static const char *const passing_outcomes[] = {"outcome=\"timeout\"", "outcome=\"connection\"", "outcome=\"connection\"",
                                               "outcome=\"server_error\"", "outcome=\"rate_limited\""};

START_TEST(what_passes_is_tried_again)
{
    const uint64_t n = n_of(passing_outcomes[_i]);
    endpoint_set(&endpoint, passing[_i], 2);
    ck_assert_msg(embed(2) == OK, "%s", e.message);
    expect_vectors(2);
    ck_assert_int_eq(endpoint.n_requests, 3);
    ck_assert_uint_eq(n_of(passing_outcomes[_i]), n + 2);
}
END_TEST

START_TEST(attempts_have_an_end)
{
    endpoint_set(&endpoint, passing[_i], -1);
    ck_assert_int_eq(embed(1), ERR_UNAVAILABLE);
    ck_assert_int_eq(endpoint.n_requests, 3);
    ck_assert_ptr_nonnull(strstr(e.message, "endpoint"));
}
END_TEST

static const struct { enum endpoint_mode mode; const char *words; } wrong[] = {
    {ENDPOINT_GARBAGE, "something else than embeddings"}, {ENDPOINT_SHORT, "vectors of 383 numbers"},
    {ENDPOINT_LONG, "vectors of 768 numbers"},           {ENDPOINT_FEWER, "1 vectors for 2 texts"},
    {ENDPOINT_NAN, "something else than embeddings"},     {ENDPOINT_ZERO, "points nowhere"},
    {ENDPOINT_ENDLESS, "more than embeddings can be"},    {ENDPOINT_DENY, "401"},
    {ENDPOINT_REDIRECT, "307"},
};

START_TEST(what_stays_wrong_is_not_tried_again)
{
    struct api_embedder_spec s = spec();
    s.timeout_ns = WAIT_MS * NS_PER_MS;
    make(&s);
    endpoint_set(&endpoint, wrong[_i].mode, -1);
    ck_assert_int_eq(embed(2), ERR_UNAVAILABLE);
    ck_assert_msg(strstr(e.message, wrong[_i].words) != NULL, "%s", e.message);
    ck_assert_int_eq(endpoint.n_requests, 1);
    endpoint_set(&endpoint, ENDPOINT_ANSWER, -1);
    ck_assert_int_eq(embed(2), OK);
    expect_vectors(2);
}
END_TEST

/* Names and numbers that lead to where clouds serve credentials: what is judged is the address that is connected to. */
static const char *const link_local[] = {"169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518",
                                         "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[fe80::1%25lo]"};

static bool has_ipv6(void)
{
    const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && close(fd) == 0;
}

START_TEST(a_link_local_address_is_not_connected_to)
{
    if (link_local[_i][0] == '[' && !has_ipv6())
        return;
    struct api_embedder_spec s = spec();
    char url[ENDPOINT_URL_MAX];
    const uint64_t n = n_of("outcome=\"forbidden_address\"");
    (void)snprintf(url, sizeof url, "http://%s:%d/v1", link_local[_i], endpoint.port);
    s.url = str_of(url);
    make(&s);
    ck_assert_int_eq(embed(1), ERR_UNAVAILABLE);
    ck_assert_msg(strstr(e.message, "TRACEKIN_EMBEDDINGS_LINK_LOCAL") != NULL, "%s", e.message);
    ck_assert_uint_eq(n_of("outcome=\"forbidden_address\""), n + 1);
    s.allows_link_local = true;
    make(&s);
    ck_assert_int_eq(embed(1), ERR_UNAVAILABLE);
    ck_assert_msg(strstr(e.message, "LINK_LOCAL") == NULL, "%s", e.message);
    ck_assert_uint_eq(n_of("outcome=\"forbidden_address\""), n + 1);
}
END_TEST

START_TEST(a_refused_text_is_the_callers)
{
    endpoint_set(&endpoint, ENDPOINT_REFUSE, -1);
    const struct str poison = STR("poison");
    const struct db_wait wait = database_wait(WAIT_MS);
    for (int i = 0; i < 10; i++) {
        e = (struct err_info){0};
        ck_assert_int_eq(api_embedder_embed(embedder, &wait, &poison, 1, vectors, &e), ERR_INVALID);
    }
    ck_assert_ptr_nonnull(strstr(e.message, "refused the text (400)"));
    ck_assert_int_eq(endpoint.n_requests, 10);
    ck_assert_int_eq(embed(2), OK);
}
END_TEST

START_TEST(a_pause_that_is_asked_for_is_kept)
{
    atomic_store(&endpoint.retry_after_s, 1);
    endpoint_set(&endpoint, ENDPOINT_BUSY, 1);
    const int64_t start_ns = clock_mono_ns();
    ck_assert_msg(embed(1) == OK, "%s", e.message);
    ck_assert_int_ge(clock_mono_ns() - start_ns, NS_PER_S);
    atomic_store(&endpoint.retry_after_s, 600);
    endpoint_set(&endpoint, ENDPOINT_BUSY, 1);
    ck_assert_int_eq(embed(2), ERR_UNAVAILABLE); /* that long nobody waits */
    ck_assert_ptr_nonnull(strstr(e.message, "429"));
    ck_assert_int_ge(api_embedder_retry_ns(embedder), clock_mono_ns() + 500 * NS_PER_S);
    ck_assert_int_eq(embed(2), ERR_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(e.message, "not asked for now"));
    ck_assert_int_eq(embed(1), OK); /* from memory */
    ck_assert_int_eq(endpoint.n_requests, 3);
}
END_TEST

START_TEST(what_is_down_is_left_alone_then_tried_once)
{
    endpoint_stop(&endpoint);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(embed(1), ERR_UNAVAILABLE);
    const int64_t retry_ns = api_embedder_retry_ns(embedder);
    ck_assert_int_gt(retry_ns, clock_mono_ns());
    const uint64_t n = n_of("outcome=\"connection\"");
    const int64_t start_ns = clock_mono_ns();
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(embed(1), ERR_UNAVAILABLE);
    ck_assert_int_lt(clock_mono_ns() - start_ns, NS_PER_S);
    ck_assert_uint_eq(n_of("outcome=\"connection\""), n);
    endpoint_start(&endpoint, endpoint.port);
    const struct db_wait wait = database_wait(WAIT_MS);
    ck_assert_int_eq(api_http_pause(&wait, retry_ns, NULL), OK);
    ck_assert_msg(embed(1) == OK, "%s", e.message);
    ck_assert_int_eq(api_embedder_retry_ns(embedder), 0);
}
END_TEST

START_TEST(the_callers_deadline_holds)
{
    struct api_embedder_spec s = spec();
    s.timeout_ns = 60 * NS_PER_S;
    make(&s);
    endpoint_set(&endpoint, ENDPOINT_HANG, -1);
    const struct db_wait wait = database_wait(200);
    const int64_t start_ns = clock_mono_ns();
    ck_assert_int_eq(api_embedder_embed(embedder, &wait, texts, 1, vectors, &e), ERR_UNAVAILABLE);
    ck_assert_int_lt(clock_mono_ns() - start_ns, 5 * NS_PER_S);
    for (int i = 0; i < BREAKER_FAILURES_MAX; i++) { /* haste tells nothing of the endpoint */
        const struct db_wait short_wait = database_wait(10);
        ck_assert_int_ne(api_embedder_embed(embedder, &short_wait, texts, 1, vectors, NULL), OK);
    }
    ck_assert_int_eq(api_embedder_retry_ns(embedder), 0);
}
END_TEST

static atomic_bool is_cancelled;
static int wake_fd;

static void *cancel_soon(void *arg)
{
    (void)poll(NULL, 0, *(const int *)arg);
    atomic_store(&is_cancelled, true);
    service_wake(wake_fd);
    return NULL;
}

static const enum endpoint_mode held_up[] = {ENDPOINT_HANG, ENDPOINT_BUSY};

START_TEST(a_cancelled_caller_waits_no_longer)
{
    struct api_embedder_spec s = spec();
    s.timeout_ns = 60 * NS_PER_S;
    make(&s);
    atomic_store(&endpoint.retry_after_s, 15);
    endpoint_set(&endpoint, held_up[_i], -1);
    wake_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK); /* a wake of somebody before */
    const struct db_wait wait = {clock_mono_ns() + WAIT_MS * NS_PER_MS, &is_cancelled, wake_fd};
    int ms = 200;
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, &ms), 0);
    const int64_t start_ns = clock_mono_ns();
    ck_assert_int_eq(api_embedder_embed(embedder, &wait, texts, 1, vectors, &e), ERR_CANCELLED);
    ck_assert_int_lt(clock_mono_ns() - start_ns, 5 * NS_PER_S);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    (void)close(wake_fd);
    atomic_store(&is_cancelled, false);
}
END_TEST

static void *embed_one(void *arg)
{
    const size_t i = *(const size_t *)arg;
    const struct db_wait wait = database_wait(WAIT_MS);
    ck_assert_int_eq(api_embedder_embed(embedder, &wait, &texts[i], 1, &vectors[i], NULL), OK);
    return NULL;
}

static void await(atomic_int *n, int wanted)
{
    const int64_t until_ns = clock_mono_ns() + WAIT_MS * NS_PER_MS;
    while (atomic_load(n) != wanted) {
        ck_assert_msg(clock_mono_ns() < until_ns, "%d, not %d", atomic_load(n), wanted);
        (void)poll(NULL, 0, 5);
    }
}

START_TEST(so_many_connections_are_kept)
{
    struct api_embedder_spec s = spec();
    pthread_t threads[N_TEXTS];
    size_t numbers[N_TEXTS];
    s.timeout_ns = WAIT_MS * NS_PER_MS;
    make(&s);
    endpoint_set(&endpoint, ENDPOINT_HOLD, -1);
    for (size_t i = 0; i < N_TEXTS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, embed_one, &numbers[i]), 0);
    }
    await(&endpoint.n_requests, N_TEXTS);
    ck_assert_int_eq(endpoint.n_open, N_TEXTS);
    endpoint_set(&endpoint, ENDPOINT_ANSWER, -1);
    for (size_t i = 0; i < N_TEXTS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    expect_vectors(N_TEXTS);
    await(&endpoint.n_open, KEPT_MAX);
}
END_TEST

static const struct { struct str url, model, key; const char *words; } refused[] = {
    {STR("somewhere"), STR("m"), STR(""), "http://localhost:11434/v1"},
    {STR("http://a"), STR(""), STR(""), "model"},
    {STR("http://a"), STR("given"), STR(""), "'given'"},
    {STR("http://a"), STR("hash-v9"), STR(""), "'hash-v9'"},
    {STR("http://a"), STR("a\nb"), STR(""), "model"},
    {STR("http://a"), STR("m"), STR("a\r\nX: y"), "one line"},
};

START_TEST(refuses_what_cannot_be)
{
    struct api_embedder_spec s = spec();
    s.url = refused[_i].url;
    s.model = refused[_i].model;
    s.key = refused[_i].key;
    struct api_embedder *none = NULL;
    ck_assert_int_eq(api_embedder_new(&s, &none, &e), ERR_INVALID);
    ck_assert_msg(strstr(e.message, refused[_i].words) != NULL, "%s", e.message);
    ck_assert_msg(strstr(e.message, "X: y") == NULL, "%s", e.message);
}
END_TEST

static TCase *tcase_embedder(void)
{
    TCase *tcase = tcase_create("embedder");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, asks_in_batches_and_remembers);
    tcase_add_test(tcase, remembers_so_many);
    tcase_add_test(tcase, places_vectors_by_index);
    tcase_add_loop_test(tcase, what_passes_is_tried_again, 0, ARRAY_LEN(passing));
    tcase_add_loop_test(tcase, attempts_have_an_end, 0, ARRAY_LEN(passing));
    tcase_add_loop_test(tcase, what_stays_wrong_is_not_tried_again, 0, ARRAY_LEN(wrong));
    tcase_add_loop_test(tcase, a_link_local_address_is_not_connected_to, 0, ARRAY_LEN(link_local));
    tcase_add_test(tcase, a_refused_text_is_the_callers);
    tcase_add_test(tcase, a_pause_that_is_asked_for_is_kept);
    tcase_add_test(tcase, what_is_down_is_left_alone_then_tried_once);
    tcase_add_test(tcase, the_callers_deadline_holds);
    tcase_add_loop_test(tcase, a_cancelled_caller_waits_no_longer, 0, ARRAY_LEN(held_up));
    tcase_add_test(tcase, so_many_connections_are_kept);
    tcase_add_loop_test(tcase, refuses_what_cannot_be, 0, ARRAY_LEN(refused));
    return tcase;
}

DATABASE_MAIN("embedder", tcase_embedder)
