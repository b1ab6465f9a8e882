#include "db/write/batch.h"

/* Arrays double while they are small; a large one grows in place, and in small steps, as what it has too much is lost. */
enum { BATCH_FIRST_CAP = 16, BATCH_LARGE = 4096, BATCH_STEP = 4 };

void db_batch_init(struct db_batch *b, struct arena *arena, enum db_signal signal, enum db_encoding encoding)
{
    *b = (struct db_batch){.arena = arena, .signal = signal, .encoding = encoding};
}

static size_t grown_cap(size_t cap)
{
    if (cap == 0)
        return BATCH_FIRST_CAP;
    return cap < BATCH_LARGE ? cap * 2 : cap + cap / BATCH_STEP;
}

/* Makes room for one more item of size bytes, which it zeroes; false when the arena is full. */
static bool batch_grow(struct arena *a, void **items, size_t n, size_t *cap, size_t size)
{
    if (n == *cap) {
        const size_t grown = grown_cap(n);
        void *const moved = arena_grow(a, *items, n * size, grown * size);
        if (moved == NULL)
            return false;
        *items = moved;
        *cap = grown;
    }
    memset((char *)*items + n * size, 0, size);
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
