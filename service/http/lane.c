#include "service/http/lane.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"
#include "service/http/traffic.h"
#include "service/process/wake.h"

/* What most replies of a worker fit in: grown from nothing they would be copied six times. */
enum { REPLY_FIRST_BYTES = 8 << 10 };
enum { THREAD_NAME_MAX = 16, SESSION_NAME_MAX = 32 };

struct worker {
    struct service_lane *lane;
    struct db_conn *db;
    struct service_request *current; /* under the lane's mutex */
    pthread_t thread;
    int wake_fd;
};

struct service_lane {
    struct service_lane_spec spec;
    struct service_lane_metrics metrics;
    pthread_mutex_t mutex;
    pthread_cond_t pushed;
    struct service_request **ring;
    size_t head, n_queued, n_reserved;
    bool is_cancelled, is_closed;
    struct worker *workers;
    size_t n_started;
};

static struct service_request *lane_pop(struct service_lane *lane, struct worker *worker)
{
    (void)pthread_mutex_lock(&lane->mutex);
    while (lane->n_queued == 0 && !(lane->is_closed && lane->n_reserved == 0))
        (void)pthread_cond_wait(&lane->pushed, &lane->mutex);
    struct service_request *r = NULL;
    if (lane->n_queued > 0) {
        r = lane->ring[lane->head];
        lane->head = (lane->head + 1) % lane->spec.queue_max;
        lane->n_queued--;
        lane->n_reserved--;
        worker->current = r;
        if (lane->is_cancelled)
            atomic_store(&r->is_cancelled, true);
    }
    if (lane->is_closed && lane->n_reserved == 0)
        (void)pthread_cond_broadcast(&lane->pushed);
    (void)pthread_mutex_unlock(&lane->mutex);
    return r;
}

static void lane_forget(struct service_lane *lane, struct worker *worker)
{
    (void)pthread_mutex_lock(&lane->mutex);
    worker->current = NULL;
    (void)pthread_mutex_unlock(&lane->mutex);
}

static void worker_check(struct service_request *r, int64_t now_ns)
{
    if (atomic_load(&r->is_cancelled))
        (void)ERR_SET(&r->refusal, ERR_CANCELLED, "the request was cancelled before its work began");
    else if (now_ns > r->api.wait.deadline_ns) {
        service_traffic_rejected(REJECTED_EXPIRED);
        (void)ERR_SET(&r->refusal, ERR_TIMEOUT, "the request waited for a worker until its time was up; try again later");
    }
}

static void worker_serve(struct worker *worker, struct service_request *r)
{
    struct service_lane *lane = worker->lane;
    const int64_t now_ns = clock_mono_ns();
    atomic_store(&r->wake_fd, worker->wake_fd);
    service_traffic_popped(&lane->metrics, now_ns - r->queued_ns);
    r->api.db = worker->db;
    r->api.wait.wake_fd = worker->wake_fd;
    worker_check(r, now_ns);
    (void)buf_reserve(&r->reply.body, REPLY_FIRST_BYTES);
    service_request_answer(r);
    if (lane->spec.watcher != NULL)
        service_watcher_remove(lane->spec.watcher, r);
    lane_forget(lane, worker);
    service_traffic_served(&lane->metrics);
    r->stage = STAGE_DONE;
    lane->spec.resume(r);
}

static void *worker_run(void *arg)
{
    struct worker *worker = arg;
    for (struct service_request *r; (r = lane_pop(worker->lane, worker)) != NULL;)
        worker_serve(worker, r);
    return NULL;
}

static enum err worker_start(struct service_lane *lane, struct worker *worker, struct err_info *e)
{
    char name[THREAD_NAME_MAX], session[SESSION_NAME_MAX];
    (void)snprintf(name, sizeof name, "tk-%.10s", lane->spec.name);
    (void)snprintf(session, sizeof session, "tracekin %.10s", lane->spec.name);
    *worker = (struct worker){.lane = lane, .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    worker->db = db_conn_new(lane->spec.database_url, session);
    if (worker->db == NULL)
        return ERR_SET_NOMEM(e);
    if (worker->wake_fd < 0 || pthread_create(&worker->thread, NULL, worker_run, worker) != 0)
        return ERR_SET(e, ERR_INTERNAL, "a %s worker cannot be started: raise the limits of files and threads", lane->spec.name);
    (void)pthread_setname_np(worker->thread, name);
    lane->n_started++;
    return OK;
}

static void worker_close(struct worker *worker)
{
    db_conn_free(worker->db);
    if (worker->wake_fd >= 0)
        (void)close(worker->wake_fd);
}

static enum err lane_start(struct service_lane *lane, struct err_info *e)
{
    lane->ring = mem_calloc(lane->spec.queue_max, sizeof(struct service_request *));
    lane->workers = mem_calloc(lane->spec.n_workers, sizeof *lane->workers);
    if (lane->ring == NULL || lane->workers == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < lane->spec.n_workers; i++) {
        const enum err code = worker_start(lane, &lane->workers[i], e);
        if (code != OK) {
            worker_close(&lane->workers[i]);
            return code;
        }
    }
    return OK;
}

enum err service_lane_new(const struct service_lane_spec *spec, struct service_lane **out, struct err_info *e)
{
    struct service_lane *lane = mem_calloc(1, sizeof *lane);
    if (lane == NULL)
        return ERR_SET_NOMEM(e);
    lane->spec = *spec;
    service_traffic_lane(&lane->metrics, spec->name, spec->n_workers);
    (void)pthread_mutex_init(&lane->mutex, NULL);
    (void)pthread_cond_init(&lane->pushed, NULL);
    const enum err code = lane_start(lane, e);
    if (code == OK)
        *out = lane;
    else
        service_lane_free(lane);
    return code;
}

bool service_lane_reserve(struct service_lane *lane)
{
    (void)pthread_mutex_lock(&lane->mutex);
    const bool has_slot = lane->n_reserved < lane->spec.queue_max && !lane->is_closed && !lane->is_cancelled;
    lane->n_reserved += has_slot;
    (void)pthread_mutex_unlock(&lane->mutex);
    return has_slot;
}

void service_lane_push(struct service_lane *lane, struct service_request *r)
{
    r->queued_ns = clock_mono_ns();
    if (lane->spec.watcher != NULL)
        service_watcher_add(lane->spec.watcher, r);
    service_traffic_pushed(&lane->metrics);
    (void)pthread_mutex_lock(&lane->mutex);
    lane->ring[(lane->head + lane->n_queued) % lane->spec.queue_max] = r;
    lane->n_queued++;
    (void)pthread_mutex_unlock(&lane->mutex);
    /* Not before: the worker would wake only to wait for the mutex. */
    (void)pthread_cond_signal(&lane->pushed);
}

bool service_lane_is_stuck(struct service_lane *lane, int64_t then_ns)
{
    (void)pthread_mutex_lock(&lane->mutex);
    bool is_stuck = lane->n_queued > 0 && lane->ring[lane->head]->api.wait.deadline_ns < then_ns;
    for (size_t i = 0; i < lane->n_started; i++) {
        const struct service_request *r = lane->workers[i].current;
        is_stuck = is_stuck || (r != NULL && r->api.wait.deadline_ns < then_ns);
    }
    (void)pthread_mutex_unlock(&lane->mutex);
    return is_stuck;
}

void service_lane_cancel(struct service_lane *lane)
{
    (void)pthread_mutex_lock(&lane->mutex);
    lane->is_cancelled = true;
    for (size_t i = 0; i < lane->n_started; i++) {
        if (lane->workers[i].current == NULL)
            continue;
        atomic_store(&lane->workers[i].current->is_cancelled, true);
        service_wake(lane->workers[i].wake_fd);
    }
    (void)pthread_mutex_unlock(&lane->mutex);
}

void service_lane_close(struct service_lane *lane)
{
    if (lane == NULL)
        return;
    (void)pthread_mutex_lock(&lane->mutex);
    lane->is_closed = true;
    (void)pthread_cond_broadcast(&lane->pushed);
    (void)pthread_mutex_unlock(&lane->mutex);
    for (; lane->n_started > 0; lane->n_started--) {
        (void)pthread_join(lane->workers[lane->n_started - 1].thread, NULL);
        worker_close(&lane->workers[lane->n_started - 1]);
    }
}

void service_lane_free(struct service_lane *lane)
{
    if (lane == NULL)
        return;
    service_lane_close(lane);
    (void)pthread_cond_destroy(&lane->pushed);
    (void)pthread_mutex_destroy(&lane->mutex);
    mem_free(lane->workers);
    mem_free(lane->ring);
    mem_free(lane);
}
