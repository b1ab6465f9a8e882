/* API keys over HTTP: each route with each scope, keys that change under way, and that nobody sees one. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/endpoint/routes.h"
#include "tests/integration/support/database.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/keys_file.h"
#include "tests/integration/support/server.h"

#define READER "tk_reader-7d1f5a0c9b3e"
#define WRITER "tk_writer-2c8e6f4a1d0b"
#define ADMIN "tk_admin-9e3b7a5c1f2d"
#define UNKNOWN "tk_unknown-0a1b2c3d4e5f"

enum { TEXT_MAX = 4096, RELOAD_MS = 30000, N_RELOADS = 25, N_ASKING = 2 };

static struct server s;
static struct keys_file keys;

static void start(const char *setting, const char *setting_too)
{
    keys_file_open(&keys);
    keys_file_add(&keys, READER, "reader", "read", "");
    keys_file_add(&keys, WRITER, "writer", "ingest", "");
    keys_file_add(&keys, ADMIN, "root.1", "admin", "");
    keys_file_write(&keys);
    const char *const settings[] = {keys.setting, setting, setting_too, NULL};
    server_start(&s, database_url(), settings);
}

static void stop(void)
{
    ck_assert_int_eq(server_stop(&s), 0);
    keys_file_close(&keys);
}

/* --- each route */

/* What each route needs. It is here once more, so that a new route, or another scope, is a decision that somebody made twice. */
static const struct {
    const char *name;
    enum api_scope scope;
} wanted[] = {
    {"export_traces", API_SCOPE_INGEST}, {"export_logs", API_SCOPE_INGEST}, {"export_metrics", API_SCOPE_INGEST},
    {"list_services", API_SCOPE_READ}, {"list_operations", API_SCOPE_READ}, {"list_traces", API_SCOPE_READ},
    {"store_traces", API_SCOPE_INGEST}, {"search_similar_traces", API_SCOPE_READ}, {"get_trace", API_SCOPE_READ},
    {"get_trace_context", API_SCOPE_READ}, {"find_similar_traces", API_SCOPE_READ}, {"list_patterns", API_SCOPE_READ},
    {"get_pattern", API_SCOPE_READ}, {"get_traces_by_error", API_SCOPE_READ}, {"search_logs", API_SCOPE_READ},
    {"list_metric_names", API_SCOPE_READ}, {"query_metrics", API_SCOPE_READ}, {"get_stats", API_SCOPE_READ},
    {"explain", API_SCOPE_ADMIN}, {"get_health", API_SCOPE_NONE}, {"get_readiness", API_SCOPE_NONE}, {"get_metrics", API_SCOPE_READ},
    {"get_contract", API_SCOPE_READ},
};

static const struct {
    const char *header; /* NULL: none */
    unsigned scopes;
    bool is_known;
} callers[] = {
    {NULL, 0, false},
    {"Authorization: Bearer " UNKNOWN, 0, false},
    {"Authorization: Bearer", 0, false},
    {"Authorization: Basic " READER, 0, false},
    {"X-API-Key: " UNKNOWN, 0, false},
    {"Authorization: Bearer " READER, API_SCOPE_READ, true},
    {"X-API-Key: " READER, API_SCOPE_READ, true},
    {"Authorization: bearer " WRITER, API_SCOPE_INGEST, true},
    {"x-api-key: " WRITER, API_SCOPE_INGEST, true},
    {"Authorization: Bearer " ADMIN, API_SCOPE_ADMIN, true},
};

static enum api_scope scope_wanted(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        if (strcmp(wanted[i].name, name) == 0)
            return wanted[i].scope;
    ck_abort_msg("which scope does the route %s need? say so in `wanted`", name);
}

static void assert_refused(const struct http_reply *reply, const struct api_route *route, size_t caller, int status)
{
    const bool is_otlp = route->dialect == API_DIALECT_OTLP, has_body = reply->body_len > 0;
    ck_assert(http_has_header(reply, is_otlp ? "Content-Type: application/json" : "Content-Type: application/problem+json"));
    ck_assert(strcasestr(reply->head, "WWW-Authenticate: Bearer realm=\"tracekin\"") != NULL);
    ck_assert(!has_body || strstr(reply->body, api_scope_name(route->scope)) != NULL);
    ck_assert_msg(!has_body || strstr(reply->body, is_otlp ? (status == 401 ? "\"code\":16" : "\"code\":7")
                                                           : (status == 401 ? "\"status\":401" : "\"status\":403")) != NULL,
                  "%s, %zu: %s", route->name, caller, reply->body);
}

static void assert_route(const struct api_route *route, const char *method, size_t caller)
{
    char target[HTTP_TARGET_MAX];
    struct http_reply reply;
    const bool is_post = strcmp(method, "POST") == 0;
    const struct http_request request = {.method = method, .target = target, .headers = {"Content-Type: application/json", callers[caller].header},
                                         .body = is_post ? "{}" : NULL, .body_len = is_post ? 2 : 0};
    http_fill_target(route->path, target);
    http_send(&s, &request, &reply);
    const bool may = route->scope == API_SCOPE_NONE || (callers[caller].scopes & (unsigned)route->scope) != 0;
    const int refusal = callers[caller].is_known ? 403 : 401;
    if (may)
        ck_assert_msg(reply.status != 0 && reply.status != 401 && reply.status != 403 && reply.status != 429, "%s %s, %zu: %d %s", method,
                      target, caller, reply.status, reply.body);
    else
        ck_assert_msg(reply.status == refusal, "%s %s, %zu: %d %s", method, target, caller, reply.status, reply.body);
    if (!may)
        assert_refused(&reply, route, caller, refusal);
    http_reply_close(&reply);
}

START_TEST(each_route_with_each_scope)
{
    start(NULL, NULL);
    ck_assert_uint_eq(ARRAY_LEN(wanted), api_n_routes);
    for (size_t i = 0; i < api_n_routes; i++) {
        ck_assert_msg(scope_wanted(api_routes[i].name) == api_routes[i].scope, "%s", api_routes[i].name);
        for (size_t caller = 0; caller < ARRAY_LEN(callers); caller++) {
            assert_route(&api_routes[i], api_routes[i].method, caller);
            if (strcmp(api_routes[i].method, "GET") == 0)
                assert_route(&api_routes[i], "HEAD", caller);
        }
    }
    stop();
}
END_TEST

/* --- the headers */

static int status_of(const char *target, const char *header, const char *header_too)
{
    struct http_reply reply;
    const struct http_request request = {.target = target, .headers = {header, header_too}};
    http_send(&s, &request, &reply);
    const int status = reply.status;
    http_reply_close(&reply);
    return status;
}

START_TEST(one_key_by_two_headers)
{
    start(NULL, NULL);
    static const char target[] = "/api/v1/services";
    ck_assert_int_eq(status_of(target, "Authorization: Bearer " READER, "X-API-Key: " READER), 200);
    ck_assert_int_eq(status_of(target, "Authorization: Basic dXNlcjpwYXNz", "X-API-Key: " READER), 200);
    ck_assert_int_eq(status_of(target, "Authorization: Bearer " READER, "X-API-Key: " WRITER), 401);
    ck_assert_int_eq(status_of(target, "Authorization: Bearer " UNKNOWN, "X-API-Key: " READER), 401);
    ck_assert_int_eq(status_of(target, "X-API-Key: " READER, "X-API-Key: " READER), 400);
    ck_assert_int_eq(status_of(target, "Authorization: Bearer " READER, "Authorization: Bearer " READER), 400);
    /* What is asked for is not there, or not by this method: that needs no key. */
    ck_assert_int_eq(status_of("/nowhere", NULL, NULL), 404);
    ck_assert_int_eq(status_of("/v1/traces", NULL, NULL), 405);
    stop();
}
END_TEST

/* The upload is spared: who waits for a go-ahead is told no, and gets no "100 Continue". */
START_TEST(before_the_body)
{
    start(NULL, NULL);
    struct http_reply reply;
    const int fd = http_connect(&s);
    http_write(fd, "POST /v1/traces HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n"
                   "Expect: 100-continue\r\nX-API-Key: " READER "\r\n\r\n");
    ck_assert(http_read(fd, HTTP_TIMEOUT_MS, false, &reply));
    ck_assert_int_eq(reply.status, 403);
    ck_assert(http_is_closed(fd, HTTP_TIMEOUT_MS));
    http_reply_close(&reply);
    (void)close(fd);
    stop();
}
END_TEST

/* A refusal leaves a connection as it was, so that an agent with an old key does not connect anew each time. */
START_TEST(refusals_keep_the_connection)
{
    start(NULL, NULL);
    const int fd = http_connect(&s);
    for (int i = 0; i < 6; i++) {
        struct http_reply reply;
        http_write(fd, i % 2 == 0 ? "POST /v1/logs HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
                                  : "GET /api/v1/services HTTP/1.1\r\nHost: t\r\nX-API-Key: " READER "\r\n\r\n");
        ck_assert(http_read(fd, HTTP_TIMEOUT_MS, false, &reply));
        ck_assert_int_eq(reply.status, i % 2 == 0 ? 401 : 200);
        http_reply_close(&reply);
    }
    (void)close(fd);
    stop();
}
END_TEST

START_TEST(without_keys)
{
    static const char *const settings[] = {"TRACEKIN_LOG_LEVEL=debug", NULL};
    struct http_reply reply;
    server_start(&s, database_url(), settings);
    ck_assert_int_eq(status_of("/api/v1/services", NULL, NULL), 200);
    ck_assert_int_eq(status_of("/api/v1/services", "Authorization: Bearer " UNKNOWN, NULL), 200);
    ck_assert_int_eq(status_of("/metrics", NULL, NULL), 200);
    http_post_json(&s, "/v1/traces", "{}", &reply);
    ck_assert_int_eq(reply.status, 200);
    http_reply_close(&reply);
    http_get(&s, "/api/v1/admin/explain?target=/api/v1/services", &reply);
    ck_assert_int_eq(reply.status, 403);
    ck_assert_ptr_nonnull(strstr(reply.body, "TRACEKIN_API_KEYS_FILE"));
    http_reply_close(&reply);
    /* There is nothing to read again, and that ends nothing. */
    server_signal(&s, SIGHUP);
    server_await_log(&s, "\"event\":\"api_keys_read\",\"keys\":0", RELOAD_MS);
    ck_assert_int_eq(status_of("/api/v1/services", NULL, NULL), 200);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* --- changing them */

static int n_reloads(const char **last)
{
    int n = 0;
    for (const char *at = server_log(&s); (at = strstr(at, "\"event\":\"api_keys_")) != NULL; at++, n++)
        *last = at;
    return n;
}

/* Has the file read again, and what came of it logged as it should be. */
static void reload(const char *logged)
{
    const char *last = NULL;
    const int n_before = n_reloads(&last);
    server_signal(&s, SIGHUP);
    for (int i = 0; i < RELOAD_MS && n_reloads(&last) == n_before; i++)
        (void)usleep(1000);
    ck_assert_ptr_nonnull(last);
    ck_assert_msg(strstr(last, logged) != NULL, "'%s' is not in '%s'", logged, last);
}

START_TEST(read_again)
{
    start(NULL, NULL);
    static const char target[] = "/api/v1/services";
    ck_assert_int_eq(status_of(target, "X-API-Key: " UNKNOWN, NULL), 401);
    keys_file_add(&keys, READER, "reader", "read", "");
    keys_file_add(&keys, UNKNOWN, "new", "read", "");
    keys_file_write(&keys);
    ck_assert_int_eq(status_of(target, "X-API-Key: " UNKNOWN, NULL), 401);
    reload("\"event\":\"api_keys_read\",\"keys\":2");
    ck_assert_int_eq(status_of(target, "X-API-Key: " UNKNOWN, NULL), 200);
    ck_assert_int_eq(status_of("/api/v1/admin/explain", "X-API-Key: " ADMIN, NULL), 401);
    keys_file_add(&keys, UNKNOWN, "new", "ingest", "");
    keys_file_write(&keys);
    reload("\"event\":\"api_keys_read\",\"keys\":1");
    ck_assert_int_eq(status_of(target, "X-API-Key: " UNKNOWN, NULL), 403);
    ck_assert_int_eq(status_of(target, "X-API-Key: " READER, NULL), 401);
    stop();
}
END_TEST

START_TEST(a_bad_file_changes_nothing)
{
    static const struct { struct str text; const char *logged; } bad[] = {
        {STR("# a key\nreader " READER " read\n"), "line 2: after the name comes the SHA-256"},
        {STR(""), "there is no key in it"},
        {STR("\0\0\0\0"), "line 1: there is a NUL byte"},
    };
    start(NULL, NULL);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        keys_file_write_text(&keys, bad[i].text);
        reload(bad[i].logged);
        ck_assert_int_eq(status_of("/api/v1/services", "X-API-Key: " READER, NULL), 200);
        ck_assert_int_eq(status_of("/api/v1/services", "X-API-Key: " WRITER, NULL), 403);
        ck_assert_int_eq(status_of("/api/v1/services", "X-API-Key: " UNKNOWN, NULL), 401);
        ck_assert_ptr_nonnull(strstr(server_log(&s), "\"level\":\"error\",\"event\":\"api_keys_kept\""));
    }
    ck_assert_ptr_null(strstr(server_log(&s), READER));
    stop();
}
END_TEST

static atomic_bool is_over;
static atomic_int n_wrong, n_asked;

static void *ask_until_over(void *arg)
{
    (void)arg;
    const int fd = http_connect(&s);
    while (!atomic_load(&is_over)) {
        struct http_reply reply;
        http_write(fd, "GET /metrics HTTP/1.1\r\nHost: t\r\nX-API-Key: " READER "\r\n\r\n");
        const bool is_whole = http_read(fd, HTTP_TIMEOUT_MS, false, &reply);
        atomic_fetch_add(&n_wrong, !is_whole || reply.status != 200);
        atomic_fetch_add(&n_asked, 1);
        http_reply_close(&reply);
    }
    (void)close(fd);
    return NULL;
}

/* The reader is in every version of the file, last or first, among few or many. */
static void write_version(int i)
{
    if (i % 2 == 0)
        keys_file_add(&keys, READER, "reader", "read", "");
    for (int n = 0; n < i % 7; n++) {
        char key[TEXT_MAX];
        (void)snprintf(key, sizeof key, "other %d of %d", n, i);
        char name[64];
        (void)snprintf(name, sizeof name, "other%d", n);
        keys_file_add(&keys, key, name, "ingest", "");
    }
    if (i % 2 != 0)
        keys_file_add(&keys, READER, "reader", "read", "");
    keys_file_write(&keys);
}

START_TEST(read_again_while_asked)
{
    pthread_t asking[N_ASKING];
    start(NULL, NULL);
    for (size_t i = 0; i < N_ASKING; i++)
        ck_assert_int_eq(pthread_create(&asking[i], NULL, ask_until_over, NULL), 0);
    for (int i = 0; i < N_RELOADS; i++) {
        char logged[128];
        write_version(i);
        (void)snprintf(logged, sizeof logged, "api_keys_read\",\"keys\":%d}", 1 + i % 7);
        reload(logged);
        const int before = atomic_load(&n_asked);
        while (atomic_load(&n_asked) < before + N_ASKING && atomic_load(&n_wrong) == 0)
            ;
    }
    atomic_store(&is_over, true);
    for (size_t i = 0; i < N_ASKING; i++)
        ck_assert_int_eq(pthread_join(asking[i], NULL), 0);
    ck_assert_int_eq(atomic_load(&n_wrong), 0);
    ck_assert_int_gt(atomic_load(&n_asked), N_RELOADS);
    stop();
}
END_TEST

/* --- what is seen of them */

static void read_of_process(const char *file, char out[TEXT_MAX * 4])
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)s.pid, file);
    FILE *const f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    const size_t n = fread(out, 1, TEXT_MAX * 4 - 1, f);
    (void)fclose(f);
    for (size_t i = 0; i < n; i++)
        out[i] = out[i] == '\0' ? ' ' : out[i];
    out[n] = '\0';
}

static void assert_secret(const char *where, const char *text)
{
    static const char *const secrets[] = {READER, WRITER, ADMIN, UNKNOWN};
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        ck_assert_msg(strstr(text, secrets[i]) == NULL, "%s has %s: %s", where, secrets[i], text);
}

/* Every caller at some routes, right and wrong, logged as much as can be, slow questions with the rest. */
START_TEST(nobody_sees_one)
{
    static const char *const targets[] = {"/api/v1/services", "/api/v1/logs?regex=(&since=1h", "/api/v1/traces?no=1", "/v1/traces", "/nowhere",
                                          "/api/v1/admin/explain?target=/api/v1/services", "/healthz"};
    static char text[TEXT_MAX * 4];
    struct http_reply reply;
    start("TRACEKIN_LOG_LEVEL=debug", "TRACEKIN_SLOW_QUERY=1us");
    for (size_t i = 0; i < ARRAY_LEN(targets); i++)
        for (size_t caller = 0; caller < ARRAY_LEN(callers); caller++) {
            const struct http_request request = {.target = targets[i], .headers = {callers[caller].header}};
            http_send(&s, &request, &reply);
            assert_secret(targets[i], reply.head);
            assert_secret(targets[i], reply.body);
            http_reply_close(&reply);
        }
    server_await_log(&s, "\"event\":\"slow_query\"", RELOAD_MS);
    const struct http_request metrics = {.target = "/metrics", .headers = {"X-API-Key: " READER}};
    http_send(&s, &metrics, &reply);
    assert_secret("/metrics", reply.body);
    ck_assert_ptr_nonnull(strstr(reply.body, "tracekin_rejected_total{reason=\"unauthenticated\"} 20\n"));
    ck_assert_ptr_nonnull(strstr(reply.body, "tracekin_rejected_total{reason=\"forbidden\"} "));
    ck_assert_ptr_nonnull(strstr(reply.body, "tracekin_rejected_total{reason=\"rate\"} 0\n"));
    http_reply_close(&reply);
    assert_secret("the log", server_log(&s));
    read_of_process("cmdline", text);
    assert_secret("the command line", text);
    read_of_process("environ", text);
    assert_secret("the environment", text);
    stop();
}
END_TEST

/* The part of the log's line of an event that names a key. */
static bool logs_key(const char *event, const char *name)
{
    char key[64];
    const char *at = server_log(&s);
    (void)snprintf(key, sizeof key, "\"key\":\"%s\"", name);
    while ((at = strstr(at, event)) != NULL) {
        const char *const end = strchr(at, '\n'), *const found = strstr(at, key);
        if (end != NULL && found != NULL && found < end)
            return true;
        at += strlen(event);
    }
    return false;
}

START_TEST(the_log_has_its_name)
{
    start("TRACEKIN_LOG_LEVEL=debug", "TRACEKIN_SLOW_QUERY=1us");
    ck_assert_int_eq(status_of("/api/v1/services", "X-API-Key: " READER, NULL), 200);
    ck_assert_int_eq(status_of("/api/v1/services", "X-API-Key: " WRITER, NULL), 403);
    for (int i = 0; i < 500 && !logs_key("\"event\":\"slow_query\"", "reader"); i++)
        (void)usleep(10000);
    ck_assert(logs_key("\"event\":\"slow_query\"", "reader"));
    ck_assert(logs_key("\"event\":\"request\"", "reader"));
    ck_assert(logs_key("\"event\":\"request\"", "writer"));
    stop();
}
END_TEST

/* --- making them, and starting with them */

START_TEST(a_made_key_opens)
{
    static const char *const arguments[] = {"api-key", "grafana", "read,admin", "rate=1000", NULL};
    char out[TEXT_MAX], header[TEXT_MAX];
    ck_assert_int_eq(server_command(arguments, NULL, out, sizeof out), 0);
    char *const key = strchr(out, '\n');
    ck_assert_ptr_nonnull(key);
    ck_assert_int_eq(strncmp(out, "grafana ", 8), 0);
    ck_assert_int_eq(strncmp(key + 1, "tk_", 3), 0);
    key[strcspn(key + 1, "\n") + 1] = '\0';
    keys_file_open(&keys);
    keys_file_write_text(&keys, (struct str){out, (size_t)(key + 1 - out)});
    const char *const settings[] = {keys.setting, NULL};
    server_start(&s, database_url(), settings);
    (void)snprintf(header, sizeof header, "Authorization: Bearer %s", key + 1);
    ck_assert_int_eq(status_of("/api/v1/services", header, NULL), 200);
    ck_assert_int_eq(status_of("/api/v1/admin/explain?target=/api/v1/services", header, NULL), 200);
    ck_assert_int_eq(status_of("/api/v1/services", NULL, NULL), 401);
    stop();
}
END_TEST

START_TEST(wrong_command_lines)
{
    static const struct { const char *arguments[6]; const char *says; } cases[] = {
        {{"api-key"}, "needs a name and scopes"}, {{"api-key", "a"}, "needs a name and scopes"}, {{"api-key", "a b", "read"}, "name"},
        {{"api-key", "a", "write"}, "read, ingest and admin"}, {{"api-key", "a", "read", "rate=much"}, "rate=N"}};
    char out[TEXT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_int_eq(server_command(cases[i].arguments, NULL, out, sizeof out), 2);
        ck_assert_msg(strstr(out, cases[i].says) != NULL, "%s", out);
        ck_assert_ptr_null(strstr(out, "tk_"));
    }
}
END_TEST

START_TEST(a_bad_file_stops_the_start)
{
    static const char *const arguments[] = {"serve", NULL};
    char out[TEXT_MAX];
    keys_file_open(&keys);
    keys_file_write_text(&keys, STR("\n# keys\nreader " READER " read\n"));
    const char *settings[] = {keys.setting, "TRACEKIN_DATABASE_URL=postgresql://", NULL};
    ck_assert_int_eq(server_command(arguments, settings, out, sizeof out), 2);
    ck_assert_ptr_nonnull(strstr(out, "line 3: "));
    assert_secret("the error", out);
    settings[0] = "TRACEKIN_API_KEYS_FILE=/dev/nowhere";
    ck_assert_int_eq(server_command(arguments, settings, out, sizeof out), 2);
    ck_assert_ptr_nonnull(strstr(out, "TRACEKIN_API_KEYS_FILE is '/dev/nowhere': it cannot be opened"));
    keys_file_close(&keys);
}
END_TEST

START_TEST(beyond_loopback_with_keys_only)
{
    static const char *const arguments[] = {"serve", "--listen=0.0.0.0:0", NULL};
    static const char *const no_keys[] = {"TRACEKIN_DATABASE_URL=postgresql://", NULL};
    char out[TEXT_MAX];
    ck_assert_int_eq(server_command(arguments, no_keys, out, sizeof out), 2);
    ck_assert_ptr_nonnull(strstr(out, "TRACEKIN_API_KEYS_FILE"));
    start("TRACEKIN_LISTEN=0.0.0.0:0", NULL);
    ck_assert_int_eq(status_of("/api/v1/services", NULL, NULL), 401);
    ck_assert_int_eq(status_of("/api/v1/services", "X-API-Key: " READER, NULL), 200);
    stop();
}
END_TEST

static TCase *tcase_keys(void)
{
    TCase *t = tcase_create("keys");
    tcase_set_timeout(t, 240);
    tcase_add_test(t, each_route_with_each_scope);
    tcase_add_test(t, one_key_by_two_headers);
    tcase_add_test(t, before_the_body);
    tcase_add_test(t, refusals_keep_the_connection);
    tcase_add_test(t, without_keys);
    tcase_add_test(t, read_again);
    tcase_add_test(t, a_bad_file_changes_nothing);
    tcase_add_test(t, read_again_while_asked);
    tcase_add_test(t, nobody_sees_one);
    tcase_add_test(t, the_log_has_its_name);
    tcase_add_test(t, a_made_key_opens);
    tcase_add_test(t, wrong_command_lines);
    tcase_add_test(t, a_bad_file_stops_the_start);
    tcase_add_test(t, beyond_loopback_with_keys_only);
    return t;
}

DATABASE_MAIN("keys", tcase_keys)
