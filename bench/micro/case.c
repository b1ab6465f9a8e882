#include "bench/micro/case.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"

enum { ROUNDS_MAX = 100, RUNS_AT_ONCE = 4 };

void micro_list_add(struct micro_list *list, const struct micro_case *c)
{
    assert(list->n < MICRO_CASES_MAX);
    list->cases[list->n++] = *c;
}

/* Of this thread, so that what else the machine does is left out as far as it can be. */
static int64_t spent_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* The first runs find the heap and the caches cold, and are not counted. */
static enum err measure_here(const struct micro_case *c, int64_t round_ns, double *seconds, struct err_info *e)
{
    int64_t begun_ns = 0, n_runs = -RUNS_AT_ONCE, taken_ns = 0;
    while (taken_ns < round_ns) {
        for (int i = 0; i < RUNS_AT_ONCE; i++)
            TRY(c->run(c->arg, e));
        n_runs += RUNS_AT_ONCE;
        if (n_runs == 0)
            begun_ns = spent_ns();
        taken_ns = n_runs == 0 ? 0 : spent_ns() - begun_ns;
    }
    *seconds = (double)taken_ns / (double)NS_PER_S / (double)n_runs;
    return OK;
}

static _Noreturn void measure_and_exit(const struct micro_case *c, int64_t round_ns, double *seconds)
{
    struct err_info e = {0};
    const enum err code = measure_here(c, round_ns, seconds, &e);
    if (code != OK)
        (void)fprintf(stderr, "%s\n", e.message);
    _exit(code == OK ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* In a process of its own, so that nobody works in a heap that another has left in pieces. */
static enum err measure_one(const struct micro_case *c, int64_t round_ns, double *seconds, struct err_info *e)
{
    int status = 0;
    const pid_t pid = fork();
    if (pid == 0)
        measure_and_exit(c, round_ns, seconds);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return ERR_SET(e, ERR_INTERNAL, "%s by %s failed", c->what, c->by);
    return OK;
}

/* Shared with the processes that measure. */
static double (*rounds_new(void))[ROUNDS_MAX]
{
    void *const p = mmap(NULL, sizeof(double[MICRO_CASES_MAX][ROUNDS_MAX]), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void print_case(const struct micro_case *c, const double *seconds, int n_rounds)
{
    printf("{\"what\":\"%s\",\"by\":\"%s\",\"items\":\"%s\",\"n_bytes\":%zu,\"n_items\":%zu,\"seconds\":[", c->what, c->by, c->items,
           c->n_bytes, c->n_items);
    for (int i = 0; i < n_rounds; i++)
        printf("%s%.9g", i == 0 ? "" : ",", seconds[i]);
    printf("]}\n");
}

enum err micro_list_measure(const struct micro_list *list, int n_rounds, int64_t round_ns, struct err_info *e)
{
    if (n_rounds < 1 || n_rounds > ROUNDS_MAX)
        return ERR_SET(e, ERR_INVALID, "there are from 1 to %d rounds", ROUNDS_MAX);
    double (*const seconds)[ROUNDS_MAX] = rounds_new();
    if (seconds == NULL)
        return ERR_SET_NOMEM(e);
    for (int round = 0; round < n_rounds; round++)
        for (size_t i = 0; i < list->n; i++)
            TRY(measure_one(&list->cases[i], round_ns, &seconds[i][round], e));
    for (size_t i = 0; i < list->n; i++)
        print_case(&list->cases[i], seconds[i], n_rounds);
    return OK;
}
