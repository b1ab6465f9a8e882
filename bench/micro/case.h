/* Functions to measure, each on a fixed input: what it does, who does it, and on how much.
 *
 * Rows of one `what` do the same work; the first is tracekin's, the others are libraries to hold it against. One thread. */
#ifndef TRACEKIN_BENCH_MICRO_CASE_H
#define TRACEKIN_BENCH_MICRO_CASE_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

enum { MICRO_CASES_MAX = 64 };

struct micro_case {
    const char *what;
    const char *by;
    const char *items; /* what is counted: "spans" */
    size_t n_bytes, n_items; /* of one run; no bytes: only items are told */
    enum err (*run)(const void *arg, struct err_info *e);
    const void *arg; /* borrowed for as long as the list is used */
};

struct micro_list {
    struct micro_case cases[MICRO_CASES_MAX];
    size_t n;
};

/* There must be room. Names need no escape in JSON. */
void micro_list_add(struct micro_list *list, const struct micro_case *c);
/* Measures every case once a round, each time in a process of its own, and prints a line of JSON for each: the processor's seconds of
 * one run, for every round. A case is run over and over for at least round_ns. A run that fails ends all. Forks: no other thread may
 * run. */
enum err micro_list_measure(const struct micro_list *list, int n_rounds, int64_t round_ns, struct err_info *e) MUST_USE;

#endif
