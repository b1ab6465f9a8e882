/* Random numbers that a seed determines, on every machine alike: splitmix64. Any thread, each with its own state. */
#ifndef TRACEKIN_BENCH_STORE_RANDOM_H
#define TRACEKIN_BENCH_STORE_RANDOM_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* The state to begin with for one of many things that are made independently of each other. */
static inline uint64_t random_state(uint64_t seed, uint64_t number)
{
    return seed ^ (number * UINT64_C(0xd1342543de82ef95));
}

static inline uint64_t random_next(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline unsigned random_below(uint64_t *state, unsigned n)
{
    return (unsigned)(random_next(state) % n);
}

/* Between 0 and 1, neither included. */
static inline double random_uniform(uint64_t *state)
{
    return ((double)(random_next(state) >> 11) + 0.5) * 0x1p-53;
}

/* Exponentially distributed, of this mean. */
static inline double random_wait(uint64_t *state, double mean)
{
    return -log(random_uniform(state)) * mean;
}

#endif
