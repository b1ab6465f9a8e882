/* A window of time, start inclusive and end exclusive, in nanoseconds since 1970; {0, INT64_MAX} is everything. */
#ifndef TRACEKIN_DB_WINDOW_H
#define TRACEKIN_DB_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct db_window {
    int64_t start_ns, end_ns;
};

#define DB_WINDOW_ALL ((struct db_window){0, INT64_MAX})

static inline bool db_window_is_all(struct db_window w)
{
    return w.start_ns <= 0 && w.end_ns == INT64_MAX;
}

/* Both, and what is in between. */
static inline struct db_window db_window_hull(struct db_window a, struct db_window b)
{
    return (struct db_window){a.start_ns < b.start_ns ? a.start_ns : b.start_ns, a.end_ns > b.end_ns ? a.end_ns : b.end_ns};
}

#endif
