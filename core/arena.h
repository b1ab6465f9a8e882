/* An arena: memory that lives and dies with one piece of work (a request, a batch).
 *
 * The caller owns the struct; one thread at a time. Total size is bounded: past the bound, allocation fails as if memory
 * were out. Nothing is freed singly. */
#ifndef TRACEKIN_CORE_ARENA_H
#define TRACEKIN_CORE_ARENA_H

#include "core/attr.h"
#include "core/str.h"

struct arena_block;

struct arena {
    struct arena_block *head; /* newest first */
    size_t used_bytes;        /* of all blocks, as allocated from the heap */
    size_t max_bytes;
};

void arena_init(struct arena *a, size_t max_bytes);
/* Frees everything; the arena may be used again. */
void arena_close(struct arena *a);
static inline void arena_auto(struct arena *a) { arena_close(a); }

/* borrowed until arena_close; aligned for any type; uninitialised; NULL past the bound or when memory is out. */
void *arena_alloc(struct arena *a, size_t size) MUST_USE;
/* As arena_alloc, zeroed; NULL when n_items * size overflows. */
void *arena_calloc(struct arena *a, size_t n_items, size_t size) MUST_USE;
/* A NUL-terminated copy; absent on failure. */
struct str arena_copy(struct arena *a, struct str s);
/* A formatted, NUL-terminated string; absent on failure. */
struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
