#include "core/histogram.h"

#include <math.h>
#include <stddef.h>

enum { WORD_BITS = 64 };

static uint64_t clamp(int64_t duration_ns)
{
    const int64_t at_least = duration_ns < HISTOGRAM_LEAST_NS ? HISTOGRAM_LEAST_NS : duration_ns;
    return (uint64_t)(at_least > HISTOGRAM_MOST_NS ? HISTOGRAM_MOST_NS : at_least);
}

/* The highest bit set names the doubling, the HISTOGRAM_PART_BITS below it the part. */
static size_t bucket_of(int64_t duration_ns)
{
    const uint64_t ns = clamp(duration_ns);
    const unsigned high = WORD_BITS - 1 - (unsigned)__builtin_clzll(ns);
    const uint64_t part = ns >> (high - HISTOGRAM_PART_BITS) & (HISTOGRAM_PER_DOUBLING - 1);
    return (size_t)(high - HISTOGRAM_LEAST_BITS) * HISTOGRAM_PER_DOUBLING + part;
}

static int64_t middle_of(size_t bucket)
{
    const size_t shift = bucket / HISTOGRAM_PER_DOUBLING + HISTOGRAM_LEAST_BITS - HISTOGRAM_PART_BITS;
    const int64_t part = (int64_t)(bucket % HISTOGRAM_PER_DOUBLING) + HISTOGRAM_PER_DOUBLING;
    return (part << shift) + (INT64_C(1) << shift) / 2;
}

void histogram_add(struct histogram *h, int64_t duration_ns)
{
    atomic_fetch_add_explicit(&h->in_bucket[bucket_of(duration_ns)], 1, memory_order_relaxed);
}

uint64_t histogram_count(const struct histogram *h)
{
    uint64_t n = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        n += atomic_load_explicit(&h->in_bucket[i], memory_order_relaxed);
    return n;
}

/* Additions may come in between the two passes: then the quantile is that of slightly fewer. */
int64_t histogram_quantile(const struct histogram *h, double q)
{
    const uint64_t n = histogram_count(h);
    const uint64_t rank = (uint64_t)fmax(ceil(q * (double)n), 1);
    uint64_t n_before = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS && n > 0; i++) {
        n_before += atomic_load_explicit(&h->in_bucket[i], memory_order_relaxed);
        if (n_before >= rank)
            return middle_of(i);
    }
    return 0;
}
