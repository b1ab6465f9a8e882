#include "service/process/signals.h"

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

void service_signals_block_reload(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void service_signals_unblock(void)
{
    const sigset_t set = stop_signals();
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static int wait_for(const sigset_t *set, int64_t timeout_ns)
{
    const struct timespec timeout = {.tv_sec = timeout_ns / NS_PER_S, .tv_nsec = timeout_ns % NS_PER_S};
    return sigtimedwait(set, NULL, &timeout);
}

bool service_signals_wait(int64_t timeout_ns)
{
    const sigset_t set = stop_signals();
    return wait_for(&set, timeout_ns) > 0;
}

enum service_signal service_signals_next(int64_t timeout_ns)
{
    sigset_t set = stop_signals();
    (void)sigaddset(&set, SIGHUP);
    const int signal = wait_for(&set, timeout_ns);
    if (signal <= 0)
        return SERVICE_SIGNAL_NONE;
    return signal == SIGHUP ? SERVICE_SIGNAL_RELOAD : SERVICE_SIGNAL_STOP;
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
