#include "tests/fault/torture/inject.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* The allocator behind this one. Looking names up with dlsym would itself allocate; these are exported by glibc, and by the
 * sanitizer, whose own order in the list of libraries must then not be verified. */
#ifdef INJECT_SANITIZED
#define ALLOCATOR(name) __interceptor_##name
#else
#define ALLOCATOR(name) __libc_##name
#endif
extern void *ALLOCATOR(malloc)(size_t size);
extern void *ALLOCATOR(calloc)(size_t n_items, size_t size);
extern void *ALLOCATOR(realloc)(void *p, size_t size);
extern void *ALLOCATOR(memalign)(size_t alignment, size_t size);
extern void ALLOCATOR(free)(void *p);

enum { FDS_MAX = 4096, ACCEPTS_MAX = 3 };

static struct inject *shared;
static atomic_bool is_running; /* main() */
/* Of a thread's own storage that is there from its start: any other is allocated at the first use. */
static _Thread_local bool is_inside __attribute__((tls_model("initial-exec")));

/* --- whether a call fails */

static bool is_of_threads(void)
{
    char name[INJECT_NAME_MAX] = "";
    if (shared->threads[0][0] == '\0')
        return true;
    (void)prctl(PR_GET_NAME, name);
    for (int i = 0; i < INJECT_THREADS_MAX && shared->threads[i][0] != '\0'; i++)
        if (strncmp(name, shared->threads[i], strnlen(shared->threads[i], INJECT_NAME_MAX)) == 0)
            return true;
    return false;
}

static void note(const char *call)
{
    void *frames[INJECT_TRACE_MAX];
    is_inside = true;
    const int n = backtrace(frames, INJECT_TRACE_MAX);
    is_inside = false;
    (void)strncpy(shared->call, call, INJECT_CALL_MAX - 1);
    for (int i = 0; i < INJECT_TRACE_MAX; i++)
        shared->trace[i] = i < n ? (uint64_t)(uintptr_t)frames[i] : 0;
}

static bool is_armed(enum inject_kind kind)
{
    if (shared == NULL || is_inside || !atomic_load_explicit(&is_running, memory_order_relaxed))
        return false;
    return atomic_load(&shared->mode) != INJECT_OFF && (atomic_load(&shared->kinds) & kind) != 0 && is_of_threads();
}

static bool fails(enum inject_kind kind, const char *call)
{
    if (!is_armed(kind))
        return false;
    const uint64_t n = atomic_fetch_add(&shared->n_calls, 1) + 1;
    const uint64_t k = atomic_load(&shared->k);
    if (atomic_load(&shared->mode) == INJECT_ONCE ? n != k : n < k)
        return false;
    if (atomic_fetch_add(&shared->n_failed, 1) == 0)
        note(call);
    return true;
}

/* One of n ways. */
static unsigned way(unsigned n)
{
    return atomic_load(&shared->way) % n;
}

/* A call that "would block" for ever is no failure there is. */
static bool is_once(void)
{
    return atomic_load(&shared->mode) == INJECT_ONCE;
}

/* Of so many calls, the first is not obeyed. */
static bool keeps(_Atomic uint32_t *one_of, atomic_uint *n)
{
    if (shared == NULL || is_inside || !atomic_load_explicit(&is_running, memory_order_relaxed))
        return false;
    const uint32_t every = atomic_load_explicit(one_of, memory_order_relaxed);
    return every != 0 && is_of_threads() && atomic_fetch_add(n, 1) % every == 0;
}

/* --- memory */

static void *born(void *p)
{
    if (p != NULL && shared != NULL) {
        atomic_fetch_add_explicit(&shared->live_blocks, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&shared->live_bytes, (int64_t)malloc_usable_size(p), memory_order_relaxed);
    }
    return p;
}

static void died(void *p)
{
    if (p == NULL || shared == NULL)
        return;
    atomic_fetch_sub_explicit(&shared->live_blocks, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&shared->live_bytes, (int64_t)malloc_usable_size(p), memory_order_relaxed);
}

static bool is_out_of_memory(const char *call)
{
    if (!fails(INJECT_MEMORY, call))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return is_out_of_memory("malloc") ? NULL : born(ALLOCATOR(malloc)(size));
}

void *calloc(size_t n_items, size_t size)
{
    return is_out_of_memory("calloc") ? NULL : born(ALLOCATOR(calloc)(n_items, size));
}

void *realloc(void *p, size_t size)
{
    if (is_out_of_memory("realloc"))
        return NULL;
    const bool had = p != NULL && shared != NULL;
    const int64_t before = had ? (int64_t)malloc_usable_size(p) : 0;
    void *const moved = ALLOCATOR(realloc)(p, size);
    if (had && (moved != NULL || size == 0)) {
        atomic_fetch_sub_explicit(&shared->live_blocks, 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&shared->live_bytes, before, memory_order_relaxed);
    }
    return born(moved);
}

void *memalign(size_t alignment, size_t size)
{
    return is_out_of_memory("memalign") ? NULL : born(ALLOCATOR(memalign)(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return is_out_of_memory("aligned_alloc") ? NULL : born(ALLOCATOR(memalign)(alignment, size));
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *const p = is_out_of_memory("posix_memalign") ? NULL : born(ALLOCATOR(memalign)(alignment, size));
    if (p == NULL)
        return ENOMEM;
    *out = p;
    return 0;
}

/* glibc's call malloc, the sanitizer's do not. */
char *strndup(const char *text, size_t len)
{
    const size_t n = strnlen(text, len);
    char *const copy = malloc(n + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, n);
    copy[n] = '\0';
    return copy;
}

char *strdup(const char *text)
{
    return strndup(text, SIZE_MAX);
}

char *__strdup(const char *text);

char *__strdup(const char *text)
{
    return strndup(text, SIZE_MAX);
}

void free(void *p)
{
    static atomic_uint n;
    if (p != NULL && keeps(&shared->keep_every, &n))
        return;
    died(p);
    ALLOCATOR(free)(p);
}

/* --- the system */

/* What is behind a name here, found before main(). */
#define BEHIND(name) static __typeof__(&name) behind_##name
BEHIND(socket);
BEHIND(connect);
BEHIND(accept4);
BEHIND(recv);
BEHIND(send);
BEHIND(sendmsg);
BEHIND(writev);
BEHIND(poll);
BEHIND(epoll_create1);
BEHIND(epoll_ctl);
BEHIND(eventfd);
BEHIND(pthread_create);
BEHIND(close);

static bool breaks(const char *call, int error)
{
    if (!fails(INJECT_SYSTEM, call))
        return false;
    errno = error;
    return true;
}

/* How sockets are watched. One that "would block" becomes ready again later: who waits for the edge of that must see it. */
static struct watched {
    int epoll_fd;
    struct epoll_event event;
} watched[FDS_MAX];

static void ready_later(int fd)
{
    if (fd >= 0 && fd < FDS_MAX && watched[fd].epoll_fd > 0)
        (void)behind_epoll_ctl(watched[fd].epoll_fd, EPOLL_CTL_MOD, fd, &watched[fd].event);
}

enum { WAY_RESET, WAY_AGAIN, WAY_SHORT, WAY_OTHER, WAYS };

/* How the piece of a stream fails: -1 with errno, or 1 when it is only short. */
static int stream_failure(int fd, int other)
{
    static const int errors[WAYS] = {[WAY_RESET] = ECONNRESET, [WAY_AGAIN] = EAGAIN};
    const unsigned chosen = way(WAYS);
    const bool passes = chosen == WAY_AGAIN || chosen == WAY_SHORT;
    if (passes && is_once())
        ready_later(fd);
    if (chosen == WAY_SHORT && is_once())
        return 1;
    errno = chosen == WAY_OTHER || (passes && !is_once()) ? other : errors[chosen];
    return -1;
}

int socket(int domain, int type, int protocol)
{
    return breaks("socket", EMFILE) ? -1 : behind_socket(domain, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t len)
{
    return breaks("connect", ECONNREFUSED) ? -1 : behind_connect(fd, address, len);
}

/* Who is never accepted waits, whatever the service does. */
int accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
    static const int errors[] = {EMFILE, ECONNABORTED, ENOBUFS, ENOMEM};
    if (!fails(INJECT_SYSTEM, "accept4") || atomic_load(&shared->n_failed) > ACCEPTS_MAX)
        return behind_accept4(fd, address, len, flags);
    errno = errors[way(4)];
    return -1;
}

ssize_t recv(int fd, void *to, size_t len, int flags)
{
    if (!fails(INJECT_SYSTEM, "recv"))
        return behind_recv(fd, to, len, flags);
    return stream_failure(fd, ENOMEM) < 0 ? -1 : behind_recv(fd, to, len > 0, flags);
}

ssize_t send(int fd, const void *from, size_t len, int flags)
{
    if (!fails(INJECT_SYSTEM, "send"))
        return behind_send(fd, from, len, flags);
    return stream_failure(fd, EPIPE) < 0 ? -1 : behind_send(fd, from, len > 0, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (!fails(INJECT_SYSTEM, "sendmsg"))
        return behind_sendmsg(fd, message, flags);
    return stream_failure(fd, ENOBUFS) < 0 ? -1 : behind_send(fd, message->msg_iov[0].iov_base, message->msg_iov[0].iov_len > 0, flags);
}

ssize_t writev(int fd, const struct iovec *pieces, int n)
{
    if (!fails(INJECT_SYSTEM, "writev"))
        return behind_writev(fd, pieces, n);
    return stream_failure(fd, EPIPE) < 0 ? -1 : behind_send(fd, pieces[0].iov_base, pieces[0].iov_len > 0, MSG_NOSIGNAL);
}

int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    if (!fails(INJECT_SYSTEM, "poll"))
        return behind_poll(fds, n, timeout_ms);
    errno = way(2) == 1 && is_once() ? EINTR : ENOMEM;
    return -1;
}

int epoll_create1(int flags)
{
    return breaks("epoll_create1", EMFILE) ? -1 : behind_epoll_create1(flags);
}

/* To take off what is there needs no memory. */
int epoll_ctl(int epoll_fd, int what, int fd, struct epoll_event *event)
{
    if (what == EPOLL_CTL_ADD && breaks("epoll_ctl", ENOMEM))
        return -1;
    if (fd >= 0 && fd < FDS_MAX)
        watched[fd] = what == EPOLL_CTL_DEL ? (struct watched){0} : (struct watched){epoll_fd, *event};
    return behind_epoll_ctl(epoll_fd, what, fd, event);
}

int eventfd(unsigned first, int flags)
{
    return breaks("eventfd", EMFILE) ? -1 : behind_eventfd(first, flags);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg)
{
    return fails(INJECT_SYSTEM, "pthread_create") ? EAGAIN : behind_pthread_create(thread, attributes, run, arg);
}

int close(int fd)
{
    static atomic_uint n;
    if (keeps(&shared->keep_files_every, &n))
        return 0;
    if (fd >= 0 && fd < FDS_MAX)
        watched[fd].epoll_fd = 0;
    return behind_close(fd);
}

/* --- libpq: what it is asked to begin, to go on with, and for a result */

#define LIBPQ_FAILS(name, type, failure, parameters, arguments)                 \
    BEHIND(name);                                                               \
    type name parameters                                                        \
    {                                                                           \
        return fails(INJECT_LIBPQ, #name) ? (failure) : behind_##name arguments; \
    }

LIBPQ_FAILS(PQconnectPoll, PostgresPollingStatusType, PGRES_POLLING_FAILED, (PGconn * c), (c))
LIBPQ_FAILS(PQsetnonblocking, int, -1, (PGconn * c, int on), (c, on))
LIBPQ_FAILS(PQsendQuery, int, 0, (PGconn * c, const char *sql), (c, sql))
LIBPQ_FAILS(PQsendPrepare, int, 0, (PGconn * c, const char *name, const char *sql, int n, const Oid *types),
            (c, name, sql, n, types))
LIBPQ_FAILS(PQsendQueryParams, int, 0,
            (PGconn * c, const char *sql, int n, const Oid *types, const char *const *values, const int *lengths,
             const int *formats, int format),
            (c, sql, n, types, values, lengths, formats, format))
LIBPQ_FAILS(PQsendQueryPrepared, int, 0,
            (PGconn * c, const char *name, int n, const char *const *values, const int *lengths, const int *formats, int format),
            (c, name, n, values, lengths, formats, format))
LIBPQ_FAILS(PQenterPipelineMode, int, 0, (PGconn * c), (c))
LIBPQ_FAILS(PQexitPipelineMode, int, 0, (PGconn * c), (c))
LIBPQ_FAILS(PQpipelineSync, int, 0, (PGconn * c), (c))
LIBPQ_FAILS(PQconsumeInput, int, 0, (PGconn * c), (c))
LIBPQ_FAILS(PQputCopyData, int, way(2) == 1 && is_once() ? 0 : -1, (PGconn * c, const char *data, int len), (c, data, len))
LIBPQ_FAILS(PQputCopyEnd, int, way(2) == 1 && is_once() ? 0 : -1, (PGconn * c, const char *why), (c, why))
LIBPQ_FAILS(PQflush, int, way(2) == 1 && is_once() ? 1 : -1, (PGconn * c), (c))
LIBPQ_FAILS(PQgetCancel, PGcancel *, NULL, (PGconn * c), (c))
LIBPQ_FAILS(PQcancel, int, 0, (PGcancel * c, char *why, int size), (c, why, size))
LIBPQ_FAILS(PQconninfoParse, PQconninfoOption *, NULL, (const char *text, char **why), (text, why))
#ifdef LIBPQ_HAS_ASYNC_CANCEL
LIBPQ_FAILS(PQcancelCreate, PGcancelConn *, NULL, (PGconn * c), (c))
LIBPQ_FAILS(PQcancelStart, int, 0, (PGcancelConn * c), (c))
LIBPQ_FAILS(PQcancelPoll, PostgresPollingStatusType, PGRES_POLLING_FAILED, (PGcancelConn * c), (c))
#endif

/* No memory at all, or a connection that says why there is none. */
BEHIND(PQconnectStartParams);
PGconn *PQconnectStartParams(const char *const *keywords, const char *const *values, int expand)
{
    static const char *const no_keywords[] = {"port", NULL}, *const no_values[] = {"none", NULL};
    if (!fails(INJECT_LIBPQ, "PQconnectStartParams"))
        return behind_PQconnectStartParams(keywords, values, expand);
    return way(2) == 0 ? NULL : behind_PQconnectStartParams(no_keywords, no_values, 0);
}

/* As libpq does when it has no memory for a result: an error that has no SQLSTATE stands in its place. */
BEHIND(PQgetResult);
PGresult *PQgetResult(PGconn *c)
{
    if (!fails(INJECT_LIBPQ, "PQgetResult"))
        return behind_PQgetResult(c);
    if (way(2) == 1)
        return NULL;
    PGresult *const lost = behind_PQgetResult(c);
    PGresult *const result = lost == NULL ? NULL : PQmakeEmptyPGresult(c, PGRES_FATAL_ERROR);
    PQclear(lost);
    return result;
}

/* --- before and after main() */

#define FIND(name) behind_##name = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static void find_system(void)
{
    FIND(socket);
    FIND(connect);
    FIND(accept4);
    FIND(recv);
    FIND(send);
    FIND(sendmsg);
    FIND(writev);
    FIND(poll);
    FIND(epoll_create1);
    FIND(epoll_ctl);
    FIND(eventfd);
    FIND(pthread_create);
    FIND(close);
}

static void find_libpq(void)
{
    FIND(PQconnectPoll);
    FIND(PQsetnonblocking);
    FIND(PQsendQuery);
    FIND(PQsendPrepare);
    FIND(PQsendQueryParams);
    FIND(PQsendQueryPrepared);
    FIND(PQenterPipelineMode);
    FIND(PQexitPipelineMode);
    FIND(PQpipelineSync);
    FIND(PQconsumeInput);
    FIND(PQputCopyData);
    FIND(PQputCopyEnd);
    FIND(PQflush);
    FIND(PQgetCancel);
    FIND(PQcancel);
    FIND(PQconninfoParse);
#ifdef LIBPQ_HAS_ASYNC_CANCEL
    FIND(PQcancelCreate);
    FIND(PQcancelStart);
    FIND(PQcancelPoll);
#endif
    FIND(PQconnectStartParams);
    FIND(PQgetResult);
}

#ifdef INJECT_SANITIZED
/* AddressSanitizer asks each new thread for its stack so, its first one before anything here is prepared, and ends the process where
 * there is no memory for the answer. */
int pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes)
{
    static __typeof__(&pthread_getattr_np) behind;
    const bool was_inside = is_inside;
    is_inside = true;
    if (behind == NULL)
        behind = (__typeof__(&pthread_getattr_np))dlsym(RTLD_NEXT, "pthread_getattr_np");
    const int status = behind(thread, attributes);
    is_inside = was_inside;
    return status;
}
#endif

/* Other libraries call these from their constructors, which may run before this one. */
__attribute__((constructor(101))) static void prepare(void)
{
    void *frames[1];
    find_system();
    find_libpq();
    (void)backtrace(frames, 1); /* loads what it needs */
    const char *const path = getenv(INJECT_FILE);
    const int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    void *const p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        (void)behind_close(fd);
    shared = p == MAP_FAILED ? NULL : p;
}

static int (*program)(int argc, char **argv, char **environment);

static int run(int argc, char **argv, char **environment)
{
    atomic_store(&is_running, true);
    const int status = program(argc, argv, environment);
    atomic_store(&is_running, false);
    return status;
}

typedef int main_function(int argc, char **argv, char **environment);

int __libc_start_main(main_function *f, int argc, char **argv, void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
                      void *stack_end);

int __libc_start_main(main_function *f, int argc, char **argv, void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
                      void *stack_end)
{
    __typeof__(&__libc_start_main) const behind = (__typeof__(&__libc_start_main))dlsym(RTLD_NEXT, "__libc_start_main");
    program = f;
    return behind(run, argc, argv, init, fini, rtld_fini, stack_end);
}
