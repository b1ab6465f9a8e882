/* A lane: a bounded queue of requests and the workers that serve them, so that one kind of work cannot starve another.
 *
 * Each worker has its own session with the database, made when it is first used. A slot is reserved before the client's
 * connection is suspended, so a push cannot fail. */
#ifndef TRACEKIN_SERVICE_LANE_H
#define TRACEKIN_SERVICE_LANE_H

#include "service/http/watcher.h"

struct service_lane;

struct service_lane_spec {
    const char *name; /* in metrics and thread names, at most 10 characters */
    size_t n_workers, queue_max;
    const char *database_url;
    struct service_watcher *watcher; /* NULL: its requests run on when the client is gone */
    void (*resume)(struct service_request *r); /* gives a request back to its HTTP thread */
};

enum err service_lane_new(const struct service_lane_spec *spec, struct service_lane **out, struct err_info *e) MUST_USE;
/* Takes a slot of the queue; false when it is full or the lane is closed. Any thread. */
bool service_lane_reserve(struct service_lane *lane);
/* Uses a slot. */
void service_lane_push(struct service_lane *lane, struct service_request *r);
/* Whether a request whose time was up at that moment still waits or is still served. */
bool service_lane_is_stuck(struct service_lane *lane, int64_t then_ns);
/* Cancels what runs and answers 503 to what waits; from then on nothing can be reserved. */
void service_lane_cancel(struct service_lane *lane);
/* Serves what is queued, then ends the workers; from then on nothing can be reserved. */
void service_lane_close(struct service_lane *lane);
/* Closes it if it is not; nobody may call it any more. */
void service_lane_free(struct service_lane *lane);

#endif
