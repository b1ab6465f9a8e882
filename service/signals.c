#include "service/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"

static sigset_t stop_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    return set;
}

void service_signals_block(void)
{
    const sigset_t set = stop_signals();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void service_signals_unblock(void)
{
    const sigset_t set = stop_signals();
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

bool service_signals_wait(int64_t timeout_ns)
{
    const sigset_t set = stop_signals();
    const struct timespec timeout = {.tv_sec = timeout_ns / NS_PER_S, .tv_nsec = timeout_ns % NS_PER_S};
    return sigtimedwait(&set, NULL, &timeout) > 0;
}

int service_signals_open(void)
{
    const sigset_t set = stop_signals();
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

bool service_signals_take(int fd)
{
    struct signalfd_siginfo signal;
    return read(fd, &signal, sizeof signal) == (ssize_t)sizeof signal;
}
