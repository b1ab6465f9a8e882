/* The only door to the heap. NULL means out of memory, an ordinary error. Any thread. */
#ifndef TRACEKIN_CORE_MEM_H
#define TRACEKIN_CORE_MEM_H

#include <stddef.h>

#include "core/attr.h"
#include "core/str.h"

/* new: uninitialised; size 0 gives a unique pointer too. */
void *mem_alloc(size_t size) MUST_USE;
/* new: n_items * size zero bytes; NULL when the product overflows. */
void *mem_calloc(size_t n_items, size_t size) MUST_USE;
/* Resizes to n_items * size; on failure returns NULL and p stays valid. */
void *mem_resize(void *p, size_t n_items, size_t size) MUST_USE;
/* new: a NUL-terminated copy. */
char *mem_strdup(struct str s) MUST_USE;
void mem_free(void *p);

#endif
