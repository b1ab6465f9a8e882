#include "service/job/index_usage.h"

#include <stdio.h>

#include "core/metrics.h"
#include "db/question/index_usage.h"

enum { ARENA_MAX_BYTES = 1 << 20 };

static const struct metric_family n_scans = {"tracekin_index_scans_total", METRIC_COUNTER,
                                             "Scans of an index since PostgreSQL's statistics were last reset."};
static const struct metric_family n_rows_read = {"tracekin_index_rows_read_total", METRIC_COUNTER,
                                                 "Entries that these scans returned."};
static const struct metric_family size_bytes = {"tracekin_index_size_bytes", METRIC_GAUGE,
                                                "Size of an index; the parts of a partitioned table's counted together."};

/* The names are of lower-case letters, digits and _: they need no escaping. */
static enum err show(void *arg, const struct db_index_usage_row *row)
{
    (void)arg;
    char labels[METRICS_LABELS_MAX];
    (void)snprintf(labels, sizeof labels, "index=\"%.*s\",table=\"%.*s\",type=\"%.*s\"", STR_ARG(row->index),
                   STR_ARG(row->table), STR_ARG(row->type));
    metric_follow(metrics_series(&n_scans, labels), (uint64_t)row->n_scans);
    metric_follow(metrics_series(&n_rows_read, labels), (uint64_t)row->n_rows_read);
    metric_set(metrics_series(&size_bytes, labels), (double)row->size_bytes);
    return OK;
}

enum err service_index_usage_sample(struct db_conn *conn, const struct db_wait *wait, struct err_info *e)
{
    AUTO(arena) struct arena arena;
    arena_init(&arena, ARENA_MAX_BYTES);
    return db_index_usage(conn, wait, &arena, show, NULL, e);
}
