/* A token bucket: how often somebody may do something, with a reserve for bursts.
 *
 * It is kept as the instant at which it will be full again, so that a bucket is one number, one that nobody used yet is 0, and
 * one that is full can be forgotten. Pure; the caller keeps threads apart. */
#ifndef TRACEKIN_CORE_BUCKET_H
#define TRACEKIN_CORE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

enum { BUCKET_RATE_MAX = 1000000, BUCKET_BURST_MAX = 1000000 };

struct bucket_rate {
    int64_t per_s; /* tokens that come back; 1 to BUCKET_RATE_MAX, or 0: no limit */
    int64_t burst; /* tokens of a full bucket, 1 to BUCKET_BURST_MAX */
};

struct bucket {
    int64_t full_ns; /* of the monotonic clock */
};

/* That rate; a burst of 0 becomes twice the rate. */
struct bucket_rate bucket_rate_of(int64_t per_s, int64_t burst);

/* Takes a token; false, and none is owed, when there is none. A bucket used at another rate before is empty at most. Without a limit
 * it is true. */
bool bucket_take(struct bucket *b, const struct bucket_rate *rate, int64_t now_ns);

#endif
