#include "core/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/mem.h"

struct arena_block {
    struct arena_block *next;
    size_t cap;
    size_t len;
    alignas(max_align_t) char data[];
};

enum { ARENA_BLOCK_MIN = 4096, ARENA_BLOCK_MAX = 256 * 1024 };

void arena_init(struct arena *a, size_t max_bytes)
{
    *a = (struct arena){.max_bytes = max_bytes};
}

void arena_init_share(struct arena *a, struct budget_share *share)
{
    *a = (struct arena){.max_bytes = SIZE_MAX, .share = share};
}

void arena_close(struct arena *a)
{
    while (a->head != NULL) {
        struct arena_block *next = a->head->next;
        mem_free(a->head);
        a->head = next;
    }
    budget_give(a->share, a->used_bytes);
    a->used_bytes = 0;
}

/* How large the next block should be: as much again as there is, within bounds, and at least need. 0 past the bound. */
static size_t block_bytes(const struct arena *a, size_t need)
{
    const size_t left = a->max_bytes - a->used_bytes;
    size_t want = a->used_bytes;
    if (want < ARENA_BLOCK_MIN)
        want = ARENA_BLOCK_MIN;
    if (want > ARENA_BLOCK_MAX)
        want = ARENA_BLOCK_MAX;
    if (want < need)
        want = need;
    if (want <= left)
        return want;
    return need <= left ? left : 0;
}

/* A full block goes behind a head with more room left, so that one large allocation does not waste the head's rest. */
static void block_link(struct arena *a, struct arena_block *block)
{
    const bool goes_behind = a->head != NULL && a->head->cap - a->head->len > block->cap - block->len;
    struct arena_block **place = goes_behind ? &a->head->next : &a->head;
    block->next = *place;
    *place = block;
}

static size_t rounded_up(size_t size)
{
    const size_t align = alignof(max_align_t);
    return size == 0 ? align : (size + align - 1) / align * align;
}

/* mem_resize, paid for: from old_total bytes to total. */
static struct arena_block *block_resize(struct arena *a, struct arena_block *block, size_t old_total, size_t total)
{
    const size_t more = total - old_total;
    if (more > a->max_bytes - a->used_bytes || !budget_take(a->share, more))
        return NULL;
    struct arena_block *resized = mem_resize(block, total, 1);
    if (resized == NULL) {
        budget_give(a->share, more);
        return NULL;
    }
    a->used_bytes += more;
    resized->cap = total - sizeof *resized;
    return resized;
}

static void *alloc_in_new_block(struct arena *a, size_t size)
{
    const size_t total = block_bytes(a, size + sizeof(struct arena_block));
    struct arena_block *block = total == 0 ? NULL : block_resize(a, NULL, 0, total);
    if (block == NULL)
        return NULL;
    block->len = size;
    block_link(a, block);
    return block->data;
}

void *arena_alloc(struct arena *a, size_t size)
{
    /* Far enough from SIZE_MAX that what follows cannot overflow. */
    if (size > a->max_bytes || size > PTRDIFF_MAX)
        return NULL;
    const size_t rounded = rounded_up(size);
    struct arena_block *head = a->head;
    if (head == NULL || head->cap - head->len < rounded)
        return alloc_in_new_block(a, rounded);
    void *p = head->data + head->len;
    head->len += rounded;
    return p;
}

void *arena_calloc(struct arena *a, size_t n_items, size_t size)
{
    size_t total = 0;
    if (__builtin_mul_overflow(n_items, size, &total))
        return NULL;
    void *p = arena_alloc(a, total);
    return p == NULL ? NULL : memset(p, 0, total);
}

/* Where the block hangs that holds p and nothing else; NULL when there is none. */
static struct arena_block **block_of(struct arena *a, const void *p, size_t size)
{
    struct arena_block **place = &a->head;
    while (*place != NULL && (*place)->data != p)
        place = &(*place)->next;
    return *place != NULL && (*place)->len == rounded_up(size) ? place : NULL;
}

/* The kernel moves the pages of a large block, so that growing costs neither a copy nor the memory of two. */
static void *grow_block(struct arena *a, struct arena_block **place, size_t size)
{
    struct arena_block *block = *place;
    const size_t rounded = rounded_up(size);
    if (rounded > block->cap)
        block = block_resize(a, block, block->cap + sizeof *block, rounded + sizeof *block);
    if (block == NULL)
        return NULL;
    *place = block;
    block->len = rounded;
    return block->data;
}

void *arena_grow(struct arena *a, void *p, size_t old_size, size_t new_size)
{
    if (new_size > a->max_bytes || new_size > PTRDIFF_MAX)
        return NULL;
    struct arena_block **const place = p == NULL ? NULL : block_of(a, p, old_size);
    if (place != NULL)
        return grow_block(a, place, new_size);
    void *const moved = arena_alloc(a, new_size);
    if (moved != NULL && p != NULL)
        memcpy(moved, p, old_size);
    return moved;
}

struct str arena_copy(struct arena *a, struct str s)
{
    char *copy = arena_alloc(a, s.len + 1);
    if (copy == NULL)
        return (struct str){NULL, 0};
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return (struct str){copy, s.len};
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, fmt, args);
    char *text = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (text != NULL)
        (void)vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(args);
    return (struct str){text, text == NULL ? 0 : (size_t)n};
}
