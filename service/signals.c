#include "service/signals.h"

#include <signal.h>
#include <time.h>

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

bool service_signals_wait(int64_t timeout_ns)
{
    const sigset_t set = stop_signals();
    const struct timespec timeout = {.tv_sec = timeout_ns / NS_PER_S, .tv_nsec = timeout_ns % NS_PER_S};
    return sigtimedwait(&set, NULL, &timeout) > 0;
}
