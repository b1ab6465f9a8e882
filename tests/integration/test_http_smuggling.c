/* Requests whose end another reader could see elsewhere (RFC 9112 sections 2.2, 3.2, 5, 6 and 11.2): what follows them must never
 * be taken for a request. Each case is a whole stream of bytes, what may come back for it, and the end of the connection.
 *
 * The two versions of libmicrohttpd that Debian has read differently, so a case has several outcomes; silence is one only where
 * it is said. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/clock.h"
#include "tests/integration/support/database.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/server.h"

enum { REPLIES_MAX_BYTES = 1 << 20, END_MS = 5000, OUTCOMES_MAX = 3, OUTCOME_MAX = 32 };

static struct server server;

static void start(void)
{
    server_start(&server, database_url(), (const char *const[]){"TRACEKIN_BODY_MAX_BYTES=64KiB", "TRACEKIN_IDLE_TIMEOUT=1s", NULL});
}

static void stop(void)
{
    ck_assert_int_eq(server_stop(&server), 0);
}

/* Its reply would show the id. */
#define SMUGGLED "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: smuggled\r\n\r\n"
/* The honest next request, whose reply ends the stream. */
#define NEXT "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
#define LINE "HTTP/1.1 "
#define LOGS "POST /v1/logs HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
#define CHUNKED LOGS "Transfer-Encoding: chunked\r\n\r\n"
/* libmicrohttpd 0.9.75 writes the head of its refusal twice, the second being the body's first bytes; then it closes. */
#define BAD_REQUEST_TWICE {"400", "400 400"}
#define BYTES(literal) .bytes = (literal), .len = sizeof(literal) - 1

static const struct smuggling {
    const char *name, *bytes;
    size_t len;
    const char *outcomes[OUTCOMES_MAX]; /* statuses in order; "" is silence; NULL first: "400" */
} streams[] = {
    /* --- where a body ends */
    {"length and chunked", BYTES(LOGS "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED)},
    {"chunked and length", BYTES(LOGS "Transfer-Encoding: chunked\r\nContent-Length: 500\r\n\r\n0\r\n\r\n" SMUGGLED)},
    {"two equal lengths", BYTES(LOGS "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" SMUGGLED)},
    {"two lengths, the first less", BYTES(LOGS "Content-Length: 0\r\nContent-Length: 59\r\n\r\n" SMUGGLED)},
    {"two lengths, the first more", BYTES(LOGS "Content-Length: 59\r\nContent-Length: 0\r\n\r\n" SMUGGLED)},
    {"a list of lengths", BYTES(LOGS "Content-Length: 2, 2\r\n\r\n{}" SMUGGLED), .outcomes = BAD_REQUEST_TWICE},
    {"a negative length", BYTES(LOGS "Content-Length: -1\r\n\r\n" SMUGGLED), .outcomes = BAD_REQUEST_TWICE},
    {"a signed length", BYTES(LOGS "Content-Length: +2\r\n\r\n{}" SMUGGLED), .outcomes = BAD_REQUEST_TWICE},
    {"a hexadecimal length", BYTES(LOGS "Content-Length: 0x2\r\n\r\n{}" SMUGGLED), .outcomes = BAD_REQUEST_TWICE},
    {"an empty length", BYTES(LOGS "Content-Length:\r\n\r\n" SMUGGLED), .outcomes = BAD_REQUEST_TWICE},
    {"a length past 64 bits", BYTES(LOGS "Content-Length: 18446744073709551618\r\n\r\n{}" SMUGGLED), .outcomes = {"400", "413", "413 413"}},
    {"a length with a space before its colon", BYTES(LOGS "Content-Length : 59\r\n\r\n" SMUGGLED)},
    {"a length with a NUL", BYTES(LOGS "Content-Length: 2\0" "9\r\n\r\n{}" SMUGGLED), .outcomes = BAD_REQUEST_TWICE},
    /* --- codings */
    {"xchunked", BYTES(LOGS "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" SMUGGLED)},
    {"chunked, identity", BYTES(LOGS "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" SMUGGLED)},
    {"gzip, chunked", BYTES(LOGS "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" SMUGGLED)},
    {"identity", BYTES(LOGS "Transfer-Encoding: identity\r\n\r\n" SMUGGLED)},
    {"two codings", BYTES(LOGS "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" SMUGGLED)},
    {"chunked twice", BYTES(LOGS "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED)},
    {"a quoted coding", BYTES(LOGS "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" SMUGGLED)},
    {"an empty coding", BYTES(LOGS "Transfer-Encoding:\r\n\r\n" SMUGGLED)},
    {"a coding with a space before its colon", BYTES(LOGS "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" SMUGGLED)},
    {"a coding with a vertical tab", BYTES(LOGS "Transfer-Encoding: \x0b" "chunked\r\n\r\n0\r\n\r\n" SMUGGLED)},
    {"a coding behind a lone CR", BYTES(LOGS "X-Any: 1\rTransfer-Encoding: chunked\r\n\r\n" SMUGGLED)},
    {"HTTP/1.0 and chunked", BYTES("POST /v1/logs HTTP/1.0\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                                   "0\r\n\r\n" SMUGGLED)},
    /* --- chunks */
    {"a chunk longer than said", BYTES(CHUNKED "2\r\n{}}\r\n0\r\n\r\n" SMUGGLED)},
    {"a chunk without a size", BYTES(CHUNKED "\r\n{}\r\n0\r\n\r\n" SMUGGLED)},
    {"a chunk of zz", BYTES(CHUNKED "zz\r\n{}\r\n0\r\n\r\n" SMUGGLED)},
    {"a chunk of -1", BYTES(CHUNKED "-1\r\n{}\r\n0\r\n\r\n" SMUGGLED)},
    {"a chunk of 0x2", BYTES(CHUNKED "0x2\r\n{}\r\n0\r\n\r\n" SMUGGLED)},
    {"a chunk past 64 bits", BYTES(CHUNKED "10000000000000002\r\n{}\r\n0\r\n\r\n" SMUGGLED), .outcomes = {"400", "413"}},
    {"a chunk extension", BYTES(CHUNKED "2;a=b\r\n{}\r\n0;c\r\n\r\n" NEXT), .outcomes = {"200 200", "400"}},
    {"a trailer", BYTES(CHUNKED "2\r\n{}\r\n0\r\nContent-Length: 59\r\n\r\n" NEXT), .outcomes = {"200 200"}},
    /* --- hosts and targets */
    {"two hosts", BYTES("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" SMUGGLED)},
    {"one host twice", BYTES("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n" SMUGGLED)},
    {"no host", BYTES("GET /healthz HTTP/1.1\r\n\r\n" SMUGGLED)},
    {"another host in the target", BYTES("GET http://b/healthz HTTP/1.1\r\nHost: a\r\n\r\n" NEXT), .outcomes = {"200 200"}},
    {"a NUL in the target", BYTES("GET /healthz\0/x HTTP/1.1\r\nHost: a\r\n\r\n" SMUGGLED), .outcomes = {"400", ""}},
    {"a space in the target", BYTES("GET /healthz x HTTP/1.1\r\nHost: a\r\n\r\n" SMUGGLED), .outcomes = {"400", "", "505"}},
    {"a space in the host of the target", BYTES("GET http://a b/healthz HTTP/1.1\r\nHost: a\r\n\r\n" SMUGGLED), .outcomes = {"400", "", "505"}},
    {"no version", BYTES("GET /healthz\r\n\r\n" SMUGGLED), .outcomes = {"400", "", "505"}},
    {"a version to come", BYTES("GET /healthz HTTP/3.0\r\nHost: a\r\n\r\n" SMUGGLED), .outcomes = {"400", "505"}},
    {"HTTP/2's preface", BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" SMUGGLED), .outcomes = {"400", "505"}},
    /* --- lines */
    {"a folded value", BYTES(LOGS "Content-Length:\r\n 2\r\nX-Any: 1\r\n\r\n{}" SMUGGLED)},
    {"a folded coding", BYTES(LOGS "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" SMUGGLED)},
    {"a length in a folded line", BYTES("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Any: 1\r\n Content-Length: 59\r\n\r\n" SMUGGLED)},
    {"a first line that is folded", BYTES("POST /v1/logs HTTP/1.1\r\n Content-Length: 59\r\nHost: a\r\n\r\n" SMUGGLED)},
    {"lines that end in LF", BYTES("GET /healthz HTTP/1.1\nHost: a\n\n" SMUGGLED)},
    {"a length behind a lone LF", BYTES(LOGS "X-Any: 1\nContent-Length: 58\r\n\r\n" SMUGGLED)},
    {"a lone CR in a value", BYTES("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Any: 1\rContent-Length: 59\r\n\r\n" SMUGGLED)},
    {"a NUL in a value", BYTES("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Any: 1\0" "2\r\n\r\n" SMUGGLED)},
    {"a NUL in a name", BYTES("GET /healthz HTTP/1.1\r\nHost: a\r\nX-\0" "Any: 1\r\n\r\n" SMUGGLED)},
    {"a line without a colon", BYTES("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Any\r\n\r\n" SMUGGLED)},
    {"an empty name", BYTES("GET /healthz HTTP/1.1\r\nHost: a\r\n: 1\r\n\r\n" SMUGGLED)},
    {"an empty name that ends the head", BYTES("GET /healthz HTTP/1.1\r\nHost: a\r\n:\r\n" SMUGGLED)},
    {"a NUL that ends the head", BYTES("GET /healthz HTTP/1.1\r\nHost: a\r\n\0\r\n" SMUGGLED)},
    {"NULs for an end of line", BYTES("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Any: 1\0\0Content-Length: 58\r\n\r\n" SMUGGLED)},
    {"spaces around a value", BYTES("GET /healthz HTTP/1.1\r\nHost:a\r\nX-Any: \t 1 \t \r\nX-Empty:\r\nX-Blank: \r\n\r\n" NEXT), .outcomes = {"200 200"}},
    {"two spaces in the request line", BYTES("GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n" SMUGGLED)},
    {"a space after the version", BYTES("GET /healthz HTTP/1.1 \r\nHost: a\r\n\r\n" SMUGGLED), .outcomes = {"400", "505", ""}},
    {"no fields", BYTES("GET /healthz HTTP/1.0\r\n\r\n"), .outcomes = {"200"}},
    {"nonsense", BYTES("nonsense\r\n\r\n" SMUGGLED), .outcomes = {"400", "", "505"}},
};

/* All that comes back until the end of the stream; false when there is none. */
static bool read_stream(int fd, struct buf *out)
{
    const int64_t deadline_ns = clock_mono_ns() + END_MS * NS_PER_MS;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char bytes[4096];
    while (poll(&p, 1, clock_left_ms(deadline_ns)) == 1) {
        const ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        if (n <= 0)
            return true;
        buf_put(out, bytes, (size_t)n);
    }
    return false;
}

/* The statuses of the replies in a stream, as "200 404". */
static void print_outcome(const char *stream, char out[OUTCOME_MAX])
{
    int n = 0;
    out[0] = '\0';
    for (const char *at = strstr(stream, LINE); at != NULL && n < OUTCOME_MAX - 4; at = strstr(at + 1, LINE))
        n += strspn(at + sizeof LINE - 1, "0123456789") != 3 ? 0 :
             snprintf(out + n, (size_t)(OUTCOME_MAX - n), "%s%.3s", n == 0 ? "" : " ", at + sizeof LINE - 1);
}

static bool is_allowed(const struct smuggling *c, const char *outcome)
{
    if (c->outcomes[0] == NULL)
        return strcmp(outcome, "400") == 0;
    for (size_t i = 0; i < OUTCOMES_MAX && c->outcomes[i] != NULL; i++)
        if (strcmp(outcome, c->outcomes[i]) == 0)
            return true;
    return false;
}

START_TEST(test_nothing_is_smuggled)
{
    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        AUTO(buf) struct buf stream;
        char outcome[OUTCOME_MAX];
        buf_init(&stream, REPLIES_MAX_BYTES);
        const int fd = http_connect(&server);
        http_write_bytes(fd, streams[i].bytes, streams[i].len);
        const bool has_ended = read_stream(fd, &stream);
        ck_assert_int_eq(close(fd), 0);
        buf_putc(&stream, '\0');
        ck_assert(buf_is_ok(&stream));
        print_outcome(stream.data, outcome);
        ck_assert_msg(has_ended, "%s: the connection stays open after %s", streams[i].name, stream.data);
        ck_assert_msg(strstr(stream.data, "smuggled") == NULL, "%s: %s", streams[i].name, stream.data);
        ck_assert_msg(is_allowed(&streams[i], outcome), "%s: '%s': %s", streams[i].name, outcome, stream.data);
    }
}
END_TEST

/* Split anywhere, a stream means the same. */
START_TEST(test_nothing_is_smuggled_in_pieces)
{
    static const char chunked[] = CHUNKED "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n" NEXT;
    for (size_t at = 1; at < sizeof chunked - 1; at += 7) {
        AUTO(buf) struct buf stream;
        char outcome[OUTCOME_MAX];
        buf_init(&stream, REPLIES_MAX_BYTES);
        const int fd = http_connect(&server);
        http_write_bytes(fd, chunked, at);
        (void)poll(NULL, 0, 2);
        http_write_bytes(fd, chunked + at, sizeof chunked - 1 - at);
        ck_assert(read_stream(fd, &stream));
        ck_assert_int_eq(close(fd), 0);
        buf_putc(&stream, '\0');
        ck_assert(buf_is_ok(&stream));
        print_outcome(stream.data, outcome);
        ck_assert_msg(strcmp(outcome, "200 200") == 0, "split at %zu: '%s'", at, outcome);
    }
}
END_TEST

static TCase *tcase_smuggling(void)
{
    TCase *tc = tcase_create("smuggling");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, test_nothing_is_smuggled);
    tcase_add_test(tc, test_nothing_is_smuggled_in_pieces);
    return tc;
}

DATABASE_MAIN("http_smuggling", tcase_smuggling)
