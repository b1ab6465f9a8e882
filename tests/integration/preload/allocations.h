/* How often a process has asked for memory, by thread: what the library allocations.c counts in whatever process it is preloaded to.
 *
 * The counts lie in memory that the process shares with the test: the file of the descriptor in PRELOAD_ALLOCATIONS_FD, as large as
 * the struct. Threads are never forgotten; those past the table share its last row. */
#ifndef TRACEKIN_TESTS_ALLOCATIONS_H
#define TRACEKIN_TESTS_ALLOCATIONS_H

#include <stdatomic.h>
#include <stdint.h>

#define PRELOAD_ALLOCATIONS_FD "ALLOCATIONS_FD"

enum { PRELOAD_THREADS_MAX = 256 };

struct preload_allocations {
    atomic_uint n_threads; /* may exceed the table */
    struct preload_thread {
        atomic_int tid;
        atomic_uint_fast64_t n_calls; /* of malloc, calloc, realloc and their aligned kin */
    } threads[PRELOAD_THREADS_MAX];
};

#endif
