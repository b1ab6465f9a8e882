/* An arena: memory that lives and dies with one piece of work (a request, a batch).
 *
 * The caller owns the struct; one thread at a time. Total size is bounded, by itself and by the share of a budget if it is
 * lent one: past either bound, allocation fails as if memory were out. Nothing is freed singly. */
#ifndef TRACEKIN_CORE_ARENA_H
#define TRACEKIN_CORE_ARENA_H

#include "core/attr.h"
#include "core/budget.h"
#include "core/str.h"

struct arena_block;

struct arena {
    struct arena_block *head; /* newest first */
    size_t used_bytes;        /* of all blocks, as allocated from the heap */
    size_t max_bytes;
    struct budget_share *share; /* borrowed; pays for each block until arena_close; NULL: nothing is asked */
};

/* Without a share. */
void arena_init(struct arena *a, size_t max_bytes);
/* As arena_init, bounded by the share alone. */
void arena_init_share(struct arena *a, struct budget_share *share);
/* Frees everything; the arena may be used again. */
void arena_close(struct arena *a);
static inline void arena_auto(struct arena *a) { arena_close(a); }

/* borrowed until arena_close; aligned for any type; uninitialised; NULL past the bound or when memory is out. */
void *arena_alloc(struct arena *a, size_t size) MUST_USE;
/* As arena_alloc, zeroed; NULL when n_items * size overflows. */
void *arena_calloc(struct arena *a, size_t n_items, size_t size) MUST_USE;
/* Makes p, which has old_size bytes (NULL: none), new_size bytes long, where it is if it is large, else by a copy whose
 * original stays behind. p is valid on failure (NULL); what is added is uninitialised. */
void *arena_grow(struct arena *a, void *p, size_t old_size, size_t new_size) MUST_USE;
/* A NUL-terminated copy; absent on failure. */
struct str arena_copy(struct arena *a, struct str s);
/* A formatted, NUL-terminated string; absent on failure. */
struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
