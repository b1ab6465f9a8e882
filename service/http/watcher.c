#include "service/http/watcher.h"

#include <poll.h>
#include <pthread.h>

#include "core/clock.h"
#include "core/mem.h"
#include "service/http/traffic.h"
#include "service/process/wake.h"

enum { LOOK_EVERY_MS = 20, LOOKS_IN_VAIN_MAX = 50, FDS_MAX = 64 };

struct service_watcher {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct service_request *first; /* watched, newest first */
    bool is_asleep;                /* until one is watched */
    bool is_stopped;
};

static void watcher_cancel(struct service_request *r)
{
    if (atomic_exchange(&r->is_cancelled, true))
        return;
    service_wake(atomic_load(&r->wake_fd));
    service_traffic_cancelled();
}

/* Looks at up to FDS_MAX requests, and returns the one after them. */
static struct service_request *watcher_look_at(struct service_request *r)
{
    struct pollfd fds[FDS_MAX];
    struct service_request *const begin = r;
    nfds_t n = 0;
    for (; r != NULL && n < FDS_MAX; r = r->watch_next)
        fds[n++] = (struct pollfd){.fd = r->fd, .events = POLLRDHUP};
    if (poll(fds, n, 0) <= 0)
        return r;
    r = begin;
    for (nfds_t i = 0; i < n; i++, r = r->watch_next)
        if (fds[i].revents != 0)
            watcher_cancel(r);
    return r;
}

static void watcher_look(struct service_watcher *w)
{
    for (struct service_request *r = w->first; r != NULL;)
        r = watcher_look_at(r);
}

static void watcher_pause(struct service_watcher *w)
{
    struct timespec until;
    const int64_t until_ns = clock_mono_ns() + LOOK_EVERY_MS * NS_PER_MS;
    until.tv_sec = until_ns / NS_PER_S;
    until.tv_nsec = until_ns % NS_PER_S;
    (void)pthread_cond_timedwait(&w->changed, &w->mutex, &until);
}

/* Sleeps for good only after a while without requests, so that a busy service wakes it with none. */
static void watcher_sleep(struct service_watcher *w)
{
    w->is_asleep = true;
    while (w->first == NULL && !w->is_stopped)
        (void)pthread_cond_wait(&w->changed, &w->mutex);
    w->is_asleep = false;
}

static void *watcher_run(void *arg)
{
    struct service_watcher *w = arg;
    (void)pthread_mutex_lock(&w->mutex);
    for (int n_in_vain = 0; !w->is_stopped; n_in_vain = w->first == NULL ? n_in_vain + 1 : 0) {
        if (n_in_vain > LOOKS_IN_VAIN_MAX)
            watcher_sleep(w);
        watcher_pause(w);
        watcher_look(w);
    }
    (void)pthread_mutex_unlock(&w->mutex);
    return NULL;
}

static void watcher_close(struct service_watcher *w)
{
    (void)pthread_cond_destroy(&w->changed);
    (void)pthread_mutex_destroy(&w->mutex);
    mem_free(w);
}

static void watcher_init(struct service_watcher *w)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&w->mutex, NULL);
    (void)pthread_cond_init(&w->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

enum err service_watcher_new(struct service_watcher **out, struct err_info *e)
{
    struct service_watcher *w = mem_calloc(1, sizeof *w);
    if (w == NULL)
        return ERR_SET_NOMEM(e);
    watcher_init(w);
    if (pthread_create(&w->thread, NULL, watcher_run, w) != 0) {
        watcher_close(w);
        return ERR_SET(e, ERR_INTERNAL, "the watcher of clients cannot be started: raise the limit of threads");
    }
    *out = w;
    return OK;
}

void service_watcher_free(struct service_watcher *w)
{
    if (w == NULL)
        return;
    (void)pthread_mutex_lock(&w->mutex);
    w->is_stopped = true;
    (void)pthread_cond_signal(&w->changed);
    (void)pthread_mutex_unlock(&w->mutex);
    (void)pthread_join(w->thread, NULL);
    watcher_close(w);
}

void service_watcher_add(struct service_watcher *w, struct service_request *r)
{
    (void)pthread_mutex_lock(&w->mutex);
    r->is_watched = true;
    r->watch_previous = NULL;
    r->watch_next = w->first;
    if (w->first != NULL)
        w->first->watch_previous = r;
    w->first = r;
    if (w->is_asleep)
        (void)pthread_cond_signal(&w->changed);
    (void)pthread_mutex_unlock(&w->mutex);
}

void service_watcher_remove(struct service_watcher *w, struct service_request *r)
{
    (void)pthread_mutex_lock(&w->mutex);
    if (r->is_watched) {
        if (r->watch_next != NULL)
            r->watch_next->watch_previous = r->watch_previous;
        if (r->watch_previous != NULL)
            r->watch_previous->watch_next = r->watch_next;
        else
            w->first = r->watch_next;
        r->is_watched = false;
    }
    (void)pthread_mutex_unlock(&w->mutex);
}
