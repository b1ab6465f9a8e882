/* service/http/engine.c with libmicrohttpd, and all behind it: two bytes that say how the stream is cut and what the database does, then
 * what a client sends. One thread: the engine has no threads, its lanes are a place for the one request that waits, and the database
 * is none (support/stub_db.h). Every reply is whole; there are as many as RFC 9112 sees requests, and none after one that two
 * readers could see end in two places; and nothing is kept. */
#include <microhttpd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/support/http.h"
#include "tests/fuzz/support/stub_db.h"

/* The engine's own code, but for who calls MHD_run. */
#undef MHD_USE_EPOLL_INTERNAL_THREAD
#define MHD_USE_EPOLL_INTERNAL_THREAD MHD_USE_EPOLL
#include "service/http/engine.c" /* NOLINT: white box */

enum { INPUT_MAX_BYTES = 16 << 10, REPLIES_MAX_BYTES = 16 << 20, PIECE_BYTES = 64 << 10, IDLE_TURNS = 4, TURNS_MAX = 1 << 16,
       BODY_MAX_BYTES = 4 << 10, CUT_UNIT = 4 };

/* --- lanes, in place of service/http/lane.c */

struct service_lane {
    struct service_request *waiting;
    bool is_full;
};
static struct service_lane the_lane;

bool service_lane_reserve(struct service_lane *lane)
{
    return !lane->is_full;
}

void service_lane_push(struct service_lane *lane, struct service_request *r)
{
    FUZZ_CHECK(lane->waiting == NULL, "one connection has two requests");
    lane->waiting = r;
}

/* What a worker does. */
static bool lane_serve(void)
{
    struct service_request *const r = TAKE(the_lane.waiting);
    if (r == NULL)
        return false;
    r->api.db = stub_conn();
    service_request_answer(r);
    r->stage = STAGE_DONE;
    service_engine_resume(r);
    return true;
}

/* --- the engine */

static struct service_engine *the_engine(void)
{
    static struct service_engine *engine;
    static struct service_config config;
    static struct service_access *access; /* no keys: everybody may read and ingest */
    static struct api_world world;
    static struct service_lane *const lanes[] = {NULL, &the_lane, &the_lane, &the_lane};
    struct err_info e = {0};
    if (engine != NULL)
        return engine;
    FUZZ_CHECK(service_config_read(&config, 0, NULL, NULL, &e) == OK, "%s", e.message);
    config.n_http_threads = 1; /* and that one is ours */
    world = *stub_world();
    world.body_max_bytes = BODY_MAX_BYTES;
    FUZZ_CHECK(service_access_new(&config, &access, &e) == OK, "%s", e.message);
    FUZZ_CHECK(service_engine_new(&config, &world, lanes, access, NULL, &engine, &e) == OK, "%s", e.message);
    return engine;
}

static bool take_replies(int client, struct buf *out)
{
    char *const room = buf_reserve(out, PIECE_BYTES);
    FUZZ_CHECK(room != NULL, "the replies are larger than %d bytes", REPLIES_MAX_BYTES);
    const ssize_t n = recv(client, room, PIECE_BYTES, MSG_DONTWAIT);
    if (n > 0)
        buf_advance(out, (size_t)n);
    return n > 0;
}

static void run(struct service_engine *engine, int client, struct buf *out)
{
    for (int n_idle = 0, n = 0; n_idle < IDLE_TURNS; n++) {
        FUZZ_CHECK(n < TURNS_MAX, "the engine does not come to rest");
        (void)MHD_run(engine->daemon);
        const bool was_served = lane_serve(), was_taken = take_replies(client, out);
        n_idle = was_served || was_taken ? 0 : n_idle + 1;
    }
}

static void give(int client, struct str bytes)
{
    /* The engine may have closed the connection. */
    if (bytes.len > 0)
        (void)send(client, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void converse(struct service_engine *engine, struct str stream, size_t cut, struct buf *out)
{
    static const struct sockaddr address = {.sa_family = AF_UNIX};
    int pair[2];
    FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0, "no sockets");
    service_engine_add(engine, pair[1], &address, sizeof address);
    cut = cut < stream.len ? cut : stream.len;
    give(pair[0], (struct str){stream.ptr, cut});
    run(engine, pair[0], out);
    give(pair[0], (struct str){stream.ptr + cut, stream.len - cut});
    run(engine, pair[0], out);
    (void)shutdown(pair[0], SHUT_WR);
    run(engine, pair[0], out);
    (void)close(pair[0]);
    for (int n = 0; service_engine_n_connections(engine) > 0; n++) {
        FUZZ_CHECK(n < TURNS_MAX, "a connection is left");
        (void)MHD_run(engine->daemon);
        (void)lane_serve();
    }
    FUZZ_CHECK(service_engine_n_in_flight(engine) == 0, "a request is left");
    FUZZ_CHECK(atomic_load(&engine->memory.budget.used_bytes) == 0, "%zu bytes are still paid for", atomic_load(&engine->memory.budget.used_bytes));
}

/* --- what came of it */

static void check_replies(struct str stream, struct str replies)
{
    const struct http_stream sent = http_read_requests(stream);
    struct http_response r = {0};
    size_t n = 0;
    for (; http_take_response(&replies, &r); n++) {
        if (r.is_ours)
            stub_check_reply(r.status, r.content_type, r.body, "request");
        FUZZ_CHECK(r.is_ours || (r.status >= 400 && r.closes), "a reply of status %d that is not ours", r.status);
        /* libmicrohttpd 0.9.75 sends the header of its own errors twice, and then more than it said; one of them is prevented. */
        FUZZ_CHECK(r.is_ours || !str_contains(replies, STR("lacked such a header")), "what lacks a Host is answered twice");
        if (!r.is_ours)
            replies.len = 0;
        FUZZ_CHECK(!r.closes || replies.len == 0, "after a reply that closes the connection comes %.*s", STR_ARG(replies));
    }
    if (sent.end == HTTP_LOOSE)
        return;
    FUZZ_CHECK(n <= sent.n + (sent.end != HTTP_WHOLE), "%zu replies to %zu requests", n, sent.n);
    FUZZ_CHECK(n == sent.n || sent.end != HTTP_WHOLE || r.closes, "%zu replies to %zu whole requests", n, sent.n);
    FUZZ_CHECK(n != sent.n + 1 || r.status >= 400, "half a request, or one of two ends, is answered %d", r.status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum err outcomes[] = {OK, ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_BUSY, ERR_NOMEM, ERR_CANCELLED, ERR_INVALID, ERR_OUTCOME_UNKNOWN};
    struct fuzz_input in = fuzz_input_of(data, size);
    AUTO(buf) struct buf replies;
    struct service_engine *const engine = the_engine();
    const size_t cut = fuzz_byte(&in);
    const uint8_t how = fuzz_byte(&in);
    const struct str stream = fuzz_bytes(&in, INPUT_MAX_BYTES);
    buf_init(&replies, REPLIES_MAX_BYTES);
    the_lane.is_full = (how & 0x80) != 0;
    stub_db = (struct stub_db){.outcome = outcomes[how % ARRAY_LEN(outcomes)], .n_before = how >> 4 & 3, .refuses_text = true};
    converse(engine, stream, cut * CUT_UNIT, &replies);
    check_replies(stream, buf_str(&replies));
    return 0;
}
