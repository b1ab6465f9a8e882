/* A trace in short, as lists and searches give it. Slices are borrowed during the call they are passed to. */
#ifndef TRACEKIN_DB_SUMMARY_H
#define TRACEKIN_DB_SUMMARY_H

#include "db/session/conn.h"

struct db_summary {
    struct str trace_id; /* 16 bytes */
    struct str service, name;
    int64_t start_ns, end_ns;
    double duration_ms;
    struct str status; /* "unset", "ok" or "error" */
    int64_t span_count, error_count;
    struct str error_message;   /* absent: none */
    const struct str *services; /* of all its spans, or the one it has */
    size_t n_services;
    struct str attributes; /* JSON object */
};

/* The columns of a summary, from traces AS t LEFT JOIN patterns AS p; a statement selects them first. */
#define DB_SUMMARY_COLUMNS                                                                                     \
    "t.trace_id, t.service, t.name, t.start_ns, t.end_ns, t.duration_ms, t.status, t.span_count, t.error_count, " \
    "t.error_message, coalesce(p.services, ARRAY[t.service]), t.attributes"
#define DB_SUMMARY_FROM "traces AS t LEFT JOIN patterns AS p ON p.pattern_id = t.pattern_id"
enum { DB_SUMMARY_N_COLUMNS = 12 };

/* Reads the summary of a row whose first columns are DB_SUMMARY_COLUMNS; services are in the arena, texts in r. */
enum err db_summary_read(const struct db_result *r, int row, struct arena *arena, struct db_summary *out,
                         struct err_info *e) MUST_USE;

#endif
