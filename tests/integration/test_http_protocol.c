/* What the service does with requests as such: whole ones, ambiguous ones, ones that are too large or too slow. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/integration/support/database.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/server.h"

static struct server server;

static void start(void)
{
    static const char *const settings[] = {"TRACEKIN_BODY_MAX_BYTES=64KiB", "TRACEKIN_HEADER_TIMEOUT=500ms",
                                           "TRACEKIN_TRANSFER_TIMEOUT=1s", "TRACEKIN_IDLE_TIMEOUT=3s", NULL};
    server_start(&server, database_url(), settings);
}

static void stop(void)
{
    ck_assert_int_eq(server_stop(&server), 0);
}

START_TEST(test_connections_are_kept)
{
    const int fd = http_connect(&server);
    for (int i = 0; i < 3; i++) {
        struct http_reply reply;
        http_write(fd, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        ck_assert(http_read(fd, 2000, false, &reply));
        ck_assert_int_eq(reply.status, 200);
        http_reply_close(&reply);
        http_write(fd, "GET /api/v1/services HTTP/1.1\r\nHost: a\r\n\r\n");
        ck_assert(http_read(fd, 2000, false, &reply));
        ck_assert_int_eq(reply.status, 200);
        http_reply_close(&reply);
    }
    ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(test_pipelined_requests_are_answered_in_order)
{
    static const struct { const char *target; int status; } wanted[] = {
        {"/healthz", 200}, {"/api/v1/services", 200}, {"/nothing", 404}, {"/metrics", 200}};
    const int fd = http_connect(&server);
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", wanted[i].target);
        http_write(fd, text);
    }
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        struct http_reply reply;
        ck_assert(http_read(fd, 2000, false, &reply));
        ck_assert_int_eq(reply.status, wanted[i].status);
        http_reply_close(&reply);
    }
    ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(test_targets_may_be_whole_urls)
{
    static const struct { const char *target; int status; } cases[] = {
        {"http://a/healthz", 200}, {"HTTPS://b:1/api/v1/services?limit=1", 200}, {"http://a/nothing", 404}, {"http://a", 404},
        {"http://a?/healthz", 404}, {"ftp://a/healthz", 404}, {"*", 404}};
    const int fd = http_connect(&server);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_reply reply;
        char text[128];
        (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", cases[i].target);
        http_write(fd, text);
        ck_assert(http_read(fd, 2000, false, &reply));
        ck_assert_msg(reply.status == cases[i].status, "%s: %d", cases[i].target, reply.status);
        http_reply_close(&reply);
    }
    ck_assert_int_eq(close(fd), 0);
}
END_TEST

/* Data of a client that has nothing more to say is stored all the same. */
START_TEST(test_a_half_closed_export_is_answered)
{
    struct http_reply reply;
    const int fd = http_connect(&server);
    http_write(fd, "POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    ck_assert(http_read(fd, 5000, false, &reply));
    ck_assert_int_eq(reply.status, 200);
    http_reply_close(&reply);
    ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(test_head_is_get_without_the_body)
{
    static const char *const targets[] = {"/healthz", "/api/v1/services", "/nothing"};
    const int fd = http_connect(&server);
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        struct http_reply get, head;
        char text[128];
        http_get(&server, targets[i], &get);
        (void)snprintf(text, sizeof text, "HEAD %s HTTP/1.1\r\nHost: a\r\n\r\n", targets[i]);
        http_write(fd, text);
        ck_assert(http_read(fd, 2000, true, &head));
        ck_assert_int_eq(head.status, get.status);
        ck_assert_ptr_nonnull(strstr(head.head, "Content-Length: "));
        http_reply_close(&get);
        http_reply_close(&head);
    }
    ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(test_other_methods_learn_what_is_allowed)
{
    static const struct { const char *method, *target, *allow; int status; } cases[] = {
        {"OPTIONS", "/healthz", "Allow: GET, HEAD", 204}, {"DELETE", "/healthz", "Allow: GET, HEAD", 405},
        {"POST", "/api/v1/services", "Allow: GET, HEAD", 405}, {"PUT", "/v1/traces", "Allow: POST", 405},
        {"OPTIONS", "/v1/logs", "Allow: POST", 204}, {"get", "/healthz", "Allow: GET, HEAD", 405}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_reply reply;
        http_send(&server, &(struct http_request){.method = cases[i].method, .target = cases[i].target}, &reply);
        ck_assert_int_eq(reply.status, cases[i].status);
        ck_assert_msg(http_has_header(&reply, cases[i].allow), "%s", reply.head);
        http_reply_close(&reply);
    }
}
END_TEST

START_TEST(test_request_ids)
{
    struct http_reply reply;
    http_send(&server, &(struct http_request){.target = "/nothing", .headers = {"X-Request-Id: of.the-client_7"}}, &reply);
    ck_assert(http_has_header(&reply, "X-Request-Id: of.the-client_7"));
    ck_assert_ptr_nonnull(strstr(reply.body, "\"request_id\":\"of.the-client_7\""));
    http_reply_close(&reply);
    http_send(&server, &(struct http_request){.target = "/healthz", .headers = {"X-Request-Id: not an id"}}, &reply);
    ck_assert_ptr_nonnull(strstr(reply.head, "X-Request-Id: "));
    ck_assert_ptr_null(strstr(reply.head, "not an id"));
    http_reply_close(&reply);
}
END_TEST

/* Whatever is wrong with a request, its path says how that is written. */
START_TEST(test_ambiguous_requests_are_answered_in_the_form_of_their_path)
{
    static const struct { const char *method, *target, *type, *says; } cases[] = {
        {"POST", "/v1/traces", "application/json", "\"field\":\"Content-Type\""},
        {"POST", "/v1/logs", "application/x-protobuf", "Content-Type came 2 times"},
        {"GET", "/v1/metrics", "application/json", "Content-Type came 2 times"},
        {"OPTIONS", "/v1/metrics", "application/json", "Content-Type came 2 times"},
        {"GET", "/healthz", "application/problem+json", "\"parameter\":\"Content-Type\""},
        {"GET", "/nothing", "application/problem+json", "\"parameter\":\"Content-Type\""}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_reply reply;
        char text[256], line[64];
        const char *sent = strcmp(cases[i].type, "application/problem+json") == 0 ? "application/json" : cases[i].type;
        (void)snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Type: %s\r\n\r\n",
                       cases[i].method, cases[i].target, sent, sent);
        (void)snprintf(line, sizeof line, "Content-Type: %s", cases[i].type);
        const int fd = http_connect(&server);
        http_write(fd, text);
        ck_assert(http_read(fd, 2000, false, &reply));
        ck_assert_msg(reply.status == 400, "%s: %d", text, reply.status);
        ck_assert_msg(http_has_header(&reply, line), "%s: %s", text, reply.head);
        ck_assert_msg(memmem(reply.body, reply.body_len, cases[i].says, strlen(cases[i].says)) != NULL, "%s: %s", text, reply.body);
        http_reply_close(&reply);
        ck_assert_int_eq(close(fd), 0);
    }
}
END_TEST

/* What openapi.yaml says of them; past what the connection's memory holds, libmicrohttpd answers in its own words. */
START_TEST(test_heads_too_large)
{
    static const struct { const char *before, *after; int len, status; const char *says; } cases[] = {
        {"GET /", " HTTP/1.1\r\nHost: a\r\n\r\n", 18431, 404, "\"status\":404"},
        {"GET /", " HTTP/1.1\r\nHost: a\r\n\r\n", 18432, 414, "\"parameter\":\"target\""},
        {"GET /", " HTTP/1.1\r\nHost: a\r\n\r\n", 70 << 10, 414, ""},
        {"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Any: ", "\r\n\r\n", 16000, 200, ""},
        {"GET /healthz HTTP/1.1\r\nHost: a\r\nCookie: ", "\r\n\r\n", 16000, 200, ""},
        {"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Any: ", "\r\n\r\n", 17000, 431, "\"parameter\":\"headers\""},
        {"POST /v1/logs HTTP/1.1\r\nHost: a\r\nX-Any: ", "\r\n\r\n", 17000, 431, "\"code\":3"},
        {"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Any: ", "\r\n\r\n", 70 << 10, 431, ""}};
    static char filler[(70 << 10) + 1], text[sizeof filler + 100];
    memset(filler, 'x', sizeof filler - 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_reply reply;
        (void)snprintf(text, sizeof text, "%s%.*s%s", cases[i].before, cases[i].len, filler, cases[i].after);
        const int fd = http_connect(&server);
        http_write(fd, text);
        (void)http_read(fd, 2000, false, &reply);
        ck_assert_msg(reply.status == cases[i].status, "case %zu: %d", i, reply.status);
        ck_assert_msg(strstr(reply.body, cases[i].says) != NULL, "case %zu: %s", i, reply.body);
        http_reply_close(&reply);
        ck_assert_int_eq(close(fd), 0);
    }
}
END_TEST

enum { HEAD_TEXT_MAX = 80 << 10 };

/* The status of a GET with so many fields, each with so many bytes. */
static int status_of_head(size_t n_fields, size_t n_bytes)
{
    static char text[HEAD_TEXT_MAX];
    struct http_reply reply;
    size_t n = (size_t)snprintf(text, sizeof text, "GET /healthz HTTP/1.1\r\nHost: a\r\n");
    for (size_t i = 0; i < n_fields; i++, n += n_bytes) {
        ck_assert_uint_lt(n + n_bytes, sizeof text - 3);
        memset(text + n, 'x', n_bytes);
        memcpy(text + n, "a:", 2);
        memcpy(text + n + n_bytes - 2, "\r\n", 2);
    }
    memcpy(text + n, "\r\n", 2);
    const int fd = http_connect(&server);
    http_write_bytes(fd, text, n + 2);
    (void)http_read(fd, 5000, false, &reply);
    const int status = reply.status;
    http_reply_close(&reply);
    ck_assert_int_eq(close(fd), 0);
    return status;
}

/* However the memory of a connection is filled, an answer comes: libmicrohttpd leaves no room for one. */
START_TEST(test_heads_of_any_size_are_answered)
{
    enum { AROUND = 2 << 10, STEP = 29 };
    for (size_t n = (64 << 10) - AROUND; n < (64 << 10) + AROUND; n += STEP)
        ck_assert_msg(status_of_head(1, n) == 431, "one field of %zu bytes", n);
    for (size_t n = 110; n < 1300; n += 1 + n / 100)
        ck_assert_msg(status_of_head(n, 4) == (n < 128 ? 200 : 431), "%zu fields", n);
}
END_TEST

enum { TOO_LARGE = 100000 };

/* Read to its end, so that the client gets the answer instead of a reset, on a connection that stays. */
START_TEST(test_a_body_too_large)
{
    static char body[TOO_LARGE + 1];
    struct http_reply reply;
    memset(body, 'x', TOO_LARGE);
    http_post_json(&server, "/v1/traces", body, &reply);
    ck_assert_int_eq(reply.status, 413);
    ck_assert_msg(strstr(reply.body, "65536") != NULL, "%s", reply.body);
    ck_assert_ptr_null(strstr(reply.head, "Connection: close"));
    http_reply_close(&reply);
}
END_TEST

START_TEST(test_a_chunked_body_too_large)
{
    static char body[TOO_LARGE + 1];
    struct http_reply reply;
    memset(body, 'x', TOO_LARGE);
    const struct http_request request = {
        .target = "/v1/traces", .headers = {"Content-Type: application/json", "Transfer-Encoding: chunked"},
        .body = body, .body_len = TOO_LARGE};
    http_send(&server, &request, &reply);
    ck_assert_int_eq(reply.status, 413);
    http_reply_close(&reply);
}
END_TEST

START_TEST(test_a_body_too_large_is_refused_before_it_is_sent)
{
    static const char *const requests[] = {
        "POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n",
        "POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000000\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        struct http_reply reply;
        const int fd = http_connect(&server);
        http_write(fd, requests[i]);
        ck_assert(http_read(fd, 400, false, &reply));
        ck_assert_int_eq(reply.status, 413);
        ck_assert(http_is_closed(fd, 2000));
        http_reply_close(&reply);
        ck_assert_int_eq(close(fd), 0);
    }
}
END_TEST

START_TEST(test_a_chunked_body_without_end_is_cut_off)
{
    const int fd = http_connect(&server);
    char chunk[1100] = "400\r\n";
    memset(chunk + 5, 'x', 1024);
    memcpy(chunk + 5 + 1024, "\r\n", 3);
    http_write(fd, "POST /v1/traces HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 400; i++)
        http_write(fd, chunk);
    ck_assert(http_is_closed(fd, 500));
    ck_assert_int_eq(close(fd), 0);
}
END_TEST

/* A byte now and then keeps no connection open: the time is for the whole header, or the whole body. */
START_TEST(test_slow_clients_are_cut_off)
{
    static const struct { const char *head; int ms; } cases[] = {
        {"", 1500}, {"GET /healthz HTTP/1.1\r\nX-Slow: ", 1500},
        {"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", 2500}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const int fd = http_connect(&server);
        http_write(fd, cases[i].head);
        bool is_closed = false;
        for (int ms = 0; ms < cases[i].ms && !is_closed; ms += 100) {
            http_write(fd, i == 0 ? "" : "a");
            is_closed = http_is_closed(fd, 100);
        }
        ck_assert_msg(is_closed, "%s", cases[i].head);
        ck_assert_int_eq(close(fd), 0);
    }
}
END_TEST

/* A request is counted when its connection is done with it, a moment after its client has the reply. */
static void await_metric(const char *line)
{
    enum { TRIES = 100, PAUSE_MS = 50 };
    bool is_there = false;
    for (int i = 0; i < TRIES && !is_there; i++) {
        struct http_reply reply;
        http_get(&server, "/metrics", &reply);
        is_there = strstr(reply.body, line) != NULL;
        http_reply_close(&reply);
        (void)poll(NULL, 0, is_there ? 0 : PAUSE_MS);
    }
    ck_assert_msg(is_there, "no %s", line);
}

START_TEST(test_what_is_counted)
{
    struct http_reply reply;
    http_get(&server, "/nothing/at/all", &reply);
    http_reply_close(&reply);
    http_get(&server, "/api/v1/services?unknown=1", &reply);
    http_reply_close(&reply);
    static const char *const lines[] = {
        "tracekin_http_requests_total{method=\"GET\",route=\"none\",code=\"404\"} 1\n",
        "tracekin_http_requests_total{method=\"GET\",route=\"/api/v1/services\",code=\"400\"} 1\n",
        "tracekin_http_requests_in_flight 1\n", "tracekin_build_info{version=\"" TRACEKIN_VERSION "\"} 1\n",
        "tracekin_queue_depth{lane=\"read\"} 0\n", "tracekin_rejected_total{reason=\"queue_full\"} 0\n"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        await_metric(lines[i]);
}
END_TEST

/* Whatever is asked for, and however, the label sets stay those of the routes. */
START_TEST(test_labels_are_few)
{
    enum { N_NAMES = 300 };
    const int fd = http_connect(&server);
    for (int i = 0; i < N_NAMES; i++) {
        struct http_reply reply;
        char text[160];
        (void)snprintf(text, sizeof text, "M%d /path/%d?name%d=1 HTTP/1.1\r\nHost: host%d\r\nUser-Agent: agent%d\r\n\r\n", i, i, i, i, i);
        http_write(fd, text);
        ck_assert(http_read(fd, 2000, false, &reply));
        ck_assert_int_eq(reply.status, 404);
        http_reply_close(&reply);
    }
    ck_assert_int_eq(close(fd), 0);
    await_metric("tracekin_http_requests_total{method=\"other\",route=\"none\",code=\"404\"} 300\n");
    struct http_reply reply;
    http_get(&server, "/metrics", &reply);
    ck_assert_ptr_null(strstr(reply.body, "path/1"));
    ck_assert_ptr_null(strstr(reply.body, "M1"));
    http_reply_close(&reply);
}
END_TEST

static TCase *tcase_protocol(void)
{
    TCase *tc = tcase_create("protocol");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, test_connections_are_kept);
    tcase_add_test(tc, test_pipelined_requests_are_answered_in_order);
    tcase_add_test(tc, test_targets_may_be_whole_urls);
    tcase_add_test(tc, test_a_half_closed_export_is_answered);
    tcase_add_test(tc, test_head_is_get_without_the_body);
    tcase_add_test(tc, test_other_methods_learn_what_is_allowed);
    tcase_add_test(tc, test_request_ids);
    tcase_add_test(tc, test_ambiguous_requests_are_answered_in_the_form_of_their_path);
    tcase_add_test(tc, test_heads_too_large);
    tcase_add_test(tc, test_heads_of_any_size_are_answered);
    tcase_add_test(tc, test_a_body_too_large);
    tcase_add_test(tc, test_a_chunked_body_too_large);
    tcase_add_test(tc, test_a_body_too_large_is_refused_before_it_is_sent);
    tcase_add_test(tc, test_a_chunked_body_without_end_is_cut_off);
    tcase_add_test(tc, test_slow_clients_are_cut_off);
    tcase_add_test(tc, test_what_is_counted);
    tcase_add_test(tc, test_labels_are_few);
    return tc;
}

DATABASE_MAIN("http_protocol", tcase_protocol)
