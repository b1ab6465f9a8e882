#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "core/clock.h"
#include "db/session/conn_internal.h"

bool db_wait_is_cancelled(const struct db_wait *wait)
{
    return wait->cancelled != NULL && atomic_load(wait->cancelled);
}

/* A wake meant for an earlier wait must not make every poll of this one return at once. */
static void wake_consume(int wake_fd)
{
    uint64_t n_wakes;
    while (read(wake_fd, &n_wakes, sizeof n_wakes) < 0 && errno == EINTR)
        continue;
}

enum err db_wait_ready(const struct db_wait *wait, int fd, short events)
{
    struct pollfd fds[] = {{.fd = fd, .events = events}, {.fd = wait->wake_fd, .events = POLLIN}};
    const nfds_t n_fds = wait->cancelled != NULL && wait->wake_fd >= 0 ? 2 : 1;
    for (;;) {
        if (db_wait_is_cancelled(wait))
            return ERR_CANCELLED;
        const int left_ms = clock_left_ms(wait->deadline_ns);
        if (left_ms == 0)
            return ERR_TIMEOUT;
        const int n_ready = poll(fds, n_fds, left_ms);
        if (n_ready < 0 && errno != EINTR)
            return ERR_UNAVAILABLE;
        if (n_ready > 0 && fds[0].revents != 0)
            return OK;
        if (n_ready > 0)
            wake_consume(wait->wake_fd);
    }
}
