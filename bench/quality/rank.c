#include "bench/quality/rank.h"

#include <math.h>
#include <stdlib.h>

#include "core/hash.h"
#include "core/mem.h"

static float similarity(const float *a, const float *b)
{
    float lanes[8] = {0};
    for (size_t i = 0; i < EMBEDDING_DIMENSIONS; i += 8)
        for (size_t j = 0; j < 8; j++)
            lanes[j] += a[i + j] * b[i + j];
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

static bool is_better(const struct rank *a, const struct rank *b)
{
    return a->similarity != b->similarity ? a->similarity > b->similarity : a->tie < b->tie;
}

size_t rank_nearest(const struct corpus *c, const float *vector, size_t self, struct rank out[RANK_NEAREST])
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_traces; i++) {
        if (i == self)
            continue;
        const size_t pair[] = {i, self};
        const struct rank found = {i, similarity(vector, c->traces[i].vector),
                                   hash64((struct str){(const char *)pair, sizeof(pair)}, 0)};
        size_t at = n < RANK_NEAREST ? n++ : RANK_NEAREST;
        if (at == RANK_NEAREST && !is_better(&found, &out[--at]))
            continue;
        for (; at > 0 && is_better(&found, &out[at - 1]); at--)
            out[at] = out[at - 1];
        out[at] = found;
    }
    return n;
}

struct pair {
    float similarity;
    bool is_same;
};

static int compare_pairs(const void *left, const void *right)
{
    const struct pair *const a = left;
    const struct pair *const b = right;
    return (a->similarity > b->similarity) - (a->similarity < b->similarity);
}

/* Mann-Whitney, ties at half. */
static double auc_of(struct pair *pairs, size_t n_pairs)
{
    qsort(pairs, n_pairs, sizeof(pairs[0]), compare_pairs);
    double n_same = 0;
    double n_other = 0;
    double n_wins = 0;
    for (size_t i = 0, n = 0; i < n_pairs; i += n) {
        double n_same_tied = 0;
        for (n = 0; i + n < n_pairs && pairs[i + n].similarity == pairs[i].similarity; n++)
            n_same_tied += pairs[i + n].is_same;
        const double n_other_tied = (double)n - n_same_tied;
        n_wins += n_same_tied * (n_other + n_other_tied / 2);
        n_same += n_same_tied;
        n_other += n_other_tied;
    }
    return n_same == 0 || n_other == 0 ? (double)NAN : n_wins / (n_same * n_other);
}

double rank_auc(const struct corpus *c, size_t n_sample, bool (*keep)(const struct corpus_trace *))
{
    const struct corpus_trace **const sample = mem_calloc(n_sample, sizeof(sample[0]));
    struct pair *const pairs = mem_calloc(n_sample * n_sample / 2, sizeof(pairs[0]));
    double auc = (double)NAN;
    if (sample != NULL && pairs != NULL) {
        const size_t step = (c->n_traces + n_sample - 1) / n_sample;
        size_t n = 0;
        for (size_t i = 0; i < c->n_traces; i += step)
            if (keep(&c->traces[i]))
                sample[n++] = &c->traces[i];
        size_t n_pairs = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < i; j++)
                pairs[n_pairs++] = (struct pair){similarity(sample[i]->vector, sample[j]->vector),
                                                 sample[i]->entry == sample[j]->entry};
        auc = auc_of(pairs, n_pairs);
    }
    mem_free(sample);
    mem_free(pairs);
    return auc;
}
