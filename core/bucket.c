#include "core/bucket.h"

#include "core/clock.h"

struct bucket_rate bucket_rate_of(int64_t per_s, int64_t burst)
{
    enum { BURST_FACTOR = 2 };
    const int64_t twice = per_s * BURST_FACTOR < BUCKET_BURST_MAX ? per_s * BURST_FACTOR : BUCKET_BURST_MAX;
    return (struct bucket_rate){per_s, burst == 0 ? twice : burst};
}

bool bucket_take(struct bucket *b, const struct bucket_rate *rate, int64_t now_ns)
{
    if (rate->per_s == 0)
        return true;
    const int64_t token_ns = NS_PER_S / rate->per_s;
    const int64_t from_ns = b->full_ns > now_ns ? b->full_ns : now_ns;
    if (from_ns - now_ns > (rate->burst - 1) * token_ns)
        return false;
    b->full_ns = from_ns + token_ns;
    return true;
}
