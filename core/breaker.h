/* A circuit breaker: when calls fail several times in a row, no more are made for a while, so that nobody waits for what is
 * down and what is down gets time.
 *
 *     closed --BREAKER_FAILURES_MAX failures--> open --its pause is over--> half-open --success--> closed
 *                                                ^----------failure, a longer pause--------'
 *
 * Half-open lets one call through. The caller owns the struct and its lock, and tells the time: monotonic nanoseconds. Each
 * admitted call must end in one of succeeded, failed and abandoned. Nothing blocks. */
#ifndef TRACEKIN_CORE_BREAKER_H
#define TRACEKIN_CORE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum { BREAKER_FAILURES_MAX = 5, BREAKER_PAUSE_MS = 1000, BREAKER_PAUSE_MAX_MS = 60 * 1000 };

enum breaker_state { BREAKER_CLOSED, BREAKER_HALF_OPEN, BREAKER_OPEN };

struct breaker {
    enum breaker_state state;
    unsigned n_failures; /* in a row, while closed */
    unsigned n_openings; /* in a row */
    int64_t retry_ns;    /* when the pause is over */
};

void breaker_init(struct breaker *b);
/* Whether a call may be made now. */
bool breaker_admit(struct breaker *b, int64_t now_ns);
void breaker_succeeded(struct breaker *b);
/* at_least_ns: the pause that the other side asked for, 0 for none; a pause asked for opens it at once. */
void breaker_failed(struct breaker *b, int64_t now_ns, int64_t at_least_ns);
/* The call tells nothing: it was cancelled. */
void breaker_abandoned(struct breaker *b, int64_t now_ns);

#endif
