/* The service's own metrics: counters, gauges and histograms, rendered for Prometheus without touching anything else.
 *
 * A family is declared once, by name; a series is a family plus a fixed label text ("" or "route=\"/metrics\",code=\"200\"",
 * already escaped). metrics_series finds or makes a series; hold the pointer on hot paths, it lives as long as the process.
 * Families and series are bounded: past the bound a shared overflow series is returned, never NULL. Any thread; updates are
 * lock-free. */
#ifndef TRACEKIN_CORE_METRICS_H
#define TRACEKIN_CORE_METRICS_H

#include "core/buf.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_HISTOGRAM_OF_ITEMS };

enum { METRICS_FAMILIES_MAX = 128, METRICS_SERIES_MAX = 4096, METRICS_LABELS_MAX = 256 };

/* What /metrics says of a family. Histograms are of seconds, or of numbers of items, with the buckets of metrics.c. */
struct metric_family {
    const char *name; /* counters end in _total */
    enum metric_type type;
    const char *help;
};

struct metric; /* one series */

struct metric *metrics_series(const struct metric_family *family, const char *labels);

void metric_add(struct metric *m, uint64_t n);       /* counter */
void metric_follow(struct metric *m, uint64_t n);    /* counter that is counted elsewhere, and is n there now */
void metric_set(struct metric *m, double value);     /* gauge */
void metric_move(struct metric *m, int64_t delta);   /* gauge of whole things */
void metric_observe(struct metric *m, double value);  /* histogram */
uint64_t metric_count(const struct metric *m);       /* of a counter, or the observations of a histogram */

/* Text format 0.0.4, or OpenMetrics 1.0.0 (with "# EOF"). Includes process_*. */
void metrics_render(struct buf *out, bool openmetrics);
/* Called at each rendering, before it, to set gauges that are cheap to read. At most METRICS_HOOKS_MAX. */
enum { METRICS_HOOKS_MAX = 16 };
void metrics_add_hook(void (*hook)(void *arg), void *arg);

#endif
