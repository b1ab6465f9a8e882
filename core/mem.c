#include "core/mem.h"

#include <stdlib.h>

/* No object is larger than PTRDIFF_MAX. Nor is one smaller than a byte: of size 0, malloc may return NULL and realloc may
 * free, which would both read as a failure. */
static bool total_size(size_t n_items, size_t size, size_t *total)
{
    if (__builtin_mul_overflow(n_items, size, total) || *total > PTRDIFF_MAX)
        return false;
    if (*total == 0)
        *total = 1;
    return true;
}

void *mem_alloc(size_t size)
{
    size_t total = 0;
    return total_size(1, size, &total) ? malloc(total) : NULL;
}

void *mem_calloc(size_t n_items, size_t size)
{
    size_t total = 0;
    return total_size(n_items, size, &total) ? calloc(1, total) : NULL;
}

void *mem_resize(void *p, size_t n_items, size_t size)
{
    size_t total = 0;
    return total_size(n_items, size, &total) ? realloc(p, total) : NULL;
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
