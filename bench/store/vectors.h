/* Embeddings as a model would give them: each of some centres on the unit sphere, and around it the traces of its shape (cosine about
 * 0.7 to it). One thread. */
#ifndef TRACEKIN_BENCH_STORE_VECTORS_H
#define TRACEKIN_BENCH_STORE_VECTORS_H

#include <stddef.h>
#include <stdint.h>

#include "core/embedding.h"

enum { VECTORS_CENTRES = 60 };

/* Places the centres; once, before vectors_around. */
void vectors_init(uint64_t seed);
void vectors_around(unsigned centre, uint64_t *state, float out[EMBEDDING_DIMENSIONS]);

#endif
