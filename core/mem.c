#include "core/mem.h"

#include <stdlib.h>

void *mem_alloc(size_t size)
{
    return malloc(size == 0 ? 1 : size);
}

void *mem_calloc(size_t n_items, size_t size)
{
    return n_items == 0 || size == 0 ? calloc(1, 1) : calloc(n_items, size);
}

void *mem_resize(void *p, size_t n_items, size_t size)
{
    size_t total = 0;
    if (__builtin_mul_overflow(n_items, size, &total))
        return NULL;
    /* realloc(p, 0) may free p and return NULL, which would read as a failure. */
    return realloc(p, total == 0 ? 1 : total);
}

char *mem_strdup(struct str s)
{
    char *copy = mem_alloc(s.len + 1);
    if (copy == NULL)
        return NULL;
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

void mem_free(void *p)
{
    free(p);
}
