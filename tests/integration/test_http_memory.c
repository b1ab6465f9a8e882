/* What requests and replies may take of memory, together and each: senders of bombs are refused, and nobody else is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "core/buf.h"
#include "core/clock.h"
#include "tests/integration/support/database.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/server.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_SHADOWED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define IS_SHADOWED 1
#endif

/* ASan keeps freed memory for a while, 256 MiB of it, and surrounds and shadows the rest; TSan shadows each byte with four. */
#ifdef IS_SHADOWED
enum { RESIDENT_MAX_MIB = 1024 };
#else
enum { RESIDENT_MAX_MIB = 256 };
#endif

/* The limits: one request may have all of the memory, as one of the default limits may have half. */
static const char *const narrow[] = {"TRACEKIN_BODY_MAX_BYTES=16MiB", "TRACEKIN_MEMORY_MAX_BYTES=128MiB", NULL};

enum { BOMB_BYTES = 15 << 20, N_BOMBS = 6, REPLY_MS = 60000, TEXT_BYTES = 60000, N_TEXTS = 100, RECEIVE_BYTES = 4096 };

static struct server server;

static void end(void)
{
    server_kill(&server);
}

static double metric_value(const char *name)
{
    struct http_reply reply;
    http_get(&server, "/metrics", &reply);
    ck_assert_int_eq(reply.status, 200);
    const char *const line = strstr(reply.body, name);
    ck_assert_msg(line != NULL, "no %s", name);
    const double value = strtod(line + strlen(name), NULL);
    http_reply_close(&reply);
    return value;
}

static double memory_used(void)
{
    return metric_value("\ntracekin_request_memory_bytes ");
}

static void await_memory(double least, double most)
{
    const int64_t until = clock_mono_ns() + 10 * NS_PER_S;
    for (double used = memory_used(); used < least || used > most; used = memory_used()) {
        ck_assert_msg(clock_mono_ns() < until, "%.0f bytes are used, not %.0f to %.0f", used, least, most);
        (void)nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_MS}, NULL);
    }
}

/* The most that the service has had resident so far. */
static long resident_mib(void)
{
    char path[64], line[256];
    long kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)server.pid);
    FILE *const f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    while (kib == 0 && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    ck_assert_int_eq(fclose(f), 0);
    return kib >> 10;
}

static void expect_modesty(void)
{
    ck_assert_msg(resident_mib() < RESIDENT_MAX_MIB, "%ld MiB were resident", resident_mib());
}

/* before, then n_bytes of item again and again, then after. */
static void put_repeated(struct buf *out, const char *before, const char *item, size_t n_bytes, const char *after)
{
    buf_puts(out, str_of(before));
    for (const size_t until = out->len + n_bytes; out->len < until;)
        buf_puts(out, str_of(item));
    out->len--; /* the last comma */
    buf_puts(out, str_of(after));
    ck_assert(buf_is_ok(out));
}

static void put_gzip(struct buf *out, struct buf *plain)
{
    z_stream z = {0};
    ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    const size_t bound = deflateBound(&z, plain->len);
    z.next_in = (Bytef *)plain->data;
    z.avail_in = (uInt)plain->len;
    z.next_out = (Bytef *)buf_reserve(out, bound);
    z.avail_out = (uInt)bound;
    ck_assert_ptr_nonnull(z.next_out);
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    buf_advance(out, bound - z.avail_out);
    (void)deflateEnd(&z);
}

/* A whole request whose body inflates to as many log records as fit. */
static void put_export(struct buf *out, const char *record)
{
    AUTO(buf) struct buf plain, gzip;
    buf_init(&plain, BOMB_BYTES * 2);
    buf_init(&gzip, BOMB_BYTES * 2);
    put_repeated(&plain, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[", record, BOMB_BYTES, "]}]}]}");
    put_gzip(&gzip, &plain);
    buf_printf(out, "POST /v1/logs HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
               "Content-Length: %zu\r\n\r\n", gzip.len);
    buf_puts(out, buf_str(&gzip));
    ck_assert(buf_is_ok(out));
}

static void put_bomb(struct buf *out)
{
    put_export(out, "{},");
}

static int send_bytes(struct str bytes)
{
    const int fd = http_connect(&server);
    http_write_bytes(fd, bytes.ptr, bytes.len);
    return fd;
}

static void expect_refusal(int fd)
{
    struct http_reply reply;
    ck_assert(http_read(fd, REPLY_MS, false, &reply));
    ck_assert_msg(reply.status == 413 || reply.status == 503, "%d: %s", reply.status, reply.body);
    ck_assert_ptr_nonnull(strstr(reply.body, "memory"));
    ck_assert_int_eq(reply.status == 503, strstr(reply.head, "Retry-After: ") != NULL);
    http_reply_close(&reply);
    ck_assert_int_eq(close(fd), 0);
}

static void expect_store(void)
{
    struct http_reply reply;
    http_post_json(&server, "/v1/logs",
                   "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"as ever\"}}]}]}]}", &reply);
    ck_assert_msg(reply.status == 200, "%d: %s", reply.status, reply.body);
    http_reply_close(&reply);
}

START_TEST(test_one_bomb_is_too_large)
{
    AUTO(buf) struct buf bomb;
    buf_init(&bomb, BOMB_BYTES * 2);
    put_bomb(&bomb);
    server_start(&server, database_url(), narrow);
    struct http_reply reply;
    const int fd = send_bytes(buf_str(&bomb));
    ck_assert(http_read(fd, REPLY_MS, false, &reply));
    ck_assert_msg(reply.status == 413, "%d: %s", reply.status, reply.body);
    http_reply_close(&reply);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_double_eq(metric_value("\ntracekin_rejected_total{reason=\"too_large\"} "), 1);
    await_memory(0, 0);
    expect_modesty();
    expect_store();
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(test_a_full_body_of_common_records_is_stored)
{
    AUTO(buf) struct buf export;
    buf_init(&export, BOMB_BYTES * 2);
    put_export(&export, "{\"timeUnixNano\":\"1700000000000000000\",\"severityNumber\":9,\"severityText\":\"INFO\","
                        "\"body\":{\"stringValue\":\"started in 12 ms\"},"
                        "\"attributes\":[{\"key\":\"a.b\",\"value\":{\"stringValue\":\"cdef\"}}]},");
    server_start(&server, database_url(), (const char *const[]){narrow[0], narrow[1], "TRACEKIN_REQUEST_TIMEOUT=60s", NULL});
    struct http_reply reply;
    const int fd = send_bytes(buf_str(&export));
    ck_assert(http_read(fd, REPLY_MS, false, &reply));
    ck_assert_msg(reply.status == 200, "%d: %s", reply.status, reply.body);
    http_reply_close(&reply);
    ck_assert_int_eq(close(fd), 0);
    await_memory(0, 0);
    expect_modesty();
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(test_bombs_at_once_stay_within_the_memory)
{
    AUTO(buf) struct buf bomb;
    int fds[N_BOMBS];
    buf_init(&bomb, BOMB_BYTES * 2);
    put_bomb(&bomb);
    server_start(&server, database_url(), narrow);
    ck_assert_double_eq(metric_value("\ntracekin_request_memory_max_bytes "), 128 << 20);
    for (int i = 0; i < N_BOMBS; i++)
        fds[i] = send_bytes(buf_str(&bomb));
    for (int i = 0; i < N_BOMBS; i++)
        expect_refusal(fds[i]);
    ck_assert_double_eq(metric_value("\ntracekin_rejected_total{reason=\"memory\"} ") +
                            metric_value("\ntracekin_rejected_total{reason=\"too_large\"} "), N_BOMBS);
    await_memory(0, 0);
    expect_modesty();
    expect_store();
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

/* Traces are read into a tree, which is larger still. */
START_TEST(test_a_tree_is_too_large)
{
    AUTO(buf) struct buf body;
    buf_init(&body, BOMB_BYTES * 2);
    put_repeated(&body, "{\"traces\":[", "[],", BOMB_BYTES, "]}");
    buf_putc(&body, '\0');
    server_start(&server, database_url(), narrow);
    struct http_reply reply;
    http_post_json(&server, "/api/v1/traces", body.data, &reply);
    ck_assert_msg(reply.status == 413, "%d: %s", reply.status, reply.body);
    http_reply_close(&reply);
    await_memory(0, 0);
    expect_modesty();
    expect_store();
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

enum { BODY_BYTES = 8 << 20, N_BODIES = 8 };

START_TEST(test_bodies_that_arrive_are_counted)
{
    static char half[BODY_BYTES / 2 + 2];
    int fds[N_BODIES];
    char head[256];
    memset(half, ' ', sizeof half - 1);
    (void)snprintf(head, sizeof head, "POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                   sizeof half + 1);
    server_start(&server, database_url(), (const char *const[]){"TRACEKIN_BODY_MAX_BYTES=8MiB", "TRACEKIN_MEMORY_MAX_BYTES=64MiB", NULL});
    for (int i = 0; i < N_BODIES; i++) {
        fds[i] = http_connect(&server);
        http_write(fds[i], head);
        http_write(fds[i], half);
    }
    await_memory(N_BODIES * (BODY_BYTES - (128 << 10)), 64 << 20);
    struct http_reply reply;
    http_post_json(&server, "/v1/traces", half, &reply);
    ck_assert_int_eq(reply.status, 503);
    ck_assert_ptr_nonnull(strstr(reply.head, "Retry-After: "));
    http_reply_close(&reply);
    for (int i = 0; i < N_BODIES; i++) {
        http_write(fds[i], "{}");
        ck_assert(http_read(fds[i], REPLY_MS, false, &reply));
        ck_assert_int_eq(reply.status, 200);
        http_reply_close(&reply);
        ck_assert_int_eq(close(fds[i]), 0);
    }
    await_memory(0, 0);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

/* Stores a trace whose answer is larger than what a socket holds. */
static void store_large_trace(void)
{
    AUTO(buf) struct buf body;
    static char text[TEXT_BYTES + 1];
    memset(text, 'x', TEXT_BYTES);
    buf_init(&body, BOMB_BYTES);
    BUF_LITERAL(&body, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[");
    for (int i = 1; i <= N_TEXTS; i++)
        buf_printf(&body, "%s{\"traceId\":\"000000000000000000000000000000c1\",\"spanId\":\"%016d\",\"name\":\"a\","
                   "\"startTimeUnixNano\":\"1700000000000000000\",\"endTimeUnixNano\":\"1700000000000000001\","
                   "\"attributes\":[{\"key\":\"a\",\"value\":{\"stringValue\":\"%s\"}}]}", i == 1 ? "" : ",", i, text);
    BUF_LITERAL(&body, "]}]}]}");
    buf_putc(&body, '\0');
    ck_assert(buf_is_ok(&body));
    struct http_reply reply;
    http_post_json(&server, "/v1/traces", body.data, &reply);
    ck_assert_msg(reply.status == 200, "%d: %s", reply.status, reply.body);
    http_reply_close(&reply);
}

START_TEST(test_replies_count_until_they_are_taken)
{
    const int few = RECEIVE_BYTES;
    server_start(&server, database_url(), narrow);
    store_large_trace();
    await_memory(0, 0);
    const int fd = http_connect(&server);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &few, sizeof few), 0);
    http_write(fd, "GET /api/v1/traces/000000000000000000000000000000c1 HTTP/1.1\r\nHost: a\r\n\r\n");
    await_memory(TEXT_BYTES * N_TEXTS, 128 << 20);
    (void)nanosleep(&(struct timespec){.tv_nsec = 300 * NS_PER_MS}, NULL);
    ck_assert_double_ge(memory_used(), TEXT_BYTES * N_TEXTS);
    ck_assert_int_eq(close(fd), 0);
    await_memory(0, 0);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

static TCase *tcase_memory(void)
{
    TCase *tc = tcase_create("memory");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, NULL, end);
    tcase_add_test(tc, test_one_bomb_is_too_large);
    tcase_add_test(tc, test_a_full_body_of_common_records_is_stored);
    tcase_add_test(tc, test_bombs_at_once_stay_within_the_memory);
    tcase_add_test(tc, test_a_tree_is_too_large);
    tcase_add_test(tc, test_bodies_that_arrive_are_counted);
    tcase_add_test(tc, test_replies_count_until_they_are_taken);
    return tc;
}

DATABASE_MAIN("http_memory", tcase_memory)
