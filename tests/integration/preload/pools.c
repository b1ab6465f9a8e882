/* There is no memory for the first TRACEKIN_TEST_POOLS connections: libmicrohttpd asks for 64 KiB for each, by mmap, and then by
 * malloc or calloc. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { POOL_BYTES = 64 << 10 };

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n_items, size_t size);

static atomic_int n_left;
static _Thread_local int is_refused __attribute__((tls_model("initial-exec"))); /* by mmap; the same is asked for once more */

__attribute__((constructor)) static void read_setting(void)
{
    const char *const setting = getenv("TRACEKIN_TEST_POOLS");
    atomic_store(&n_left, setting == NULL ? 0 : atoi(setting));
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    if (length == POOL_BYTES && fd == -1 && atomic_fetch_sub(&n_left, 1) > 0) {
        is_refused = 1;
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}

static int refuses(size_t size)
{
    if (size != POOL_BYTES || !is_refused)
        return 0;
    is_refused = 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return refuses(size) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n_items, size_t size)
{
    return refuses(n_items * size) ? NULL : __libc_calloc(n_items, size);
}
