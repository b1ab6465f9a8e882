#include "core/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/str.h"

/* Fields of /proc/self/stat by their numbers in proc(5); a name with spaces ends at field 2, so counting begins at 3. */
enum { STAT_FIRST = 3, STAT_UTIME = 14, STAT_STIME = 15, STAT_THREADS = 20, STAT_START = 22, STAT_VSIZE = 23, STAT_RSS = 24 };

enum { STAT_TEXT_MAX = 2048 };

static pthread_once_t boot_once = PTHREAD_ONCE_INIT;
static double boot_seconds;

/* Read once, for a start time that moved with each reading would look like restarts. */
static void read_boot_seconds(void)
{
    struct timespec since_boot = {0};
    (void)clock_gettime(CLOCK_BOOTTIME, &since_boot);
    const int64_t since_boot_ns = since_boot.tv_sec * NS_PER_S + since_boot.tv_nsec;
    boot_seconds = (double)(clock_wall_ns() - since_boot_ns) / (double)NS_PER_S;
}

static struct str read_stat(char *storage, size_t size)
{
    const int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return (struct str){NULL, 0};
    const ssize_t n = read(fd, storage, size);
    (void)close(fd);
    return (struct str){storage, n < 0 ? 0 : (size_t)n};
}

static void read_stat_fields(double fields[STAT_RSS + 1])
{
    char storage[STAT_TEXT_MAX];
    for (size_t i = 0; i <= STAT_RSS; i++)
        fields[i] = NAN;
    const struct str text = read_stat(storage, sizeof storage);
    const char *name_end = text.len == 0 ? NULL : memrchr(text.ptr, ')', text.len);
    if (name_end == NULL)
        return;
    struct str rest = {name_end + 1, text.len - (size_t)(name_end + 1 - text.ptr)};
    (void)str_split(rest, ' ', &rest);
    for (size_t i = STAT_FIRST; i <= STAT_RSS && rest.ptr != NULL; i++)
        (void)str_to_double(str_split(rest, ' ', &rest), &fields[i]);
}

static double count_open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL)
        return NAN;
    size_t n_fds = 0;
    /* No other thread has this stream, and the C library locks none of its own data for it. NOLINTNEXTLINE(concurrency-mt-unsafe) */
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        n_fds += entry->d_name[0] != '.';
    (void)closedir(dir);
    return (double)(n_fds - 1); /* without the directory's own */
}

static double max_fds(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return NAN;
    return limit.rlim_cur == RLIM_INFINITY ? INFINITY : (double)limit.rlim_cur;
}

void process_read_usage(struct process_usage *out)
{
    double fields[STAT_RSS + 1];
    const double ticks_per_second = (double)sysconf(_SC_CLK_TCK);
    (void)pthread_once(&boot_once, read_boot_seconds);
    read_stat_fields(fields);
    *out = (struct process_usage){
        .cpu_seconds = (fields[STAT_UTIME] + fields[STAT_STIME]) / ticks_per_second,
        .n_open_fds = count_open_fds(),
        .n_max_fds = max_fds(),
        .resident_bytes = fields[STAT_RSS] * (double)sysconf(_SC_PAGESIZE),
        .virtual_bytes = fields[STAT_VSIZE],
        .start_time_seconds = boot_seconds + fields[STAT_START] / ticks_per_second,
        .n_threads = fields[STAT_THREADS],
    };
}
