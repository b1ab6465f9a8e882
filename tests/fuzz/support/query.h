/* Query strings once more, told apart and decoded by code that shares none with api/request/params.c. */
#ifndef TRACEKIN_TESTS_QUERY_H
#define TRACEKIN_TESTS_QUERY_H

#include "tests/fuzz/fuzz.h"

enum { QUERY_PAIRS_MAX = 512 };

struct query_pair {
    bool is_decoded; /* name and value are percent-encoded UTF-8 without NUL */
    char *name, *value;
};

struct query {
    size_t n;
    bool is_cut; /* there are more than QUERY_PAIRS_MAX */
    struct query_pair pairs[QUERY_PAIRS_MAX];
};

/* What it makes is freed by query_close. */
void query_split(struct query *q, struct str text);
void query_close(struct query *q);

#endif
