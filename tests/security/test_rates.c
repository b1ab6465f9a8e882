/* How often one key and one address may ask, over HTTP. Bursts are large and rates small, so that a slow machine sees the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "tests/integration/support/database.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/keys_file.h"
#include "tests/integration/support/server.h"

#define TARGET "/openapi.yaml?no=1" /* answered at once, with 400, when it may be asked */

enum { BURST = 100, N_ADDRESSES = 16, HEADER_MAX = 128, AGAIN_MS = 60000 };

static struct server s;

static int status_of(const char *target, const char *header, const char *header_too)
{
    struct http_reply reply;
    const struct http_request request = {.target = target, .headers = {header, header_too}};
    http_send(&s, &request, &reply);
    const int status = reply.status;
    http_reply_close(&reply);
    return status;
}

/* Asks until it is refused; returns how often it was not. */
static int asked_until_refused(const char *header, const char *header_too)
{
    const int64_t from_ns = clock_mono_ns();
    int n = 0, status = 0;
    while ((status = status_of(TARGET, header, header_too)) == 400)
        ck_assert_int_le(++n, BURST + 1 + (clock_mono_ns() - from_ns) / NS_PER_S);
    ck_assert_int_eq(status, 429);
    return n;
}

START_TEST(an_address)
{
    static const char *const settings[] = {"TRACEKIN_RATE_PER_ADDRESS=1", "TRACEKIN_BURST_PER_ADDRESS=100", NULL};
    struct http_reply reply;
    server_start(&s, database_url(), settings);
    ck_assert_int_ge(asked_until_refused(NULL, NULL), BURST);
    for (int i = 0; i < 3 * BURST; i++)
        ck_assert_int_eq(status_of(i % 2 == 0 ? "/healthz" : "/readyz", NULL, NULL), 200);
    /* Nobody believes a client that says it is another. */
    ck_assert_int_le(asked_until_refused("X-Forwarded-For: 192.0.2.1", NULL), BURST / 2);
    do
        http_get(&s, TARGET, &reply);
    while (reply.status != 429);
    ck_assert(http_has_header(&reply, "Retry-After: 1"));
    ck_assert(http_has_header(&reply, "Content-Type: application/problem+json"));
    ck_assert_ptr_nonnull(strstr(reply.body, "urn:tracekin:problem:rate"));
    http_reply_close(&reply);
    do
        http_post_json(&s, "/v1/traces", "{}", &reply);
    while (reply.status == 200);
    ck_assert_int_eq(reply.status, 429);
    ck_assert(http_has_header(&reply, "Retry-After: 1"));
    ck_assert_ptr_nonnull(strstr(reply.body, "\"code\":8"));
    http_reply_close(&reply);
    /* After a while it may again. */
    const int64_t until = clock_mono_ns() + AGAIN_MS * NS_PER_MS;
    while (status_of(TARGET, NULL, NULL) != 400)
        ck_assert_int_lt(clock_mono_ns(), until);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(addresses_behind_proxies)
{
    static const char *const settings[] = {"TRACEKIN_RATE_PER_ADDRESS=1", "TRACEKIN_BURST_PER_ADDRESS=100",
                                           "TRACEKIN_TRUSTED_PROXIES=127.0.0.0/8, 10.0.0.0/8", NULL};
    server_start(&s, database_url(), settings);
    ck_assert_int_ge(asked_until_refused("X-Forwarded-For: 192.0.2.1", NULL), BURST);
    /* What it writes itself, its port and a second proxy change nothing. */
    ck_assert_int_le(asked_until_refused("X-Forwarded-For: 198.51.100.7, 192.0.2.1:4711", NULL), BURST / 2);
    ck_assert_int_le(asked_until_refused("X-Forwarded-For: 198.51.100.7, 192.0.2.1", "X-Forwarded-For: 10.0.0.9"), BURST / 2);
    ck_assert_int_ge(asked_until_refused("X-Forwarded-For: 192.0.2.2", NULL), BURST);
    ck_assert_int_ge(asked_until_refused(NULL, NULL), BURST);
    /* A client has 64 bits of IPv6 to itself. */
    ck_assert_int_ge(asked_until_refused("X-Forwarded-For: 2001:db8::1", NULL), BURST);
    ck_assert_int_le(asked_until_refused("X-Forwarded-For: [2001:db8::ffff:2]:80", NULL), BURST / 2);
    ck_assert_int_ge(asked_until_refused("X-Forwarded-For: 2001:db8:0:1::1", NULL), BURST);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static double n_remembered(void)
{
    struct http_reply reply;
    http_send(&s, &(struct http_request){.target = "/metrics", .headers = {"X-Forwarded-For: 203.0.113.255"}}, &reply);
    const char *const line = strstr(reply.body, "\ntracekin_rate_addresses ");
    ck_assert_ptr_nonnull(line);
    const double n = strtod(line + strlen("\ntracekin_rate_addresses "), NULL);
    http_reply_close(&reply);
    return n;
}

/* The table of addresses has a bound; past it the one that asked longest ago is forgotten, and may do all again. */
START_TEST(as_many_as_are_remembered)
{
    static const char *const settings[] = {"TRACEKIN_RATE_PER_ADDRESS=1", "TRACEKIN_BURST_PER_ADDRESS=100",
                                           "TRACEKIN_RATE_ADDRESSES_MAX=16", "TRACEKIN_TRUSTED_PROXIES=127.0.0.1", NULL};
    char header[HEADER_MAX];
    server_start(&s, database_url(), settings);
    ck_assert_int_ge(asked_until_refused("X-Forwarded-For: 192.0.2.1", NULL), BURST);
    ck_assert_int_le(asked_until_refused("X-Forwarded-For: 192.0.2.1", NULL), BURST / 2);
    for (int i = 0; i < 10 * N_ADDRESSES; i++) {
        (void)snprintf(header, sizeof header, "X-Forwarded-For: 203.0.113.%d", i);
        ck_assert_int_eq(status_of(TARGET, header, NULL), 400);
    }
    ck_assert_double_eq(n_remembered(), N_ADDRESSES);
    ck_assert_int_ge(asked_until_refused("X-Forwarded-For: 192.0.2.1", NULL), BURST);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_key)
{
    struct keys_file keys;
    struct http_reply reply;
    keys_file_open(&keys);
    keys_file_add(&keys, "one", "one", "read", "");
    keys_file_add(&keys, "two", "two", "read", "");
    keys_file_add(&keys, "own", "own", "read", "rate=1 burst=10");
    keys_file_add(&keys, "off", "off", "read", "rate=off");
    keys_file_write(&keys);
    const char *const settings[] = {keys.setting, "TRACEKIN_RATE_PER_KEY=1", "TRACEKIN_BURST_PER_KEY=100", NULL};
    server_start(&s, database_url(), settings);
    ck_assert_int_ge(asked_until_refused("X-API-Key: one", NULL), BURST);
    ck_assert_int_le(asked_until_refused("Authorization: Bearer one", NULL), BURST / 2);
    ck_assert_int_ge(asked_until_refused("X-API-Key: two", NULL), BURST);
    const int n_own = asked_until_refused("X-API-Key: own", NULL);
    ck_assert_int_ge(n_own, 10);
    ck_assert_int_lt(n_own, BURST);
    for (int i = 0; i < 2 * BURST; i++)
        ck_assert_int_eq(status_of(TARGET, "X-API-Key: off", NULL), 400);
    /* Who has no key has no bucket, and learns nothing else. */
    for (int i = 0; i < 2 * BURST; i++)
        ck_assert_int_eq(status_of(TARGET, "X-API-Key: three", NULL), 401);
    http_send(&s, &(struct http_request){.target = "/metrics", .headers = {"X-API-Key: off"}}, &reply);
    ck_assert_ptr_nonnull(strstr(reply.body, "tracekin_rejected_total{reason=\"rate\"} 4\n"));
    ck_assert_ptr_nonnull(strstr(reply.body, "tracekin_rejected_total{reason=\"unauthenticated\"} 200\n"));
    http_reply_close(&reply);
    ck_assert_int_eq(server_stop(&s), 0);
    keys_file_close(&keys);
}
END_TEST

static TCase *tcase_rates(void)
{
    TCase *t = tcase_create("rates");
    tcase_set_timeout(t, 240);
    tcase_add_test(t, an_address);
    tcase_add_test(t, addresses_behind_proxies);
    tcase_add_test(t, as_many_as_are_remembered);
    tcase_add_test(t, a_key);
    return t;
}

DATABASE_MAIN("rates", tcase_rates)
