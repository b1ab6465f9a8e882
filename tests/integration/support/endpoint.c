#include "tests/integration/support/endpoint.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/json/jsonread.h"
#include "core/clock.h"
#include "core/hash.h"
#include "core/token.h"

enum { TURN_MS = 5, REQUEST_MAX = 4 << 20, TEXTS_MAX = 256, LONG_TEXT = 600, ENDLESS_PIECE = 1 << 16 };

/* One request that was read. */
struct asked {
    struct str model, texts[TEXTS_MAX];
    size_t n;
};

struct connection {
    struct endpoint *p;
    int fd;
    struct buf in, out;
};

void endpoint_vector(struct str model, struct str text, float out[EMBEDDING_DIMENSIONS])
{
    const uint64_t seed = hash64(model, 0);
    memset(out, 0, EMBEDDING_DIMENSIONS * sizeof *out);
    out[seed % EMBEDDING_DIMENSIONS] = 0.5F;
    for (size_t at = 0, len = 0; at < text.len; at += len + 1) {
        for (len = 0; at + len < text.len && token_is_word(text.ptr[at + len]);)
            len++;
        if (len > 0)
            out[hash64((struct str){text.ptr + at, len}, seed) % EMBEDDING_DIMENSIONS] += 1;
    }
}

/* --- requests */

static bool is_whole(const struct buf *in, size_t *head_len)
{
    const char *const end = in->len == 0 ? NULL : memmem(in->data, in->len, "\r\n\r\n", 4);
    if (end == NULL)
        return false;
    *head_len = (size_t)(end - in->data) + 4;
    const char *const length = memmem(in->data, *head_len, "Content-Length: ", 16);
    return length != NULL && in->len >= *head_len + strtoul(length + 16, NULL, 10);
}

/* False when the client has gone, or the test ends. */
static bool read_request(struct connection *c, size_t *head_len)
{
    buf_clear(&c->in);
    while (!is_whole(&c->in, head_len)) {
        struct pollfd fd = {.fd = c->fd, .events = POLLIN};
        if (atomic_load(&c->p->is_stopping))
            return false;
        if (poll(&fd, 1, TURN_MS) <= 0)
            continue;
        char *const room = buf_reserve(&c->in, 4096);
        const ssize_t n = read(c->fd, room, 4096);
        if (n <= 0)
            return false;
        buf_advance(&c->in, (size_t)n);
    }
    return true;
}

static void read_json(struct str json, struct asked *out)
{
    struct api_jsonread r;
    struct str key;
    struct api_json_string s;
    api_jsonread_init(&r, json);
    (void)api_jsonread_open(&r, '{');
    while (api_jsonread_member(&r, &key)) {
        if (str_equal(key, STR("model")) && api_jsonread_string(&r, &s)) {
            out->model = s.raw;
        } else if (str_equal(key, STR("input"))) {
            (void)api_jsonread_open(&r, '[');
            while (api_jsonread_element(&r) && api_jsonread_string(&r, &s))
                out->texts[out->n++] = s.raw;
        } else {
            (void)api_jsonread_skip(&r);
        }
    }
}

static void note(struct endpoint *p, const struct buf *in, const struct asked *asked)
{
    (void)pthread_mutex_lock(&p->mutex);
    (void)snprintf(p->last, sizeof p->last, "%.*s", (int)in->len, in->data);
    (void)pthread_mutex_unlock(&p->mutex);
    atomic_fetch_add(&p->n_requests, 1);
    atomic_fetch_add(&p->n_texts, (int)asked->n);
}

/* --- answers */

static void put_vector(struct buf *out, const struct asked *asked, size_t i, enum endpoint_mode mode)
{
    float v[EMBEDDING_DIMENSIONS];
    const size_t n = mode == ENDPOINT_SHORT ? 383 : mode == ENDPOINT_LONG ? 768 : EMBEDDING_DIMENSIONS;
    endpoint_vector(asked->model, asked->texts[i], v);
    buf_printf(out, "{\"object\":\"embedding\",\"index\":%zu,\"embedding\":[", i);
    for (size_t k = 0; k < n; k++) {
        if (k > 0)
            buf_putc(out, ',');
        if (mode == ENDPOINT_NAN && k == 7)
            BUF_LITERAL(out, "NaN");
        else
            buf_printf(out, "%.9g", mode == ENDPOINT_ZERO || k >= EMBEDDING_DIMENSIONS ? 0.0 : (double)v[k]);
    }
    BUF_LITERAL(out, "]}");
}

static void put_vectors(struct buf *out, const struct asked *asked, enum endpoint_mode mode)
{
    const size_t n = mode == ENDPOINT_FEWER ? asked->n - 1 : asked->n;
    BUF_LITERAL(out, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_putc(out, ',');
        put_vector(out, asked, mode == ENDPOINT_SHUFFLE ? n - 1 - i : i, mode);
    }
    BUF_LITERAL(out, "],\"model\":\"any\",\"usage\":{\"prompt_tokens\":1,\"total_tokens\":1}}");
}

static bool is_poisoned(const struct asked *asked)
{
    for (size_t i = 0; i < asked->n; i++)
        if (asked->texts[i].len > LONG_TEXT || str_contains(asked->texts[i], STR("poison")))
            return true;
    return false;
}

static bool send_all(int fd, struct str text)
{
    while (text.len > 0) {
        const ssize_t n = send(fd, text.ptr, text.len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        text = (struct str){text.ptr + n, text.len - (size_t)n};
    }
    return true;
}

static bool reply(struct connection *c, const char *status, struct str body)
{
    buf_clear(&c->in);
    buf_printf(&c->in, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", status, body.len);
    return send_all(c->fd, buf_str(&c->in)) && send_all(c->fd, body);
}

static bool reply_busy(struct connection *c)
{
    char status[128];
    const int retry_after_s = atomic_load(&c->p->retry_after_s);
    (void)snprintf(status, sizeof status, "429 Too Many Requests");
    if (retry_after_s > 0)
        (void)snprintf(status, sizeof status, "429 Too Many Requests\r\nRetry-After: %d", retry_after_s);
    return reply(c, status, STR("{}"));
}

static bool reply_endless(struct connection *c)
{
    static const char piece[ENDLESS_PIECE] = {' '};
    bool is_taken = send_all(c->fd, STR("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"));
    while (is_taken && !atomic_load(&c->p->is_stopping))
        is_taken = send_all(c->fd, (struct str){piece, sizeof piece});
    return false;
}

/* Does nothing, as long as the mode lasts and the client waits. */
static void hang(struct connection *c, enum endpoint_mode mode)
{
    struct pollfd fd = {.fd = c->fd, .events = POLLIN};
    while (!atomic_load(&c->p->is_stopping) && atomic_load(&c->p->mode) == (int)mode && poll(&fd, 1, TURN_MS) == 0)
        continue;
}

static bool reply_vectors(struct connection *c, const struct asked *asked, enum endpoint_mode mode)
{
    put_vectors(&c->out, asked, mode);
    const struct str body = buf_str(&c->out);
    if (mode != ENDPOINT_CUT)
        return reply(c, "200 OK", body);
    buf_clear(&c->in);
    buf_printf(&c->in, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", body.len);
    (void)send_all(c->fd, buf_str(&c->in));
    (void)send_all(c->fd, (struct str){body.ptr, body.len / 2});
    return false;
}

static enum endpoint_mode take_mode(struct endpoint *p)
{
    const int n_left = atomic_load(&p->n_left);
    if (n_left == 0)
        return ENDPOINT_ANSWER;
    if (n_left > 0)
        atomic_fetch_sub(&p->n_left, 1);
    return (enum endpoint_mode)atomic_load(&p->mode);
}

/* Returns whether the connection goes on. The request's texts are in c->in until the answer is begun. */
static bool answer(struct connection *c, const struct asked *asked)
{
    const enum endpoint_mode mode = take_mode(c->p);
    buf_clear(&c->out);
    switch (mode) {
    case ENDPOINT_HANG: hang(c, mode); return false;
    case ENDPOINT_HOLD: hang(c, mode); break;
    case ENDPOINT_DROP: return false;
    case ENDPOINT_GARBAGE: return reply(c, "200 OK", STR("<html>it works</html>"));
    case ENDPOINT_ENDLESS: return reply_endless(c);
    case ENDPOINT_BUSY: return reply_busy(c);
    case ENDPOINT_FAIL: return reply(c, "500 Internal Server Error", STR("{}"));
    case ENDPOINT_DENY: return reply(c, "401 Unauthorized", STR("{}"));
    case ENDPOINT_REDIRECT: return reply(c, "307 Temporary Redirect\r\nLocation: http://127.0.0.2:1/v1/embeddings", STR(""));
    case ENDPOINT_REFUSE:
        return is_poisoned(asked) ? reply(c, "400 Bad Request", STR("{}")) : reply_vectors(c, asked, ENDPOINT_ANSWER);
    case ENDPOINT_ANSWER: case ENDPOINT_SHUFFLE: case ENDPOINT_CUT: case ENDPOINT_SHORT: case ENDPOINT_LONG:
    case ENDPOINT_FEWER: case ENDPOINT_NAN: case ENDPOINT_ZERO: break;
    }
    return reply_vectors(c, asked, mode);
}

/* --- threads */

static void *connection_run(void *arg)
{
    struct connection *const c = arg;
    size_t head_len = 0;
    for (bool goes_on = true; goes_on && read_request(c, &head_len);) {
        struct asked asked = {.n = 0};
        read_json((struct str){c->in.data + head_len, c->in.len - head_len}, &asked);
        note(c->p, &c->in, &asked);
        goes_on = answer(c, &asked);
    }
    (void)close(c->fd);
    atomic_fetch_sub(&c->p->n_open, 1);
    buf_close(&c->in);
    buf_close(&c->out);
    free(c);
    return NULL;
}

/* A head and its body are two writes, of which the second does not wait for the client to have acknowledged the first. */
static int accept_one(const struct endpoint *p)
{
    const int yes = 1;
    const int fd = accept(p->listen_fd, NULL, NULL);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return fd;
}

static void *endpoint_run(void *arg)
{
    struct endpoint *const p = arg;
    while (!atomic_load(&p->is_stopping)) {
        struct pollfd fd = {.fd = p->listen_fd, .events = POLLIN};
        if (poll(&fd, 1, TURN_MS) <= 0)
            continue;
        struct connection *const c = calloc(1, sizeof *c);
        const int n = atomic_load(&p->n_connections);
        if (c == NULL || n == ENDPOINT_CONNECTIONS_MAX)
            abort();
        *c = (struct connection){.p = p, .fd = accept_one(p)};
        buf_init(&c->in, REQUEST_MAX);
        buf_init(&c->out, REQUEST_MAX);
        atomic_fetch_add(&p->n_open, 1);
        if (pthread_create(&p->connections[n], NULL, connection_run, c) != 0)
            abort();
        atomic_store(&p->n_connections, n + 1);
    }
    return NULL;
}

void endpoint_start(struct endpoint *p, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    const int yes = 1;
    *p = (struct endpoint){.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    (void)pthread_mutex_init(&p->mutex, NULL);
    ck_assert_int_eq(setsockopt(p->listen_fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), 0);
    ck_assert_int_eq(bind(p->listen_fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(p->listen_fd, ENDPOINT_CONNECTIONS_MAX), 0);
    ck_assert_int_eq(getsockname(p->listen_fd, (struct sockaddr *)&address, &len), 0);
    p->port = ntohs(address.sin_port);
    (void)snprintf(p->url, sizeof p->url, "http://127.0.0.1:%d/v1", p->port);
    ck_assert_int_eq(pthread_create(&p->thread, NULL, endpoint_run, p), 0);
}

void endpoint_stop(struct endpoint *p)
{
    atomic_store(&p->is_stopping, true);
    ck_assert_int_eq(pthread_join(p->thread, NULL), 0);
    for (int i = 0; i < atomic_load(&p->n_connections); i++)
        ck_assert_int_eq(pthread_join(p->connections[i], NULL), 0);
    (void)close(p->listen_fd);
    (void)pthread_mutex_destroy(&p->mutex);
}

void endpoint_set(struct endpoint *p, enum endpoint_mode mode, int n)
{
    atomic_store(&p->mode, mode);
    atomic_store(&p->n_left, n);
}

bool endpoint_was_sent(struct endpoint *p, const char *text)
{
    (void)pthread_mutex_lock(&p->mutex);
    const bool was_sent = strstr(p->last, text) != NULL;
    (void)pthread_mutex_unlock(&p->mutex);
    return was_sent;
}
