#include "service/command/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "core/clock.h"

enum { BAR_WIDTH = 24 };

void service_progress_begin(struct service_progress *p, const char *label)
{
    *p = (struct service_progress){.label = label, .start_ns = clock_mono_ns(), .is_terminal = isatty(STDERR_FILENO) == 1};
}

static void progress_bar(double part, char out[BAR_WIDTH + 1])
{
    for (int i = 0; i < BAR_WIDTH; i++)
        out[i] = i < (int)(part * BAR_WIDTH) ? '#' : '.';
    out[BAR_WIDTH] = '\0';
}

void service_progress_draw(const struct service_progress *p, uint64_t position, uint64_t size, int64_t n_items)
{
    if (!p->is_terminal)
        return;
    const double seconds = (double)(clock_mono_ns() - p->start_ns) / (double)NS_PER_S;
    const double rate = seconds > 0 ? (double)n_items / seconds : 0;
    if (size == 0 || position == 0) {
        (void)fprintf(stderr, "\r\033[K%s  %lld items  %.0f/s", p->label, (long long)n_items, rate);
        return;
    }
    const double part = position >= size ? 1 : (double)position / (double)size;
    char bar[BAR_WIDTH + 1];
    progress_bar(part, bar);
    (void)fprintf(stderr, "\r\033[K%s  [%s] %3.0f%%  %lld items  %.0f/s  %.0f s left", p->label, bar, part * 100,
                  (long long)n_items, rate, seconds / part - seconds);
}

void service_progress_end(const struct service_progress *p)
{
    if (p->is_terminal)
        (void)fputs("\r\033[K", stderr);
}
