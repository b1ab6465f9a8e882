#include "core/lru.h"

#include <pthread.h>

#include "core/hash.h"
#include "core/mem.h"

struct entry {
    struct entry *newer, *older; /* by use */
    struct entry *next;          /* of its bucket */
    uint64_t hash;
    size_t key_len;
    char bytes[]; /* the value, then the key */
};

struct lru {
    pthread_mutex_t mutex;
    struct entry **buckets;
    struct entry *newest, *oldest;
    size_t n, n_max, mask, value_bytes;
};

enum err lru_new(size_t n_max, size_t value_bytes, struct lru **out, struct err_info *e)
{
    size_t n_buckets = 1;
    while (n_buckets < n_max && n_buckets <= SIZE_MAX / 4)
        n_buckets *= 2;
    struct lru *const l = mem_calloc(1, sizeof *l);
    if (l == NULL)
        return ERR_SET_NOMEM(e);
    l->buckets = mem_calloc(n_buckets, sizeof(struct entry *));
    if (l->buckets == NULL) {
        mem_free(l);
        return ERR_SET_NOMEM(e);
    }
    (void)pthread_mutex_init(&l->mutex, NULL);
    l->n_max = n_max;
    l->mask = n_buckets - 1;
    l->value_bytes = value_bytes;
    *out = l;
    return OK;
}

void lru_free(struct lru *l)
{
    if (l == NULL)
        return;
    for (struct entry *entry = l->newest, *older; entry != NULL; entry = older) {
        older = entry->older;
        mem_free(entry);
    }
    (void)pthread_mutex_destroy(&l->mutex);
    mem_free(l->buckets);
    mem_free(l);
}

static void unlink_use(struct lru *l, struct entry *entry)
{
    *(entry->newer == NULL ? &l->newest : &entry->newer->older) = entry->older;
    *(entry->older == NULL ? &l->oldest : &entry->older->newer) = entry->newer;
}

static void link_newest(struct lru *l, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = l->newest;
    *(l->newest == NULL ? &l->oldest : &l->newest->newer) = entry;
    l->newest = entry;
}

static struct entry **bucket_of(struct lru *l, uint64_t hash)
{
    return &l->buckets[(size_t)hash & l->mask];
}

static struct entry *find(struct lru *l, struct str key, uint64_t hash)
{
    struct entry *entry = *bucket_of(l, hash);
    while (entry != NULL &&
           (entry->hash != hash || !str_equal((struct str){entry->bytes + l->value_bytes, entry->key_len}, key)))
        entry = entry->next;
    return entry;
}

static void drop_oldest(struct lru *l)
{
    struct entry *const oldest = l->oldest;
    struct entry **link = bucket_of(l, oldest->hash);
    while (*link != oldest)
        link = &(*link)->next;
    *link = oldest->next;
    unlink_use(l, oldest);
    mem_free(oldest);
    l->n--;
}

static void add(struct lru *l, struct str key, uint64_t hash, const void *value)
{
    struct entry *const entry = mem_alloc(sizeof *entry + l->value_bytes + key.len);
    if (entry == NULL)
        return;
    *entry = (struct entry){.next = *bucket_of(l, hash), .hash = hash, .key_len = key.len};
    memcpy(entry->bytes, value, l->value_bytes);
    if (key.len > 0)
        memcpy(entry->bytes + l->value_bytes, key.ptr, key.len);
    *bucket_of(l, hash) = entry;
    link_newest(l, entry);
    l->n++;
}

static struct entry *use(struct lru *l, struct str key, uint64_t hash)
{
    struct entry *const entry = find(l, key, hash);
    if (entry == NULL)
        return NULL;
    unlink_use(l, entry);
    link_newest(l, entry);
    return entry;
}

bool lru_get(struct lru *l, struct str key, void *value)
{
    (void)pthread_mutex_lock(&l->mutex);
    const struct entry *const entry = use(l, key, hash64(key, 0));
    if (entry != NULL)
        memcpy(value, entry->bytes, l->value_bytes);
    (void)pthread_mutex_unlock(&l->mutex);
    return entry != NULL;
}

size_t lru_count(struct lru *l)
{
    (void)pthread_mutex_lock(&l->mutex);
    const size_t n = l->n;
    (void)pthread_mutex_unlock(&l->mutex);
    return n;
}

void lru_put(struct lru *l, struct str key, const void *value)
{
    const uint64_t hash = hash64(key, 0);
    if (l->n_max == 0)
        return;
    (void)pthread_mutex_lock(&l->mutex);
    struct entry *const entry = use(l, key, hash);
    if (entry != NULL) {
        memcpy(entry->bytes, value, l->value_bytes);
    } else {
        if (l->n == l->n_max)
            drop_oldest(l);
        add(l, key, hash, value);
    }
    (void)pthread_mutex_unlock(&l->mutex);
}
