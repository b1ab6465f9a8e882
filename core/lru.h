/* A bounded map from texts to values of one size: when it is full, what was used longest ago leaves.
 *
 * lru_new makes it, lru_free frees it with all it holds. Keys and values are copied. Any thread; nothing blocks but for a
 * short lock. */
#ifndef TRACEKIN_CORE_LRU_H
#define TRACEKIN_CORE_LRU_H

#include "core/err.h"
#include "core/str.h"

struct lru;

/* n_max 0: it holds nothing. ERR_NOMEM. */
enum err lru_new(size_t n_max, size_t value_bytes, struct lru **out, struct err_info *e) MUST_USE;
void lru_free(struct lru *l);
/* Copies the key's value, which is then the one used last; false when it is not there. */
bool lru_get(struct lru *l, struct str key, void *value);
/* How many it holds. */
size_t lru_count(struct lru *l);
/* Keeps the value under the key, in place of one that is there; without memory it does not. */
void lru_put(struct lru *l, struct str key, const void *value);

#endif
