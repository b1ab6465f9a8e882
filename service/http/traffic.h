/* What is counted of HTTP traffic, and of the log. Any thread. */
#ifndef TRACEKIN_SERVICE_TRAFFIC_H
#define TRACEKIN_SERVICE_TRAFFIC_H

#include "core/metrics.h"
#include "service/http/request.h"

/* Why a request or a connection was turned away before its work. */
enum service_rejection {
    REJECTED_AMBIGUOUS,   /* a header that a proxy could read otherwise */
    REJECTED_TOO_LARGE,
    REJECTED_MEMORY,      /* of all requests */
    REJECTED_QUEUE_FULL,
    REJECTED_EXPIRED,     /* its time was up before a worker was free */
    REJECTED_CONNECTIONS, /* too many */
    REJECTED_UNAUTHENTICATED, /* without an API key, or with one that is not known */
    REJECTED_FORBIDDEN,   /* with one that may not do that */
    REJECTED_RATE,        /* too often */
    REJECTED_SLOW,        /* a header, body or reply that took too long */
};

struct service_lane_metrics {
    struct metric *depth, *running, *wait;
};

void service_traffic_lane(struct service_lane_metrics *m, const char *lane, size_t n_workers);
void service_traffic_pushed(struct service_lane_metrics *m);
void service_traffic_popped(struct service_lane_metrics *m, int64_t wait_ns);
void service_traffic_served(struct service_lane_metrics *m);

void service_traffic_rejected(enum service_rejection why);
void service_traffic_cancelled(void);
void service_traffic_connected(int64_t delta);
void service_traffic_begun(void);
/* The request is over; status 0: the connection was lost before a reply. One line at debug level. */
void service_traffic_ended(const struct service_request *r);
/* tracekin_build_info, and what is 0 until it happens. */
void service_traffic_init(void);

#endif
