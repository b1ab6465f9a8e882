#include "service/http/pulse.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/clock.h"

static const char question[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/* libmicrohttpd gives a connection to the thread that the number of its socket names, so a number is chosen. The socket is
 * taken; -1 when the process may not have so many files. */
static int pulse_renumber(int fd, size_t thread, size_t n_threads)
{
    while (fd >= 0 && (size_t)fd % n_threads != thread) {
        const size_t least = (size_t)fd + (thread + n_threads - (size_t)fd % n_threads) % n_threads;
        const int other = fcntl(fd, F_DUPFD_CLOEXEC, (int)least);
        (void)close(fd);
        fd = other;
    }
    return fd;
}

/* A socket on which that thread will answer; -1 when there is none to be had. */
static int pulse_ask(struct service_engine *engine, size_t thread, size_t n_threads)
{
    const struct sockaddr_un nobody = {.sun_family = AF_UNIX};
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        return -1;
    const int theirs = pulse_renumber(pair[1], thread, n_threads);
    const bool is_sent = theirs >= 0 && send(pair[0], question, sizeof question - 1, MSG_NOSIGNAL) == (ssize_t)(sizeof question - 1);
    if (theirs >= 0 && !is_sent)
        (void)close(theirs);
    if (is_sent && service_engine_add(engine, theirs, (const struct sockaddr *)&nobody, sizeof nobody))
        return pair[0];
    (void)close(pair[0]);
    return -1;
}

/* Whatever its thread does with it shows life, be it that it ends a connection that speaks no TLS where TLS is spoken: that
 * /healthz is 200 is for others to ask. The socket is taken. */
static bool pulse_answers(int fd, int64_t deadline_ns)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    const bool answers = poll(&readable, 1, clock_left_ms(deadline_ns)) == 1;
    (void)close(fd);
    return answers;
}

bool service_pulse_is_felt(struct service_engine *engine, size_t n_threads, int64_t deadline_ns)
{
    for (size_t i = 0; i < n_threads; i++) {
        const int fd = pulse_ask(engine, i, n_threads);
        if (fd < 0 || !pulse_answers(fd, deadline_ns))
            return false;
    }
    return true;
}
