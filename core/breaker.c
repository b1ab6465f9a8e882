#include "core/breaker.h"

#include "core/clock.h"

void breaker_init(struct breaker *b)
{
    *b = (struct breaker){.state = BREAKER_CLOSED};
}

bool breaker_admit(struct breaker *b, int64_t now_ns)
{
    if (b->state == BREAKER_CLOSED)
        return true;
    if (b->state == BREAKER_HALF_OPEN || now_ns < b->retry_ns)
        return false;
    b->state = BREAKER_HALF_OPEN;
    return true;
}

/* A call admitted before the opening may end well after it: what answers is up. */
void breaker_succeeded(struct breaker *b)
{
    breaker_init(b);
}

static int64_t pause_of(unsigned n_openings)
{
    int64_t pause_ms = BREAKER_PAUSE_MS;
    while (n_openings-- > 1 && pause_ms < BREAKER_PAUSE_MAX_MS)
        pause_ms *= 2;
    return (pause_ms < BREAKER_PAUSE_MAX_MS ? pause_ms : BREAKER_PAUSE_MAX_MS) * NS_PER_MS;
}

void breaker_failed(struct breaker *b, int64_t now_ns, int64_t at_least_ns)
{
    if (b->state == BREAKER_OPEN)
        return;
    if (b->state == BREAKER_CLOSED && ++b->n_failures < BREAKER_FAILURES_MAX && at_least_ns <= 0)
        return;
    const int64_t pause_ns = pause_of(++b->n_openings);
    b->state = BREAKER_OPEN;
    b->retry_ns = now_ns + (pause_ns > at_least_ns ? pause_ns : at_least_ns);
}

void breaker_abandoned(struct breaker *b, int64_t now_ns)
{
    if (b->state != BREAKER_HALF_OPEN)
        return;
    b->state = BREAKER_OPEN;
    b->retry_ns = now_ns;
}
