#include "service/process/interrupt.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/mem.h"
#include "service/process/signals.h"
#include "service/process/wake.h"

struct service_interrupt {
    pthread_t thread;
    atomic_bool has_come;
    int signal_fd;
    int wake_fd; /* readable once a signal has come */
    int stop_fd;
};

static void *interrupt_run(void *arg)
{
    struct service_interrupt *i = arg;
    struct pollfd fds[] = {{.fd = i->stop_fd, .events = POLLIN}, {.fd = i->signal_fd, .events = POLLIN}};
    for (;;) {
        (void)poll(fds, ARRAY_LEN(fds), -1);
        if (fds[0].revents != 0)
            return NULL;
        if (service_signals_take(i->signal_fd))
            break;
    }
    atomic_store(&i->has_come, true);
    service_wake(i->wake_fd);
    return NULL;
}

static void interrupt_close(struct service_interrupt *i)
{
    const int fds[] = {i->signal_fd, i->wake_fd, i->stop_fd};
    for (size_t n = 0; n < ARRAY_LEN(fds); n++)
        if (fds[n] >= 0)
            (void)close(fds[n]);
    mem_free(i);
}

enum err service_interrupt_new(struct service_interrupt **out, struct err_info *e)
{
    struct service_interrupt *i = mem_calloc(1, sizeof *i);
    if (i == NULL)
        return ERR_SET_NOMEM(e);
    atomic_init(&i->has_come, false);
    i->signal_fd = service_signals_open();
    i->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    i->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    const bool has_fds = i->signal_fd >= 0 && i->wake_fd >= 0 && i->stop_fd >= 0;
    if (!has_fds || pthread_create(&i->thread, NULL, interrupt_run, i) != 0) {
        interrupt_close(i);
        return ERR_SET(e, ERR_INTERNAL, "the thread that waits for signals cannot be started: raise the limits of files and threads");
    }
    *out = i;
    return OK;
}

bool service_interrupt_end(struct service_interrupt *i)
{
    service_wake(i->stop_fd);
    (void)pthread_join(i->thread, NULL);
    const bool has_come = atomic_load(&i->has_come);
    interrupt_close(i);
    return has_come;
}

struct db_wait service_interrupt_wait(const struct service_interrupt *i, int64_t deadline_ns)
{
    return (struct db_wait){.deadline_ns = deadline_ns, .cancelled = &i->has_come, .wake_fd = i->wake_fd};
}

bool service_interrupt_pause(const struct service_interrupt *i, int ms)
{
    struct pollfd fd = {.fd = i->wake_fd, .events = POLLIN};
    (void)poll(&fd, 1, ms);
    return atomic_load(&i->has_come);
}
