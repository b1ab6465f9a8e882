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

static sigset_t reload_signal(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGHUP);
    return set;
}

void service_signals_block_reload(void)
{
    const sigset_t set = reload_signal();
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

enum service_signal service_signals_wait(int64_t timeout_ns)
{
    sigset_t set = stop_signals();
    (void)sigaddset(&set, SIGHUP);
    const struct timespec timeout = {.tv_sec = timeout_ns / NS_PER_S, .tv_nsec = timeout_ns % NS_PER_S};
    const int signal = sigtimedwait(&set, NULL, &timeout);
    return signal < 0 ? SIGNAL_NONE : signal == SIGHUP ? SIGNAL_RELOAD : SIGNAL_STOP;
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
