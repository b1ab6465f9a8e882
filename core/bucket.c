#include "core/bucket.h"

#include "core/clock.h"

struct bucket_rate bucket_rate_of(int64_t per_s, int64_t burst)
{
    enum { BURST_FACTOR = 2 };
    const int64_t twice = per_s * BURST_FACTOR < BUCKET_BURST_MAX ? per_s * BURST_FACTOR : BUCKET_BURST_MAX;
    return (struct bucket_rate){per_s, burst == 0 ? twice : burst};
}

/* What is left to fill; of a bucket that was used at another rate, no more than one that is empty has at this. */
static int64_t left_ns(const struct bucket *b, int64_t empty_ns, int64_t now_ns)
{
    const int64_t ns = b->full_ns > now_ns ? b->full_ns - now_ns : 0;
    return ns < empty_ns ? ns : empty_ns;
}

bool bucket_take(struct bucket *b, const struct bucket_rate *rate, int64_t now_ns)
{
    if (rate->per_s == 0)
        return true;
    const int64_t token_ns = NS_PER_S / rate->per_s;
    const int64_t left = left_ns(b, rate->burst * token_ns, now_ns);
    const bool may = left <= (rate->burst - 1) * token_ns;
    b->full_ns = now_ns + left + (may ? token_ns : 0);
    return may;
}
