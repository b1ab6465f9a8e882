#include "tests/integration/preload/allocations.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* glibc's own names for what is replaced here: looking them up with dlsym would itself allocate. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n_items, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static struct preload_allocations *shared;
/* Of a thread's own storage that is there from its start: any other is allocated at the first use. */
static _Thread_local struct preload_thread *mine __attribute__((tls_model("initial-exec")));

__attribute__((constructor)) static void map_shared(void)
{
    const char *const fd = getenv(PRELOAD_ALLOCATIONS_FD);
    void *const p = fd == NULL ? MAP_FAILED : mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(fd), 0);
    shared = p == MAP_FAILED ? NULL : p;
}

static struct preload_thread *take_row(void)
{
    const unsigned i = atomic_fetch_add(&shared->n_threads, 1);
    struct preload_thread *const row = &shared->threads[i < PRELOAD_THREADS_MAX ? i : PRELOAD_THREADS_MAX - 1];
    atomic_store(&row->tid, gettid());
    return row;
}

static void count(void)
{
    if (shared == NULL)
        return;
    if (mine == NULL)
        mine = take_row();
    atomic_fetch_add_explicit(&mine->n_calls, 1, memory_order_relaxed);
}

void *malloc(size_t size)
{
    count();
    return __libc_malloc(size);
}

void *calloc(size_t n_items, size_t size)
{
    count();
    return __libc_calloc(n_items, size);
}

void *realloc(void *p, size_t size)
{
    count();
    return __libc_realloc(p, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    count();
    void *const p = __libc_memalign(alignment, size);
    if (p == NULL)
        return ENOMEM;
    *out = p;
    return 0;
}
