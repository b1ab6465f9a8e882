#include "service/serve/watchdog.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "service/http/pulse.h"
#include "service/process/notify.h"
#include "service/process/wake.h"

/* One look may take a quarter of the manager's interval and the pause after it is another: two looks may fail for passing
 * reasons before the manager acts. */
enum { LOOKS_PER_INTERVAL = 4 };

struct service_watchdog {
    struct service_watched watched;
    int64_t interval_ns;
    pthread_t thread;
    int stop_fd;
    bool was_alive;
};

/* A worker may be late by the manager's interval, which is what cancelling a statement may take and more. */
static const char *watchdog_stuck(const struct service_watchdog *w, int64_t deadline_ns)
{
    if (!service_listener_answers(w->watched.listener, deadline_ns))
        return "listener";
    if (!service_pulse_is_felt(w->watched.engine, w->watched.n_http_threads, deadline_ns))
        return "HTTP thread";
    for (size_t i = 0; i < w->watched.n_lanes; i++)
        if (w->watched.lanes[i] != NULL && service_lane_is_stuck(w->watched.lanes[i], clock_mono_ns() - w->interval_ns))
            return "worker";
    if (w->watched.writer != NULL && db_writer_is_stuck(w->watched.writer, clock_mono_ns() - w->interval_ns, deadline_ns))
        return "writer";
    return NULL;
}

static void watchdog_look(struct service_watchdog *w)
{
    const char *stuck = watchdog_stuck(w, clock_mono_ns() + w->interval_ns / LOOKS_PER_INTERVAL);
    if (stuck == NULL)
        service_notify_alive();
    else if (w->was_alive)
        LOG(LOG_ERROR, "watchdog_not_fed", LOG_CSTR("stuck", stuck),
            LOG_CSTR("help", "the service manager will start the service anew unless it recovers"));
    else
        return;
    w->was_alive = stuck == NULL;
}

static void *watchdog_run(void *arg)
{
    struct service_watchdog *w = arg;
    struct pollfd stop = {.fd = w->stop_fd, .events = POLLIN};
    (void)pthread_setname_np(pthread_self(), "tk-watchdog");
    do
        watchdog_look(w);
    while (poll(&stop, 1, (int)(w->interval_ns / LOOKS_PER_INTERVAL / NS_PER_MS)) == 0);
    return NULL;
}

static void watchdog_close(struct service_watchdog *w)
{
    if (w->stop_fd >= 0)
        (void)close(w->stop_fd);
    mem_free(w);
}

enum err service_watchdog_new(const struct service_watched *watched, struct service_watchdog **out, struct err_info *e)
{
    const int64_t interval_ns = service_notify_watchdog_ns();
    *out = NULL;
    if (interval_ns == 0)
        return OK;
    struct service_watchdog *w = mem_calloc(1, sizeof *w);
    if (w == NULL)
        return ERR_SET_NOMEM(e);
    *w = (struct service_watchdog){.watched = *watched, .interval_ns = interval_ns, .was_alive = true};
    w->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->stop_fd < 0 || pthread_create(&w->thread, NULL, watchdog_run, w) != 0) {
        watchdog_close(w);
        return ERR_SET(e, ERR_INTERNAL, "the watchdog cannot be started: raise the limits of files and threads");
    }
    *out = w;
    return OK;
}

void service_watchdog_free(struct service_watchdog *w)
{
    if (w == NULL)
        return;
    service_wake(w->stop_fd);
    (void)pthread_join(w->thread, NULL);
    watchdog_close(w);
}
