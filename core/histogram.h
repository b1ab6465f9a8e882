/* A streaming histogram of durations in bounded memory, for quantiles: no samples are kept.
 *
 * Its buckets are log-linear: each doubling of the duration is cut into HISTOGRAM_PER_DOUBLING equal parts, so that a quantile is
 * off by at most 1 part in 2 * HISTOGRAM_PER_DOUBLING (1.6%) between HISTOGRAM_LEAST_NS and HISTOGRAM_MOST_NS; what is
 * beyond counts as the nearer of the two. The caller's storage, zeroed. Any thread; nothing blocks: an addition is one
 * relaxed atomic one. */
#ifndef TRACEKIN_CORE_HISTOGRAM_H
#define TRACEKIN_CORE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

enum { HISTOGRAM_PART_BITS = 5, HISTOGRAM_PER_DOUBLING = 1 << HISTOGRAM_PART_BITS };
/* 1 microsecond, to 18 minutes: longer than any request may take. */
enum { HISTOGRAM_LEAST_BITS = 10, HISTOGRAM_DOUBLINGS = 30 };
#define HISTOGRAM_LEAST_NS (INT64_C(1) << HISTOGRAM_LEAST_BITS)
#define HISTOGRAM_MOST_NS ((INT64_C(1) << (HISTOGRAM_LEAST_BITS + HISTOGRAM_DOUBLINGS)) - 1)

enum { HISTOGRAM_BUCKETS = HISTOGRAM_DOUBLINGS * HISTOGRAM_PER_DOUBLING };

struct histogram {
    atomic_uint_fast64_t in_bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, int64_t duration_ns);
uint64_t histogram_count(const struct histogram *h);
/* The q-quantile (0..1) in nanoseconds: the middle of the bucket that holds it; 0 when the histogram is empty. */
int64_t histogram_quantile(const struct histogram *h, double q);

#endif
