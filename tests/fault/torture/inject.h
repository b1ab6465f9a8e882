/* What the library inject.c fails in whatever process it is preloaded to, and what it has counted there.
 *
 * It is memory shared with the test: the file that FAULT_FILE names, as large as the struct at least. Only calls of the threads
 * asked for count, and none before main() or after it. torture.py knows this layout by its offsets. */
#ifndef TRACEKIN_TESTS_INJECT_H
#define TRACEKIN_TESTS_INJECT_H

#include <stdatomic.h>
#include <stdint.h>

#define INJECT_FILE "FAULT_FILE"

enum { INJECT_THREADS_MAX = 8, INJECT_NAME_MAX = 16, INJECT_CALL_MAX = 32, INJECT_TRACE_MAX = 24 };

enum inject_mode {
    INJECT_OFF,
    INJECT_ONCE, /* call k fails */
    INJECT_FROM, /* call k and all after it */
};

enum inject_kind {
    INJECT_MEMORY = 1,  /* malloc and its kin, whoever calls them */
    INJECT_LIBPQ = 2,   /* what libpq is asked by the service */
    INJECT_SYSTEM = 4,  /* sockets, polls, eventfds, threads */
};

struct inject {
    _Atomic uint32_t mode;       /* an enum inject_mode; set last, when all else is */
    _Atomic uint32_t kinds;      /* enum inject_kind, added */
    _Atomic uint32_t way;        /* where a call has several ways to fail: which */
    _Atomic uint32_t keep_every; /* sabotage: of so many free() one does nothing; 0: all do */
    _Atomic uint64_t k;          /* from 1 */
    _Atomic uint64_t n_calls, n_failed;
    _Atomic int64_t live_blocks, live_bytes; /* of all threads, from the start */
    _Atomic uint32_t keep_files_every; /* and of close() */
    uint32_t unused;
    char threads[INJECT_THREADS_MAX][INJECT_NAME_MAX]; /* how the names begin; none: all threads */
    char call[INJECT_CALL_MAX];                        /* the first that failed */
    uint64_t trace[INJECT_TRACE_MAX];                  /* and who called it */
};

#endif
