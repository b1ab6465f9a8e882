/* Content hashes: XXH3 (xxhash 0.8), the same on every machine and version, so they may be stored.
 * Not cryptographic: they identify content, they prove nothing. Pure functions. */
#ifndef TRACEKIN_CORE_HASH_H
#define TRACEKIN_CORE_HASH_H

#include "core/str.h"

enum { HASH128_BYTES = 16 };

uint64_t hash64(struct str s, uint64_t seed);
/* Writes 16 bytes, canonical (big-endian) form. */
void hash128(struct str s, uint8_t out[HASH128_BYTES]);

#endif
