/* How much memory may be in use at once: a bound for all pieces of work together, and one for each.
 *
 * The whole belongs to the process and any thread may ask of it. A share belongs to one piece of work (a request), whose
 * arenas and buffers it is lent to: they take what they are about to allocate and give it back when it is freed. One thread
 * at a time; nothing blocks. A share that is NULL has no bounds. */
#ifndef TRACEKIN_CORE_BUDGET_H
#define TRACEKIN_CORE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/attr.h"

/* The first bytes of a share are not asked of the whole, so that there is always room to read what is then refused. */
enum { BUDGET_FREE_BYTES = 64 << 10 };

struct budget {
    atomic_size_t used_bytes; /* of all shares */
    size_t max_bytes;
};

enum budget_bound {
    BUDGET_UNREACHED,
    BUDGET_OF_SHARE, /* trying again is useless */
    BUDGET_OF_WHOLE, /* there may be room again in a moment */
};

struct budget_share {
    struct budget *whole; /* borrowed; NULL: there is only the bound of the share */
    size_t used_bytes;
    size_t max_bytes;
    enum budget_bound reached; /* by what was refused last */
    bool is_excused;
};

void budget_init(struct budget *b, size_t max_bytes);
void budget_share_init(struct budget_share *s, struct budget *whole, size_t max_bytes);
/* Gives back what is left. Whatever has been lent the share is freed before, or will not be given back any more. */
void budget_share_close(struct budget_share *s);

/* From now on all that is taken is counted and nothing refused: what is left to do is small, such as to tell of a refusal. */
void budget_share_excuse(struct budget_share *s);

/* False, and nothing is taken, when that would pass a bound; share->reached says which. */
bool budget_take(struct budget_share *share, size_t n_bytes) MUST_USE;
void budget_give(struct budget_share *share, size_t n_bytes);

#endif
