/* Which traces, or which shapes of traces, look like this one: nearest by cosine similarity.
 *
 * Three ways lead there (db/vector/similar_statements.h). Traces whose vectors are their patterns' are found exactly, by the few
 * distinct patterns. Other vectors are found by the vector index, approximately; when that leaves fewer than wanted, or
 * exactness is asked for, or there is no index, by comparing each trace that passes the filters. */
#ifndef TRACEKIN_DB_FIND_SIMILAR_TRACES_H
#define TRACEKIN_DB_FIND_SIMILAR_TRACES_H

#include "db/vector/similar_statements.h"
#include "db/vector/vector_use.h"
#include "db/window.h"

/* Patterns beyond which the vector index over their traces is faster. */
enum { DB_SIMILAR_SHAPES_MAX = 5000 };

struct db_find_similar_traces_params {
    const float *embedding; /* EMBEDDING_DIMENSIONS numbers, valid (embedding_is_valid); NULL: the one of trace_id */
    struct str model;       /* the model of embedding: only vectors of it are compared; ignored when embedding is NULL */
    struct str trace_id;    /* this trace is left out; absent: none */
    double threshold;       /* least similarity, 0 to 1 */
    bool by_pattern;        /* one row a pattern: a trace of it that passes the filters */
    bool is_exact;          /* never by the vector index */
    struct db_vector_use use;
    struct str service;      /* absent: any; else some span is of this service */
    struct str status;       /* absent: any */
    struct db_window window; /* of start_ns */
    int64_t limit;
};

/* What was compared with, and how. */
struct db_find_similar_traces_how {
    enum db_similar_way way;
    struct str model;         /* in the arena, or the caller's */
    bool has_pattern;         /* of the trace asked about */
    int64_t pattern_id;
    struct str error_message; /* of the trace asked about; absent: none; in the arena */
};

struct db_find_similar_traces_row {
    struct db_summary summary;
    double similarity; /* at most 1 */
    bool has_pattern;
    int64_t pattern_id;
    int64_t trace_count, error_count; /* of the whole pattern, whatever the filters */
    int64_t first_seen_ns, last_seen_ns;
};

/* *rows are in the arena, their texts in *result (new: db_result_free); most similar first. ERR_NOT_FOUND when embedding is
 * NULL and the trace is not there or has no embedding (yet). */
enum err db_find_similar_traces(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                                const struct db_find_similar_traces_params *params, struct db_find_similar_traces_how *how,
                                struct db_find_similar_traces_row **rows, size_t *n_rows, struct db_result **result,
                                struct err_info *e) MUST_USE;

#endif
