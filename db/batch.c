#include "db/batch.h"

enum { BATCH_FIRST_CAP = 16 };

void db_batch_init(struct db_batch *b, struct arena *arena, enum db_signal signal, enum db_encoding encoding)
{
    *b = (struct db_batch){.arena = arena, .signal = signal, .encoding = encoding};
}

/* Makes room for one more item of size bytes; false when the arena is full. */
static bool batch_grow(struct arena *a, void **items, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return true;
    const size_t grown = *cap == 0 ? BATCH_FIRST_CAP : *cap * 2;
    void *const moved = arena_calloc(a, grown, size);
    if (moved == NULL)
        return false;
    if (n > 0)
        memcpy(moved, *items, n * size);
    *items = moved;
    *cap = grown;
    return true;
}

#define BATCH_ADD(noun, vec)                                                                                        \
    struct db_##noun *db_batch_add_##noun(struct db_batch *b)                                                       \
    {                                                                                                               \
        void *items = b->vec.items;                                                                                 \
        if (!batch_grow(b->arena, &items, b->vec.n, &b->vec.cap, sizeof *b->vec.items))                             \
            return NULL;                                                                                            \
        b->vec.items = items;                                                                                       \
        return &b->vec.items[b->vec.n++];                                                                           \
    }

BATCH_ADD(resource, resources)
BATCH_ADD(scope, scopes)
BATCH_ADD(metric, metrics)
BATCH_ADD(span, spans)
BATCH_ADD(log, logs)
BATCH_ADD(point, points)
