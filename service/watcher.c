#include "service/watcher.h"

#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/mem.h"
#include "service/traffic.h"
#include "service/wake.h"

enum { EVENTS_MAX = 64, STOP_ID = 0 };

struct service_watcher {
    pthread_t thread;
    pthread_mutex_t mutex;
    struct service_request *first; /* watched, newest first */
    uint64_t last_id;
    int epoll_fd;
    int stop_fd;
};

/* An event may be older than its request: it is looked up by a number that is never used twice. */
static void watcher_cancel(struct service_watcher *w, uint64_t id)
{
    (void)pthread_mutex_lock(&w->mutex);
    struct service_request *r = w->first;
    while (r != NULL && r->watch_id != id)
        r = r->watch_next;
    if (r != NULL && !atomic_exchange(&r->is_cancelled, true)) {
        service_wake(atomic_load(&r->wake_fd));
        service_traffic_cancelled();
    }
    (void)pthread_mutex_unlock(&w->mutex);
}

static void *watcher_run(void *arg)
{
    struct service_watcher *w = arg;
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        const int n = epoll_wait(w->epoll_fd, events, EVENTS_MAX, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.u64 == STOP_ID)
                return NULL;
            watcher_cancel(w, events[i].data.u64);
        }
    }
}

static bool watcher_open(struct service_watcher *w)
{
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    w->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = STOP_ID};
    return w->epoll_fd >= 0 && w->stop_fd >= 0 && epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->stop_fd, &event) == 0 &&
           pthread_create(&w->thread, NULL, watcher_run, w) == 0;
}

static void watcher_close(struct service_watcher *w)
{
    if (w->epoll_fd >= 0)
        (void)close(w->epoll_fd);
    if (w->stop_fd >= 0)
        (void)close(w->stop_fd);
    (void)pthread_mutex_destroy(&w->mutex);
    mem_free(w);
}

enum err service_watcher_new(struct service_watcher **out, struct err_info *e)
{
    struct service_watcher *w = mem_calloc(1, sizeof *w);
    if (w == NULL)
        return ERR_SET_NOMEM(e);
    (void)pthread_mutex_init(&w->mutex, NULL);
    if (!watcher_open(w)) {
        watcher_close(w);
        return ERR_SET(e, ERR_INTERNAL, "the watcher of clients cannot be started: raise the limits of files and threads");
    }
    *out = w;
    return OK;
}

void service_watcher_free(struct service_watcher *w)
{
    if (w == NULL)
        return;
    service_wake(w->stop_fd);
    (void)pthread_join(w->thread, NULL);
    watcher_close(w);
}

void service_watcher_add(struct service_watcher *w, struct service_request *r)
{
    (void)pthread_mutex_lock(&w->mutex);
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.u64 = ++w->last_id};
    if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, r->fd, &event) == 0) {
        r->watch_id = event.data.u64;
        r->watch_previous = NULL;
        r->watch_next = w->first;
        if (w->first != NULL)
            w->first->watch_previous = r;
        w->first = r;
    }
    (void)pthread_mutex_unlock(&w->mutex);
}

void service_watcher_remove(struct service_watcher *w, struct service_request *r)
{
    (void)pthread_mutex_lock(&w->mutex);
    if (r->watch_id != 0) {
        (void)epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, r->fd, NULL);
        if (r->watch_next != NULL)
            r->watch_next->watch_previous = r->watch_previous;
        if (r->watch_previous != NULL)
            r->watch_previous->watch_next = r->watch_next;
        else
            w->first = r->watch_next;
        r->watch_id = 0;
    }
    (void)pthread_mutex_unlock(&w->mutex);
}
