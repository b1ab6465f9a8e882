#include "service/http/traffic.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "api/endpoint/routes.h"
#include "core/clock.h"
#include "core/log.h"

static const struct metric_family requests_total = {
    "tracekin_http_requests_total", METRIC_COUNTER, "Requests answered, by route and status code; 0 when the client left."};
static const struct metric_family duration_seconds = {
    "tracekin_http_request_duration_seconds", METRIC_HISTOGRAM, "From the request line to the last byte of the reply."};
static const struct metric_family in_flight = {"tracekin_http_requests_in_flight", METRIC_GAUGE, "Requests being read or answered."};
static const struct metric_family connections = {"tracekin_http_connections", METRIC_GAUGE, "Open client connections."};
static const struct metric_family received_bytes = {
    "tracekin_http_received_body_bytes_total", METRIC_COUNTER, "Bytes of request bodies, as they came."};
static const struct metric_family sent_bytes = {"tracekin_http_sent_body_bytes_total", METRIC_COUNTER, "Bytes of reply bodies."};
static const struct metric_family rejected_total = {
    "tracekin_rejected_total", METRIC_COUNTER, "Requests and connections turned away, by reason."};
static const struct metric_family cancelled_total = {
    "tracekin_http_cancelled_total", METRIC_COUNTER, "Requests cancelled because their client went away."};
static const struct metric_family queue_depth = {"tracekin_queue_depth", METRIC_GAUGE, "Requests waiting for a worker, by lane."};
static const struct metric_family queue_workers = {"tracekin_queue_workers", METRIC_GAUGE, "Workers, by lane."};
static const struct metric_family queue_running = {"tracekin_queue_running", METRIC_GAUGE, "Requests with a worker, by lane."};
static const struct metric_family queue_wait = {
    "tracekin_queue_wait_seconds", METRIC_HISTOGRAM, "How long requests waited for a worker, by lane."};
static const struct metric_family log_lines = {"tracekin_log_lines_total", METRIC_COUNTER, "Lines of the log, by level."};
static const struct metric_family log_dropped = {
    "tracekin_log_dropped_lines_total", METRIC_COUNTER, "Lines of the log that stderr would not take."};
static const struct metric_family build_info = {"tracekin_build_info", METRIC_GAUGE, "Always 1; the version is a label."};

/* Found once: a series is found by its labels, under a lock. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct metric *in_flight_series, *received_series, *sent_series;

static const char *const methods[] = {"GET", "HEAD", "POST", "OPTIONS", "other"};
enum { N_METHODS = ARRAY_LEN(methods), ROUTES_MAX = 64, CODE_KEPT = 200 };

/* The series of a route and a method that most requests are counted in; NULL until the first. */
struct route_series {
    _Atomic(struct metric *) duration, answered; /* with CODE_KEPT */
};
static struct route_series of_routes[ROUTES_MAX][N_METHODS];

static const char *const rejection_names[] = {
    [REJECTED_AMBIGUOUS] = "ambiguous", [REJECTED_TOO_LARGE] = "too_large", [REJECTED_MEMORY] = "memory",
    [REJECTED_QUEUE_FULL] = "queue_full", [REJECTED_EXPIRED] = "expired",
    [REJECTED_CONNECTIONS] = "connections",
    [REJECTED_UNAUTHENTICATED] = "unauthenticated", [REJECTED_FORBIDDEN] = "forbidden", [REJECTED_RATE] = "rate", [REJECTED_SLOW] = "slow"};

void service_traffic_lane(struct service_lane_metrics *m, const char *lane, size_t n_workers)
{
    char labels[METRICS_LABELS_MAX];
    (void)snprintf(labels, sizeof labels, "lane=\"%s\"", lane);
    m->depth = metrics_series(&queue_depth, labels);
    m->running = metrics_series(&queue_running, labels);
    m->wait = metrics_series(&queue_wait, labels);
    metric_set(metrics_series(&queue_workers, labels), (double)n_workers);
}

void service_traffic_pushed(struct service_lane_metrics *m)
{
    metric_move(m->depth, 1);
}

void service_traffic_popped(struct service_lane_metrics *m, int64_t wait_ns)
{
    metric_move(m->depth, -1);
    metric_move(m->running, 1);
    metric_observe(m->wait, (double)wait_ns / (double)NS_PER_S);
}

void service_traffic_served(struct service_lane_metrics *m)
{
    metric_move(m->running, -1);
}

void service_traffic_rejected(enum service_rejection why)
{
    char labels[METRICS_LABELS_MAX];
    (void)snprintf(labels, sizeof labels, "reason=\"%s\"", rejection_names[why]);
    metric_add(metrics_series(&rejected_total, labels), 1);
}

void service_traffic_cancelled(void)
{
    metric_add(metrics_series(&cancelled_total, ""), 1);
}

void service_traffic_connected(int64_t delta)
{
    metric_move(metrics_series(&connections, ""), delta);
}

static void find_series(void)
{
    in_flight_series = metrics_series(&in_flight, "");
    received_series = metrics_series(&received_bytes, "");
    sent_series = metrics_series(&sent_bytes, "");
}

void service_traffic_begun(void)
{
    (void)pthread_once(&once, find_series);
    metric_move(in_flight_series, 1);
}

/* Labels must be few: a method nobody serves is the last. */
static size_t traffic_method(struct str method)
{
    size_t i = 0;
    while (i < N_METHODS - 1 && !str_equal(method, str_of(methods[i])))
        i++;
    return i;
}

static const char *traffic_route(const struct service_request *r)
{
    return r->api.route == NULL ? "none" : r->api.route->path;
}

static struct metric *find_duration(const struct service_request *r, size_t method)
{
    char labels[METRICS_LABELS_MAX];
    (void)snprintf(labels, sizeof labels, "method=\"%s\",route=\"%s\"", methods[method], traffic_route(r));
    return metrics_series(&duration_seconds, labels);
}

static struct metric *find_answered(const struct service_request *r, size_t method)
{
    char labels[METRICS_LABELS_MAX];
    (void)snprintf(labels, sizeof labels, "method=\"%s\",route=\"%s\",code=\"%d\"", methods[method], traffic_route(r),
                   r->reply.status);
    return metrics_series(&requests_total, labels);
}

static struct metric *kept(_Atomic(struct metric *) *at, struct metric *(*find)(const struct service_request *r, size_t method),
                           const struct service_request *r, size_t method)
{
    struct metric *m = atomic_load_explicit(at, memory_order_acquire); /* what it points to was made by another thread */
    if (m == NULL) {
        m = find(r, method);
        atomic_store_explicit(at, m, memory_order_release);
    }
    return m;
}

static void traffic_count(const struct service_request *r, size_t method, double seconds)
{
    const size_t route = r->api.route == NULL ? ROUTES_MAX : (size_t)(r->api.route - api_routes);
    if (route < ROUTES_MAX && r->reply.status == CODE_KEPT) {
        struct route_series *const s = &of_routes[route][method];
        metric_observe(kept(&s->duration, find_duration, r, method), seconds);
        metric_add(kept(&s->answered, find_answered, r, method), 1);
    } else {
        metric_observe(find_duration(r, method), seconds);
        metric_add(find_answered(r, method), 1);
    }
}

static void traffic_log(const struct service_request *r, const char *method, const char *route, double seconds)
{
    log_set_request_id(r->api.request_id);
    log_set_key(str_of(r->caller.key_name));
    LOG(LOG_DEBUG, "request", LOG_CSTR("method", method), LOG_CSTR("route", route), LOG_INT("status", r->reply.status),
        LOG_REAL("duration_ms", seconds * 1000), LOG_INT("body_bytes", r->n_body_bytes));
    log_set_request_id((struct str){0});
    log_set_key((struct str){0});
}

void service_traffic_ended(const struct service_request *r)
{
    const size_t method = traffic_method(r->api.method);
    const double seconds = (double)(clock_mono_ns() - r->start_ns) / (double)NS_PER_S;
    traffic_count(r, method, seconds);
    metric_add(received_series, r->n_body_bytes);
    metric_add(sent_series, r->n_reply_bytes);
    metric_move(in_flight_series, -1);
    traffic_log(r, methods[method], traffic_route(r), seconds);
}

/* The log counts by itself, being there before any metric. */
static void follow_log(void *arg)
{
    (void)arg;
    static const char *const labels[] = {[LOG_DEBUG] = "level=\"debug\"", [LOG_INFO] = "level=\"info\"",
                                         [LOG_WARN] = "level=\"warn\"", [LOG_ERROR] = "level=\"error\""};
    for (size_t level = 0; level < ARRAY_LEN(labels); level++)
        metric_follow(metrics_series(&log_lines, labels[level]), log_n_lines((enum log_level)level));
    metric_follow(metrics_series(&log_dropped, ""), log_n_dropped());
}

void service_traffic_init(void)
{
    metrics_add_hook(follow_log, NULL);
    metric_set(metrics_series(&build_info, "version=\"" TRACEKIN_VERSION "\""), 1);
    metric_add(metrics_series(&cancelled_total, ""), 0);
    for (size_t i = 0; i < ARRAY_LEN(rejection_names); i++) {
        char labels[METRICS_LABELS_MAX];
        (void)snprintf(labels, sizeof labels, "reason=\"%s\"", rejection_names[i]);
        metric_add(metrics_series(&rejected_total, labels), 0);
    }
}
