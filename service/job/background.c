#include "service/job/background.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"
#include "service/process/wake.h"

struct service_background {
    struct service_background_job job;
    struct db_conn *conn;
    pthread_t thread;
    atomic_bool is_stopping;
    int wake_fd; /* readable from the stop on, until a wait of the step's reads it */
};

static void *background_run(void *arg)
{
    struct service_background *const b = arg;
    (void)pthread_setname_np(pthread_self(), b->job.name);
    while (!atomic_load(&b->is_stopping)) {
        const struct db_wait wait = {
            .deadline_ns = clock_mono_ns() + b->job.step_timeout_s * NS_PER_S,
            .cancelled = &b->is_stopping,
            .wake_fd = b->wake_fd,
        };
        const int pause_ms = b->job.step(b->job.arg, b->conn, &wait);
        struct pollfd stop = {.fd = b->wake_fd, .events = POLLIN};
        /* A step that is told of the stop has read what would end the sleep, and may not have said so. */
        if (!atomic_load(&b->is_stopping))
            (void)poll(&stop, 1, pause_ms);
    }
    return NULL;
}

static void background_close(struct service_background *b)
{
    db_conn_free(b->conn);
    if (b->wake_fd >= 0)
        (void)close(b->wake_fd);
    mem_free(b);
}

enum err service_background_new(const struct service_background_job *job, const char *url, struct service_background **out,
                                struct err_info *e)
{
    struct service_background *const b = mem_calloc(1, sizeof *b);
    if (b == NULL)
        return ERR_SET_NOMEM(e);
    b->job = *job;
    b->conn = db_conn_new(url, job->name);
    b->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (b->conn == NULL || b->wake_fd < 0 || pthread_create(&b->thread, NULL, background_run, b) != 0) {
        background_close(b);
        return ERR_SET(e, ERR_INTERNAL, "the background job %s cannot be started: raise the limits of files and threads",
                       job->name);
    }
    *out = b;
    return OK;
}

void service_background_free(struct service_background *b)
{
    if (b == NULL)
        return;
    atomic_store(&b->is_stopping, true);
    service_wake(b->wake_fd);
    (void)pthread_join(b->thread, NULL);
    background_close(b);
}
