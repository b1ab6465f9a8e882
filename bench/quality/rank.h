/* Exact nearest neighbours by cosine similarity, and what their labels say. Ties, which identical traces make many, are
 * broken by a hash of the index and the query, so that no trace is favoured. Pure functions. */
#ifndef TRACEKIN_BENCH_QUALITY_RANK_H
#define TRACEKIN_BENCH_QUALITY_RANK_H

#include "bench/quality/corpus.h"

enum { RANK_NEAREST = 10 };
#define RANK_NOT_IN_CORPUS SIZE_MAX

struct rank {
    size_t trace;
    float similarity;
    uint64_t tie;
};

/* The nearest traces to a unit vector, best first, without the trace self; returns how many. */
size_t rank_nearest(const struct corpus *c, const float *vector, size_t self, struct rank out[RANK_NEAREST]);

/* The chance that a pair of traces with one entry is more similar than a pair with two, over pairs of at most n_sample
 * traces that keep says to keep; NaN when there is but one entry. */
double rank_auc(const struct corpus *c, size_t n_sample, bool (*keep)(const struct corpus_trace *));

#endif
