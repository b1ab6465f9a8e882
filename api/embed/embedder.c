#include "api/embed/embedder.h"

#include <pthread.h>
#include <stdio.h>

#include "api/embed/http.h"
#include "core/breaker.h"
#include "core/clock.h"
#include "core/hash.h"
#include "core/lru.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "db/assemble/trace_merge.h"

enum { ATTEMPTS_MAX = 3, PAUSE_MS = 200, URL_MAX = 4096, KEY_MAX = 8192, MODEL_MAX = 256, LABEL_MAX = 64 };
/* A text of 2,000 bytes grows sixfold at most; a vector of 4,096 numbers, which is refused by its size, has 100 KiB. */
enum { REQUEST_MAX_BYTES = 64 << 20, REPLY_MAX_BYTES = 32 << 20 };

/* How a request ended. */
enum outcome { ANSWERED, TIMED_OUT, NOT_CONNECTED, RATE_LIMITED, SERVER_ERROR, TEXT_REFUSED, DENIED, FORBIDDEN, MALFORMED, CANCELLED, OUTCOMES };

static const struct {
    const char *name;
    bool is_retried, is_failure; /* of the endpoint */
} outcomes[OUTCOMES] = {
    [ANSWERED] = {"ok", false, false},
    [TIMED_OUT] = {"timeout", true, true},
    [NOT_CONNECTED] = {"connection", true, true},
    [RATE_LIMITED] = {"rate_limited", true, true},
    [SERVER_ERROR] = {"server_error", true, true},
    [TEXT_REFUSED] = {"text_refused", false, false},
    [DENIED] = {"denied", false, true},
    [FORBIDDEN] = {"forbidden_address", false, true},
    [MALFORMED] = {"malformed", false, true},
    [CANCELLED] = {"cancelled", false, false},
};

static const struct metric_family n_requests = {"tracekin_embeddings_requests_total", METRIC_COUNTER,
                                                "Requests to the embeddings endpoint, each attempt by how it ended."};
static const struct metric_family request_time = {"tracekin_embeddings_request_seconds", METRIC_HISTOGRAM,
                                                  "Time of a request to the embeddings endpoint."};
static const struct metric_family n_hits = {"tracekin_embeddings_cache_hits_total", METRIC_COUNTER,
                                            "Texts whose embedding was remembered."};
static const struct metric_family n_misses = {"tracekin_embeddings_cache_misses_total", METRIC_COUNTER,
                                              "Texts whose embedding was asked for."};
static const struct metric_family breaker_state = {
    "tracekin_embeddings_breaker_state", METRIC_GAUGE,
    "0: the embeddings endpoint is asked; 1: one request tries whether it is back; 2: it is left alone for a while."};

struct api_embedder {
    struct api_embedder_spec spec; /* but its texts, which are these */
    char *url, *model, *authorization;
    struct api_http *http;
    struct lru *cache; /* of one model, so by text alone */
    pthread_mutex_t mutex; /* of the breaker */
    struct breaker breaker;
    struct metric *n_requests[OUTCOMES], *request_time, *n_hits, *n_misses, *breaker_state;
};

/* --- making one */

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
            return true;
    return false;
}

enum err api_embedder_check(const struct api_embedder_spec *spec, struct err_info *e)
{
    AUTO(buf) struct buf url;
    buf_init(&url, URL_MAX);
    TRY(api_embeddings_url(spec->url, &url, e));
    if (spec->model.len == 0 || spec->model.len > MODEL_MAX || has_control(spec->model))
        return ERR_SET(e, ERR_INVALID, "TRACEKIN_EMBEDDINGS_MODEL must name a model of TRACEKIN_EMBEDDINGS_URL, in 1 to %d characters", MODEL_MAX);
    if (str_equal(spec->model, STR(DB_EMBEDDING_MODEL_GIVEN)) || str_starts_with(spec->model, STR("hash-")))
        return ERR_SET(e, ERR_INVALID, "TRACEKIN_EMBEDDINGS_MODEL cannot be '%.*s': '" DB_EMBEDDING_MODEL_GIVEN
                       "' and names that begin with 'hash-' are tracekin's own", STR_ARG(spec->model));
    if (spec->key.len > KEY_MAX || has_control(spec->key))
        return ERR_SET(e, ERR_INVALID, "TRACEKIN_EMBEDDINGS_KEY must be one line of at most %d characters", KEY_MAX);
    return OK;
}

static enum err copy_texts(struct api_embedder *x, struct err_info *e)
{
    AUTO(buf) struct buf url;
    AUTO(buf) struct buf authorization;
    buf_init(&url, URL_MAX);
    buf_init(&authorization, 2 * KEY_MAX);
    TRY(api_embeddings_url(x->spec.url, &url, e));
    buf_printf(&authorization, "Authorization: Bearer %.*s", STR_ARG(x->spec.key));
    x->url = mem_strdup(buf_str(&url));
    x->authorization = x->spec.key.len == 0 ? NULL : mem_strdup(buf_str(&authorization));
    x->model = mem_strdup(x->spec.model);
    const bool has_all = x->url != NULL && x->model != NULL && (x->spec.key.len == 0 || x->authorization != NULL);
    return has_all && buf_is_ok(&authorization) ? OK : ERR_SET_NOMEM(e);
}

static void make_series(struct api_embedder *x)
{
    for (int i = 0; i < OUTCOMES; i++) {
        char label[LABEL_MAX];
        (void)snprintf(label, sizeof label, "outcome=\"%s\"", outcomes[i].name);
        x->n_requests[i] = metrics_series(&n_requests, label);
    }
    x->request_time = metrics_series(&request_time, "");
    x->n_hits = metrics_series(&n_hits, "");
    x->n_misses = metrics_series(&n_misses, "");
    x->breaker_state = metrics_series(&breaker_state, "");
}

static enum err fill(struct api_embedder *x, struct err_info *e)
{
    TRY(copy_texts(x, e));
    TRY(api_http_new(x->spec.allows_link_local, &x->http, e));
    return lru_new(x->spec.cache_max, sizeof(float[EMBEDDING_DIMENSIONS]), &x->cache, e);
}

enum err api_embedder_new(const struct api_embedder_spec *spec, struct api_embedder **out, struct err_info *e)
{
    TRY(api_embedder_check(spec, e));
    struct api_embedder *const x = mem_calloc(1, sizeof *x);
    if (x == NULL)
        return ERR_SET_NOMEM(e);
    x->spec = *spec;
    (void)pthread_mutex_init(&x->mutex, NULL);
    breaker_init(&x->breaker);
    make_series(x);
    const enum err code = fill(x, e);
    if (code == OK)
        *out = x;
    else
        api_embedder_free(x);
    return code;
}

void api_embedder_free(struct api_embedder *x)
{
    if (x == NULL)
        return;
    api_http_free(x->http);
    lru_free(x->cache);
    (void)pthread_mutex_destroy(&x->mutex);
    mem_free(x->url);
    mem_free(x->authorization);
    mem_free(x->model);
    mem_free(x);
}

struct str api_embedder_model(const struct api_embedder *x)
{
    return str_of(x->model);
}

size_t api_embedder_batch_max(const struct api_embedder *x)
{
    return x->spec.batch_max;
}

/* --- the breaker */

static bool admit(struct api_embedder *x, int64_t *retry_ns)
{
    (void)pthread_mutex_lock(&x->mutex);
    const bool is_admitted = breaker_admit(&x->breaker, clock_mono_ns());
    *retry_ns = x->breaker.retry_ns;
    metric_set(x->breaker_state, x->breaker.state);
    (void)pthread_mutex_unlock(&x->mutex);
    return is_admitted;
}

static void settle(struct api_embedder *x, enum outcome outcome, int64_t retry_after_ns)
{
    (void)pthread_mutex_lock(&x->mutex);
    if (outcome == CANCELLED)
        breaker_abandoned(&x->breaker, clock_mono_ns());
    else if (outcomes[outcome].is_failure)
        breaker_failed(&x->breaker, clock_mono_ns(), retry_after_ns);
    else
        breaker_succeeded(&x->breaker);
    metric_set(x->breaker_state, x->breaker.state);
    (void)pthread_mutex_unlock(&x->mutex);
}

int64_t api_embedder_retry_ns(struct api_embedder *x)
{
    const int64_t now_ns = clock_mono_ns();
    (void)pthread_mutex_lock(&x->mutex);
    const int64_t retry_ns = x->breaker.state == BREAKER_OPEN && x->breaker.retry_ns > now_ns ? x->breaker.retry_ns : 0;
    (void)pthread_mutex_unlock(&x->mutex);
    return retry_ns;
}

/* --- one request */

/* A batch on its way. */
struct asking {
    struct api_embedder *embedder;
    const struct db_wait *wait;
    struct str json; /* the request */
    size_t n;
    float (*out)[EMBEDDING_DIMENSIONS];
    struct err_info why; /* of the last attempt */
    int64_t took_ns, retry_after_ns;
};

static enum outcome outcome_of_status(int status)
{
    enum { BAD_REQUEST = 400, TOO_LARGE = 413, UNPROCESSABLE = 422, TOO_MANY = 429, SERVER_ERRORS = 500 };
    if (status >= 200 && status < 300)
        return ANSWERED;
    if (status == BAD_REQUEST || status == TOO_LARGE || status == UNPROCESSABLE)
        return TEXT_REFUSED;
    if (status == TOO_MANY)
        return RATE_LIMITED;
    return status >= SERVER_ERRORS ? SERVER_ERROR : DENIED;
}

static enum outcome outcome_of_failure(enum err code)
{
    if (code == ERR_CANCELLED)
        return CANCELLED;
    if (code == ERR_TOO_LARGE)
        return MALFORMED;
    if (code == ERR_FORBIDDEN)
        return FORBIDDEN;
    return code == ERR_TIMEOUT ? TIMED_OUT : NOT_CONNECTED;
}

/* What the caller is told, in the words of whoever can do something about it. */
static void tell(struct asking *a, enum outcome outcome, int status)
{
    struct err_info *const e = &a->why;
    switch (outcome) {
    case ANSWERED:
        break;
    case TIMED_OUT:
        (void)ERR_SET(e, ERR_UNAVAILABLE, "the embeddings endpoint did not answer in time; try again later");
        break;
    case NOT_CONNECTED:
        (void)ERR_SET(e, ERR_UNAVAILABLE, "the embeddings endpoint cannot be reached, or the connection broke; try again later");
        break;
    case RATE_LIMITED:
        (void)ERR_SET(e, ERR_UNAVAILABLE, "the embeddings endpoint has too much to do (429); try again later");
        break;
    case SERVER_ERROR:
        (void)ERR_SET(e, ERR_UNAVAILABLE, "the embeddings endpoint failed (%d); try again later", status);
        break;
    case TEXT_REFUSED:
        (void)ERR_SET(e, ERR_INVALID, "the embeddings endpoint refused %s (%d): it may be too long for the model",
                      a->n == 1 ? "the text" : "one of the texts", status);
        break;
    case DENIED:
        (void)ERR_SET(e, ERR_UNAVAILABLE, "the embeddings endpoint refused the request (%d): see TRACEKIN_EMBEDDINGS_URL, _MODEL and _KEY", status);
        break;
    case FORBIDDEN:
        (void)ERR_SET(e, ERR_UNAVAILABLE, "the embeddings endpoint has a link-local address, which is not connected to: see "
                      "TRACEKIN_EMBEDDINGS_URL and TRACEKIN_EMBEDDINGS_LINK_LOCAL");
        break;
    case MALFORMED:
        (void)ERR_SET(e, ERR_UNAVAILABLE, "the embeddings endpoint answered more than embeddings can be");
        break;
    case CANCELLED:
    case OUTCOMES:
        (void)ERR_SET(e, ERR_CANCELLED, "the request was cancelled while it waited for the embeddings endpoint");
    }
}

/* Keeps libcurl's words for the log. */
static enum outcome fail(struct asking *a, enum outcome outcome, int status, const struct err_info *detail)
{
    a->why = (struct err_info){0};
    tell(a, outcome, status);
    memcpy(a->why.detail, detail->detail, sizeof a->why.detail);
    return outcome;
}

static enum outcome read_answer(struct asking *a, struct str json)
{
    a->why = (struct err_info){0};
    if (api_embeddings_read_reply(json, a->n, a->out, &a->why) == OK)
        return ANSWERED;
    a->why.code = ERR_UNAVAILABLE;
    return MALFORMED;
}

static enum outcome request(struct asking *a)
{
    struct api_embedder *const x = a->embedder;
    const int64_t start_ns = clock_mono_ns();
    AUTO(buf) struct buf body;
    struct err_info detail = {0};
    buf_init(&body, REPLY_MAX_BYTES);
    struct api_http_reply reply = {.body = &body};
    const struct api_http_request post = {x->url, x->authorization, a->json, x->spec.timeout_ns};
    const enum err code = api_http_post(x->http, a->wait, &post, &reply, &detail);
    a->took_ns = clock_mono_ns() - start_ns;
    a->retry_after_ns = reply.retry_after_ns;
    if (code != OK)
        return fail(a, outcome_of_failure(code), 0, &detail);
    const enum outcome outcome = outcome_of_status(reply.status);
    return outcome == ANSWERED ? read_answer(a, buf_str(&body)) : fail(a, outcome, reply.status, &detail);
}

/* A caller with little time left tells nothing of the endpoint when that time is over. */
static enum outcome attempt(struct asking *a)
{
    struct api_embedder *const x = a->embedder;
    const enum outcome outcome = request(a);
    const bool is_hasty = outcome == TIMED_OUT && a->took_ns < x->spec.timeout_ns / 2;
    metric_add(x->n_requests[outcome], 1);
    metric_observe(x->request_time, (double)a->took_ns / (double)NS_PER_S);
    settle(x, is_hasty ? CANCELLED : outcome, a->retry_after_ns);
    return outcome;
}

/* --- attempts */

/* Half of the growing pause is chance, so that many who failed together do not come back together. */
static int64_t pause_ns(int n_failed, int64_t asked_for_ns)
{
    const int64_t now_ns = clock_mono_ns();
    const uint64_t random = hash64((struct str){(const char *)&now_ns, sizeof now_ns}, (uint64_t)(uintptr_t)&now_ns);
    const int64_t longest_ns = ((int64_t)PAUSE_MS << n_failed) * NS_PER_MS;
    const int64_t chosen_ns = longest_ns / 2 + (int64_t)(random % (uint64_t)(longest_ns / 2));
    return chosen_ns > asked_for_ns ? chosen_ns : asked_for_ns;
}

static enum err left_alone(int64_t retry_ns, struct err_info *e)
{
    const int64_t left_s = (retry_ns - clock_mono_ns()) / NS_PER_S + 1;
    return ERR_SET(e, ERR_UNAVAILABLE, "the embeddings endpoint has failed several times and is not asked for now; try again in %lld s",
                   (long long)(left_s > 0 ? left_s : 1));
}

static enum err give_up(const struct asking *a, struct err_info *e)
{
    if (e != NULL && e->code == OK)
        *e = a->why;
    return a->why.code;
}

static enum err ask(struct asking *a, struct err_info *e)
{
    for (int n_failed = 0;;) {
        int64_t retry_ns = 0;
        if (!admit(a->embedder, &retry_ns))
            return n_failed > 0 ? give_up(a, e) : left_alone(retry_ns, e);
        const enum outcome outcome = attempt(a);
        if (outcome == ANSWERED)
            return OK;
        const int64_t next_ns = clock_mono_ns() + pause_ns(n_failed, a->retry_after_ns);
        if (!outcomes[outcome].is_retried || ++n_failed == ATTEMPTS_MAX || next_ns >= a->wait->deadline_ns)
            return give_up(a, e);
        TRY(api_http_pause(a->wait, next_ns, e));
    }
}

static enum err ask_batch(struct api_embedder *x, const struct db_wait *wait, const struct str *texts, size_t n,
                          float (*out)[EMBEDDING_DIMENSIONS], struct err_info *e)
{
    AUTO(buf) struct buf json;
    buf_init(&json, REQUEST_MAX_BYTES);
    api_embeddings_put_request(&json, str_of(x->model), x->spec.asks_dimensions, texts, n);
    if (!buf_is_ok(&json))
        return ERR_SET_NOMEM(e);
    struct asking a = {.embedder = x, .wait = wait, .json = buf_str(&json), .n = n, .out = out};
    TRY(ask(&a, e));
    for (size_t i = 0; i < n; i++)
        lru_put(x->cache, texts[i], out[i]);
    return OK;
}

/* What of a batch is not remembered. */
struct missing {
    struct str texts[API_EMBEDDINGS_MAX];
    size_t places[API_EMBEDDINGS_MAX];
    size_t n;
    float (*vectors)[EMBEDDING_DIMENSIONS];
};

static void recall(struct api_embedder *x, const struct str *texts, size_t n, float (*out)[EMBEDDING_DIMENSIONS],
                   struct missing *missing)
{
    missing->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (lru_get(x->cache, texts[i], out[i]))
            continue;
        missing->texts[missing->n] = texts[i];
        missing->places[missing->n++] = i;
    }
    metric_add(x->n_hits, n - missing->n);
    metric_add(x->n_misses, missing->n);
}

static enum err embed_batch(struct api_embedder *x, const struct db_wait *wait, const struct str *texts, size_t n,
                            float (*out)[EMBEDDING_DIMENSIONS], struct missing *missing, struct err_info *e)
{
    recall(x, texts, n, out, missing);
    if (missing->n == 0)
        return OK;
    TRY(ask_batch(x, wait, missing->texts, missing->n, missing->vectors, e));
    for (size_t i = 0; i < missing->n; i++)
        memcpy(out[missing->places[i]], missing->vectors[i], sizeof *out);
    return OK;
}

static void missing_auto(struct missing **missing)
{
    if (*missing != NULL)
        mem_free((*missing)->vectors);
    mem_free(*missing);
}

enum err api_embedder_embed(struct api_embedder *x, const struct db_wait *wait, const struct str *texts, size_t n,
                            float (*out)[EMBEDDING_DIMENSIONS], struct err_info *e)
{
    AUTO(missing) struct missing *missing = mem_calloc(1, sizeof *missing);
    if (missing == NULL || (missing->vectors = mem_calloc(x->spec.batch_max, sizeof *missing->vectors)) == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t at = 0; at < n; at += x->spec.batch_max) {
        const size_t n_batch = n - at < x->spec.batch_max ? n - at : x->spec.batch_max;
        TRY(embed_batch(x, wait, texts + at, n_batch, out + at, missing, e));
    }
    return OK;
}
