/* What browsers are told: which pages may ask, and what to do with any reply. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/endpoint/routes.h"
#include "tests/integration/support/database.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/keys_file.h"
#include "tests/integration/support/server.h"

#define PAGE "https://grafana.example"
#define ORIGIN "Origin: " PAGE
#define ALLOWED "Access-Control-Allow-Origin: " PAGE

#define NO_TYPE "Content-Type:" /* as libcurl is told to send none */

enum { TEXT_MAX = 1024 };

static struct server s;

static void ask(const char *method, const char *target, const char *origin, const char *header, struct http_reply *reply)
{
    const struct http_request request = {.method = method, .target = target, .headers = {origin == NULL ? header : origin, origin == NULL ? NULL : header}};
    http_send(&s, &request, reply);
}

static bool has(const struct http_reply *reply, const char *text)
{
    return strcasestr(reply->head, text) != NULL;
}

/* Before a page asks for what needs a key, its browser asks whether it may, without one. */
static void assert_preflight(const struct api_route *route, bool is_listed)
{
    char target[HTTP_TARGET_MAX], asks[TEXT_MAX];
    struct http_reply reply;
    http_fill_target(route->path, target);
    (void)snprintf(asks, sizeof asks, "Access-Control-Request-Method: %s", route->method);
    ask("OPTIONS", target, is_listed ? ORIGIN : "Origin: https://evil.example", asks, &reply);
    ck_assert_msg(reply.status == 204, "%s: %d", target, reply.status);
    ck_assert(http_has_header(&reply, "Vary: Origin"));
    ck_assert(has(&reply, "\r\nAllow: "));
    ck_assert_int_eq(http_has_header(&reply, ALLOWED), is_listed);
    ck_assert_int_eq(has(&reply, "Access-Control-"), is_listed);
    const char *const methods = strcasestr(reply.head, "Access-Control-Allow-Methods: ");
    ck_assert_int_eq(methods != NULL && strstr(methods, route->method) != NULL, is_listed);
    ck_assert_int_eq(has(&reply, "Access-Control-Allow-Headers: Authorization, Content-Encoding, Content-Type, X-API-Key"), is_listed);
    ck_assert(!has(&reply, "Credentials"));
    http_reply_close(&reply);
}

START_TEST(preflights_of_each_route)
{
    struct keys_file keys;
    keys_file_open(&keys);
    keys_file_add(&keys, "reader", "reader", "read", "");
    keys_file_write(&keys);
    const char *const settings[] = {keys.setting, "TRACEKIN_CORS_ORIGINS=http://localhost:3000," PAGE, NULL};
    server_start(&s, database_url(), settings);
    for (size_t i = 0; i < api_n_routes; i++) {
        assert_preflight(&api_routes[i], true);
        assert_preflight(&api_routes[i], false);
    }
    ck_assert_int_eq(server_stop(&s), 0);
    keys_file_close(&keys);
}
END_TEST

/* Each kind of reply, so that a page sees what went wrong; what is answered is the same for every origin, and for none. */
static const struct {
    const char *method, *target, *header;
    int status;
} kinds[] = {
    {"GET", "/healthz", NULL, 200},
    {"GET", "/openapi.yaml", "X-API-Key: reader", 200},
    {"GET", "/metrics", "X-API-Key: reader", 200},
    {"HEAD", "/api/v1/services", "X-API-Key: reader", 200},
    {"GET", "/api/v1/services", "X-API-Key: reader", 200},
    {"GET", "/api/v1/services?no=1", "X-API-Key: reader", 400},
    {"GET", "/api/v1/services", NULL, 401},
    {"GET", "/api/v1/admin/explain", "X-API-Key: reader", 403},
    {"GET", "/nowhere", NULL, 404},
    {"OPTIONS", "/nowhere", NULL, 404},
    {"DELETE", "/api/v1/services", NULL, 405},
    {"POST", "/v1/traces", NULL, 401},
    {"GET", "/v1/traces", NULL, 405},
    {"OPTIONS", "/v1/traces", NULL, 204},
};

START_TEST(replies)
{
    static const struct { const char *origin; bool is_listed; } origins[] = {{NULL, false}, {ORIGIN, true}, {"Origin: null", false},
                                                                             {"Origin: http://grafana.example", false}};
    struct keys_file keys;
    keys_file_open(&keys);
    keys_file_add(&keys, "reader", "reader", "read", "");
    keys_file_write(&keys);
    const char *const settings[] = {keys.setting, "TRACEKIN_CORS_ORIGINS=" PAGE, NULL};
    server_start(&s, database_url(), settings);
    for (size_t i = 0; i < ARRAY_LEN(kinds) * ARRAY_LEN(origins); i++) {
        const size_t kind = i / ARRAY_LEN(origins), o = i % ARRAY_LEN(origins);
        struct http_reply reply;
        ask(kinds[kind].method, kinds[kind].target, origins[o].origin, kinds[kind].header, &reply);
        ck_assert_msg(reply.status == kinds[kind].status, "%s %s: %d", kinds[kind].method, kinds[kind].target, reply.status);
        ck_assert(http_has_header(&reply, "Vary: Origin"));
        ck_assert_int_eq(has(&reply, "Access-Control-"), origins[o].is_listed);
        ck_assert_int_eq(http_has_header(&reply, ALLOWED), origins[o].is_listed);
        ck_assert(http_has_header(&reply, "X-Content-Type-Options: nosniff"));
        ck_assert(http_has_header(&reply, "Cache-Control: no-store"));
        ck_assert(http_has_header(&reply, "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'"));
        ck_assert(http_has_header(&reply, "Referrer-Policy: no-referrer"));
        ck_assert(!has(&reply, "Strict-Transport-Security"));
        http_reply_close(&reply);
    }
    ck_assert_int_eq(server_stop(&s), 0);
    keys_file_close(&keys);
}
END_TEST

/* What a browser sends for a page without a preflight: a body of one of three types, or of none. */
START_TEST(what_is_sent_unasked)
{
    static const struct { const char *type; bool is_asked_for; } types[] = {
        {NO_TYPE, false}, {"Content-Type: text/plain", false}, {"Content-Type: application/x-www-form-urlencoded", false},
        {"Content-Type: multipart/form-data; boundary=a", false}, {"Content-Type: application/json", true}};
    static const char *const origins[] = {"Origin: https://evil.example", "Origin: null", NULL};
    static const struct { const char *target, *body; } posts[] = {
        {"/v1/traces", "{}"}, {"/v1/logs", "{}"}, {"/v1/metrics", "{}"}, {"/api/v1/traces/similar", "{\"text\":\"a\"}"},
        {"/api/v1/traces",
         "{\"traces\":[{\"trace_id\":\"a1\",\"name\":\"a\",\"start_time\":\"2023-01-29T00:00:00Z\",\"duration_ms\":1}]}"}};
    server_start(&s, database_url(), NULL);
    for (size_t i = 0; i < ARRAY_LEN(types) * ARRAY_LEN(origins) * ARRAY_LEN(posts); i++) {
        const size_t post = i % ARRAY_LEN(posts), way = i / ARRAY_LEN(posts);
        const size_t type = way % ARRAY_LEN(types), o = way / ARRAY_LEN(types);
        const bool is_taken = types[type].is_asked_for || (type == 0 && origins[o] == NULL && posts[post].target[1] == 'a');
        const struct http_request request = {.method = "POST", .target = posts[post].target, .headers = {types[type].type, origins[o]},
                                             .body = posts[post].body, .body_len = strlen(posts[post].body)};
        struct http_reply reply;
        http_send(&s, &request, &reply);
        ck_assert_msg(reply.status == (is_taken ? 200 : 415), "%s, %s: %d", posts[post].target, types[type].type, reply.status);
        http_reply_close(&reply);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(every_page)
{
    static const char *const settings[] = {"TRACEKIN_CORS_ORIGINS=*", NULL};
    struct http_reply reply;
    server_start(&s, database_url(), settings);
    ask("GET", "/api/v1/services", ORIGIN, NULL, &reply);
    ck_assert(http_has_header(&reply, "Access-Control-Allow-Origin: *"));
    ck_assert(!has(&reply, "Vary"));
    http_reply_close(&reply);
    ask("GET", "/api/v1/services", NULL, NULL, &reply);
    ck_assert(!has(&reply, "Access-Control-"));
    http_reply_close(&reply);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(no_page)
{
    struct http_reply reply;
    server_start(&s, database_url(), NULL);
    ask("OPTIONS", "/v1/traces", ORIGIN, "Access-Control-Request-Method: POST", &reply);
    ck_assert_int_eq(reply.status, 204);
    ck_assert(http_has_header(&reply, "Allow: POST"));
    ck_assert(!has(&reply, "Access-Control-") && !has(&reply, "Vary"));
    http_reply_close(&reply);
    ask("GET", "/api/v1/services", ORIGIN, NULL, &reply);
    ck_assert_int_eq(reply.status, 200);
    ck_assert(!has(&reply, "Access-Control-") && !has(&reply, "Vary"));
    http_reply_close(&reply);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static TCase *tcase_cors(void)
{
    TCase *t = tcase_create("cors");
    tcase_set_timeout(t, 240);
    tcase_add_test(t, preflights_of_each_route);
    tcase_add_test(t, replies);
    tcase_add_test(t, what_is_sent_unasked);
    tcase_add_test(t, every_page);
    tcase_add_test(t, no_page);
    return t;
}

DATABASE_MAIN("cors", tcase_cors)
