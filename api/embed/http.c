#include "api/embed/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "api/embed/peer.h"
#include "core/clock.h"
#include "core/mem.h"

/* A pause that a server asks for is believed up to so long. */
enum { IDLE_MAX = 8, RETRY_AFTER_MAX_S = 3600 };

/* What one call works with; curl keeps connections in the multi handle. */
struct handle {
    struct handle *next;
    CURLM *multi;
    CURL *easy;
    char words[CURL_ERROR_SIZE];
};

struct api_http {
    bool allows_link_local;
    pthread_mutex_t mutex; /* of the rest */
    struct handle *idle;
    size_t n_idle;
};

/* A call under way. */
struct call {
    const struct api_http *http;
    struct handle *handle;
    const struct db_wait *wait;
    int64_t deadline_ns;
    struct curl_slist *headers;
    struct api_http_reply *reply;
    bool is_forbidden; /* an address was not connected to */
};

static void handle_free(struct handle *handle)
{
    if (handle == NULL)
        return;
    curl_easy_cleanup(handle->easy);
    (void)curl_multi_cleanup(handle->multi);
    mem_free(handle);
}

static void handle_auto(struct handle **handle)
{
    handle_free(*handle);
}

static struct handle *handle_new(void)
{
    struct handle *const handle = mem_calloc(1, sizeof *handle);
    if (handle == NULL)
        return NULL;
    handle->multi = curl_multi_init();
    handle->easy = curl_easy_init();
    if (handle->multi != NULL && handle->easy != NULL)
        return handle;
    handle_free(handle);
    return NULL;
}

static struct handle *handle_acquire(struct api_http *h)
{
    (void)pthread_mutex_lock(&h->mutex);
    struct handle *const handle = h->idle;
    if (handle != NULL) {
        h->idle = handle->next;
        h->n_idle--;
    }
    (void)pthread_mutex_unlock(&h->mutex);
    return handle != NULL ? handle : handle_new();
}

static void handle_release(struct api_http *h, struct handle *handle)
{
    (void)pthread_mutex_lock(&h->mutex);
    const bool has_room = h->n_idle < IDLE_MAX;
    if (has_room) {
        handle->next = h->idle;
        h->idle = handle;
        h->n_idle++;
    }
    (void)pthread_mutex_unlock(&h->mutex);
    if (!has_room)
        handle_free(handle);
}

enum err api_http_new(bool allows_link_local, struct api_http **out, struct err_info *e)
{
    struct api_http *const h = mem_calloc(1, sizeof *h);
    if (h == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        mem_free(h);
        return ERR_SET_NOMEM(e);
    }
    h->allows_link_local = allows_link_local;
    (void)pthread_mutex_init(&h->mutex, NULL);
    *out = h;
    return OK;
}

void api_http_free(struct api_http *h)
{
    if (h == NULL)
        return;
    for (struct handle *handle = h->idle, *next; handle != NULL; handle = next) {
        next = handle->next;
        handle_free(handle);
    }
    (void)pthread_mutex_destroy(&h->mutex);
    mem_free(h);
    curl_global_cleanup();
}

/* --- waiting */

static bool is_cancelled(const struct db_wait *wait)
{
    return wait->cancelled != NULL && atomic_load(wait->cancelled);
}

/* A wake meant for an earlier wait must not make every poll of this one return at once. */
static void wake_consume(const struct db_wait *wait)
{
    uint64_t n_wakes;
    while (!is_cancelled(wait) && read(wait->wake_fd, &n_wakes, sizeof n_wakes) < 0 && errno == EINTR)
        continue;
}

static bool has_wake(const struct db_wait *wait)
{
    return wait->cancelled != NULL && wait->wake_fd >= 0;
}

enum err api_http_pause(const struct db_wait *wait, int64_t until_ns, struct err_info *e)
{
    const int64_t end_ns = until_ns < wait->deadline_ns ? until_ns : wait->deadline_ns;
    for (;;) {
        struct pollfd wake = {.fd = wait->wake_fd, .events = POLLIN};
        const int left_ms = clock_left_ms(end_ns);
        if (is_cancelled(wait))
            return ERR_SET(e, ERR_CANCELLED, "cancelled between two attempts");
        if (left_ms == 0)
            return OK;
        if (poll(&wake, has_wake(wait) ? 1 : 0, left_ms) > 0)
            wake_consume(wait);
    }
}

/* --- one call */

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct buf *const body = arg;
    buf_put(body, bytes, size * n);
    return buf_is_ok(body) ? size * n : 0;
}

/* In place of libcurl's own, to see which address a name has led to. */
static curl_socket_t on_connect(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct call *const c = arg;
    (void)purpose;
    if (!c->http->allows_link_local && api_peer_is_link_local(&address->addr)) {
        c->is_forbidden = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool add_header(struct call *c, const char *line)
{
    struct curl_slist *const longer = curl_slist_append(c->headers, line);
    c->headers = longer != NULL ? longer : c->headers;
    return longer != NULL;
}

static bool set_headers(struct call *c, const struct api_http_request *request)
{
    return add_header(c, "Content-Type: application/json") && add_header(c, "Accept: application/json") && add_header(c, "Expect:") &&
           (request->authorization == NULL || add_header(c, request->authorization)) &&
           curl_easy_setopt(c->handle->easy, CURLOPT_HTTPHEADER, c->headers) == CURLE_OK;
}

static bool set_request(struct call *c, const struct api_http_request *request)
{
    CURL *const easy = c->handle->easy;
    curl_easy_reset(easy);
    c->handle->words[0] = '\0';
    return curl_easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_connect) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, c) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERAGENT, "tracekin/" TRACEKIN_VERSION) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, c->handle->words) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)clock_left_ms(c->deadline_ns)) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, c->reply->body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->json.len) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->json.ptr) == CURLE_OK && set_headers(c, request);
}

static enum err perform(struct call *c, CURLcode *result, struct err_info *e)
{
    struct curl_waitfd wake = {.fd = c->wait->wake_fd, .events = CURL_WAIT_POLLIN};
    for (int n_running = 1;;) {
        const CURLMcode code = curl_multi_perform(c->handle->multi, &n_running);
        if (code != CURLM_OK)
            return ERR_SET(e, ERR_INTERNAL, "libcurl failed: %s", curl_multi_strerror(code));
        if (n_running == 0)
            break;
        if (is_cancelled(c->wait))
            return ERR_SET(e, ERR_CANCELLED, "the request was cancelled");
        wake.revents = 0;
        (void)curl_multi_poll(c->handle->multi, &wake, has_wake(c->wait) ? 1 : 0, clock_left_ms(c->deadline_ns) + 1, NULL);
        if (wake.revents != 0)
            wake_consume(c->wait);
    }
    int n_left = 0;
    const CURLMsg *const message = curl_multi_info_read(c->handle->multi, &n_left);
    *result = message == NULL ? CURLE_OUT_OF_MEMORY : message->data.result;
    return OK;
}

static enum err failure(const struct call *c, CURLcode result, struct err_info *e)
{
    enum err code = ERR_SET(e, ERR_UNAVAILABLE, "it cannot be reached, or the connection broke");
    if (result == CURLE_OPERATION_TIMEDOUT)
        code = ERR_TIMEOUT;
    else if (result == CURLE_OUT_OF_MEMORY)
        code = ERR_NOMEM;
    else if (!buf_is_ok(c->reply->body))
        code = ERR_TOO_LARGE;
    else if (c->is_forbidden)
        code = ERR_FORBIDDEN;
    if (e == NULL)
        return code;
    e->code = code;
    (void)snprintf(e->detail, sizeof e->detail, "%s", c->handle->words[0] != '\0' ? c->handle->words : curl_easy_strerror(result));
    return code;
}

static enum err run(struct call *c, struct err_info *e)
{
    CURLcode result = CURLE_OK;
    long status = 0;
    curl_off_t retry_after_s = 0;
    if (curl_multi_add_handle(c->handle->multi, c->handle->easy) != CURLM_OK)
        return ERR_SET_NOMEM(e);
    const enum err code = perform(c, &result, e);
    (void)curl_multi_remove_handle(c->handle->multi, c->handle->easy);
    if (code != OK || result != CURLE_OK)
        return code != OK ? code : failure(c, result, e);
    (void)curl_easy_getinfo(c->handle->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(c->handle->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    c->reply->status = (int)status;
    c->reply->retry_after_ns = (retry_after_s < RETRY_AFTER_MAX_S ? retry_after_s : RETRY_AFTER_MAX_S) * NS_PER_S;
    return OK;
}

enum err api_http_post(struct api_http *h, const struct db_wait *wait, const struct api_http_request *request,
                       struct api_http_reply *reply, struct err_info *e)
{
    const int64_t limit_ns = clock_mono_ns() + request->timeout_ns;
    struct call c = {.http = h, .wait = wait, .deadline_ns = limit_ns < wait->deadline_ns ? limit_ns : wait->deadline_ns, .reply = reply};
    AUTO(handle) struct handle *handle = handle_acquire(h);
    if (handle == NULL)
        return ERR_SET_NOMEM(e);
    if (clock_left_ms(c.deadline_ns) == 0)
        return ERR_SET(e, ERR_TIMEOUT, "there is no time left to ask");
    c.handle = handle;
    const enum err code = set_request(&c, request) ? run(&c, e) : ERR_SET_NOMEM(e);
    curl_slist_free_all(c.headers);
    handle_release(h, TAKE(handle));
    return code;
}
