#include "bench/store/vectors.h"

#include "bench/store/random.h"

static const double NOISE = 1.0;
static const double TAU = 6.283185307179586;
static float centres[VECTORS_CENTRES][EMBEDDING_DIMENSIONS];

/* Box and Muller's method, two at a time. */
static void put_normal(uint64_t *state, float *out)
{
    for (size_t i = 0; i < EMBEDDING_DIMENSIONS; i += 2) {
        const double radius = sqrt(-2 * log(random_uniform(state)));
        const double angle = TAU * random_uniform(state);
        out[i] = (float)(radius * cos(angle));
        out[i + 1] = (float)(radius * sin(angle));
    }
}

static void normalise(float *v, double length)
{
    double sum = 0;
    for (size_t i = 0; i < EMBEDDING_DIMENSIONS; i++)
        sum += (double)v[i] * (double)v[i];
    for (size_t i = 0; i < EMBEDDING_DIMENSIONS; i++)
        v[i] = (float)((double)v[i] * length / sqrt(sum));
}

void vectors_init(uint64_t seed)
{
    uint64_t state = seed;
    for (size_t i = 0; i < VECTORS_CENTRES; i++) {
        put_normal(&state, centres[i]);
        normalise(centres[i], 1);
    }
}

void vectors_around(unsigned centre, uint64_t *state, float out[EMBEDDING_DIMENSIONS])
{
    put_normal(state, out);
    normalise(out, NOISE);
    for (size_t i = 0; i < EMBEDDING_DIMENSIONS; i++)
        out[i] += centres[centre][i];
}
