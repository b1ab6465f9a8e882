/* Which traces, or which shapes of traces, look like this one: nearest by cosine similarity, found by an exact scan. */
#ifndef TRACEKIN_DB_FIND_SIMILAR_TRACES_H
#define TRACEKIN_DB_FIND_SIMILAR_TRACES_H

#include "db/summary.h"
#include "db/window.h"

struct db_find_similar_traces_params {
    const float *embedding; /* EMBEDDING_DIMENSIONS numbers, valid (embedding_is_valid); NULL: the one of trace_id */
    struct str model;       /* the model of embedding: only vectors of it are compared; ignored when embedding is NULL */
    struct str trace_id;    /* this trace is left out; absent: none */
    double threshold;       /* least similarity, 0 to 1 */
    bool by_pattern;        /* one row a shape: a trace of it that passes the filters, its exemplar if it can be */
    struct str service;     /* absent: any; else some span is of this service */
    struct str status;      /* absent: any */
    struct db_window window; /* of start_ns */
    int64_t limit;
};

struct db_find_similar_traces_row {
    struct db_summary summary;
    double similarity;   /* at most 1 */
    int64_t pattern_id;  /* the rest only by_pattern, of the whole shape, whatever the filters */
    int64_t trace_count, error_count;
    int64_t first_seen_ns, last_seen_ns;
};

typedef enum err (*db_find_similar_traces_fn)(void *arg, const struct db_find_similar_traces_row *row);

/* Most similar first. ERR_NOT_FOUND when embedding is NULL and the trace is not there or has no embedding (yet). */
enum err db_find_similar_traces(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                                const struct db_find_similar_traces_params *params, db_find_similar_traces_fn fn, void *arg,
                                struct err_info *e) MUST_USE;

#endif
