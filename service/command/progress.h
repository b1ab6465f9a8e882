/* A progress bar on stderr, drawn when that is a terminal. One thread. */
#ifndef TRACEKIN_SERVICE_PROGRESS_H
#define TRACEKIN_SERVICE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct service_progress {
    const char *label;
    int64_t start_ns;
    bool is_terminal;
};

void service_progress_begin(struct service_progress *p, const char *label);
/* size 0: not known, so there is a count and no bar. */
void service_progress_draw(const struct service_progress *p, uint64_t position, uint64_t size, int64_t n_items);
/* Takes the bar away. */
void service_progress_end(const struct service_progress *p);

#endif
