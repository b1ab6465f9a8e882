#include "db/write/writer_known.h"

#include <pthread.h>
#include <string.h>

#include "core/mem.h"

struct db_writer_known {
    pthread_mutex_t lock;
    size_t n;
    bool has_zero; /* 0 marks a free slot */
    int64_t slots[DB_WRITER_KNOWN_SLOTS];
};

struct db_writer_known *db_writer_known_new(void)
{
    struct db_writer_known *const k = mem_calloc(1, sizeof *k);
    if (k != NULL)
        pthread_mutex_init(&k->lock, NULL);
    return k;
}

void db_writer_known_free(struct db_writer_known *k)
{
    if (k == NULL)
        return;
    pthread_mutex_destroy(&k->lock);
    mem_free(k);
}

/* Where the id is, or where it would go; ids are hashes already. */
static size_t slot_of(const struct db_writer_known *k, int64_t id)
{
    size_t at = (uint64_t)id % DB_WRITER_KNOWN_SLOTS;
    while (k->slots[at] != 0 && k->slots[at] != id)
        at = (at + 1) % DB_WRITER_KNOWN_SLOTS;
    return at;
}

bool db_writer_known_has(struct db_writer_known *k, int64_t id)
{
    pthread_mutex_lock(&k->lock);
    const bool has = id == 0 ? k->has_zero : k->slots[slot_of(k, id)] == id;
    pthread_mutex_unlock(&k->lock);
    return has;
}

static void empty(struct db_writer_known *k)
{
    memset(k->slots, 0, sizeof k->slots);
    k->n = 0;
    k->has_zero = false;
}

void db_writer_known_clear(struct db_writer_known *k)
{
    pthread_mutex_lock(&k->lock);
    empty(k);
    pthread_mutex_unlock(&k->lock);
}

void db_writer_known_add(struct db_writer_known *k, int64_t id)
{
    pthread_mutex_lock(&k->lock);
    if (k->n == DB_WRITER_KNOWN_MAX)
        empty(k);
    if (id == 0)
        k->has_zero = true;
    const size_t at = slot_of(k, id);
    if (id != 0 && k->slots[at] == 0) {
        k->slots[at] = id;
        k->n++;
    }
    pthread_mutex_unlock(&k->lock);
}
