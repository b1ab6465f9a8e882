/* One trace in memory: what was read of it, and what comes of it. All texts are borrowed from the results or the arena. */
#ifndef TRACEKIN_DB_ASSEMBLE_TRACE_H
#define TRACEKIN_DB_ASSEMBLE_TRACE_H

#include "core/arena.h"
#include "core/embedding.h"
#include "db/write/batch.h"

/* More distinct errors of one span are left out. */
enum { DB_ASSEMBLE_SPAN_ERRORS_MAX = 32 };

struct db_assemble_event {
    int64_t time_ns;
    struct str type, message;
};

struct db_assemble_span {
    uint32_t trace; /* which of the round's */
    struct str span_id, parent_span_id; /* the parent absent: a root */
    int64_t start_ns, end_ns, resource_id;
    uint8_t kind, status;
    struct str service, name, status_message, attributes;
    struct db_assemble_event *events; /* exceptions */
    size_t n_events;
};

struct db_assemble_log {
    uint32_t trace;
    struct str log_id, span_id; /* the span absent: of the trace alone */
    int64_t time_ns;
    struct str service, name, type, message;
};

struct db_assemble_resource {
    int64_t resource_id;
    struct str attributes;
};

/* What all spans of a trace come to, where only some of them were read. */
struct db_assemble_totals {
    int64_t start_ns, end_ns;
    size_t n_spans, n_failed; /* failed: of status error */
};

/* What a round read of a trace. */
struct db_assemble_input {
    struct str trace_id;
    const struct db_assemble_span *spans; /* by start */
    size_t n_spans;
    const struct db_assemble_totals *totals; /* NULL: the spans are all there are */
    const struct db_assemble_log *logs; /* by time */
    size_t n_logs;
    const struct db_assemble_resource *resources; /* of the round, by id */
    size_t n_resources;
};

enum db_error_source { DB_ERROR_SPAN_STATUS, DB_ERROR_SPAN_EVENT, DB_ERROR_LOG };

struct db_trace_error {
    uint8_t error_id[16];
    struct str trace_id, span_id; /* the span absent: of the trace alone */
    struct str service, name, type, message;
    enum db_error_source source;
    int64_t start_ns, told_ns; /* of the span; of the telling, which orders the errors of a trace */
    bool has_duration;
    double duration_ms;
};

/* A row of traces, with what its pattern needs. */
struct db_trace_row {
    struct str trace_id, service, name;
    int64_t start_ns, end_ns;
    struct str status; /* "unset", "ok", "error" */
    int32_t n_spans, n_errors;
    struct str error_message; /* absent: none */
    struct str attributes;
    bool has_pattern;
    int64_t pattern_id;
    const struct str *services;
    size_t n_services;
    const struct str *operations; /* service, DB_OPERATION_SEPARATOR, masked name; NULL: not told, as another row tells them */
    const struct str *operation_names; /* the name of each */
    size_t n_operations;
    bool operations_are_cut;
    const float *embedding; /* NULL: none */
    struct str embedding_model; /* absent: its pattern is embedded later, or has been; with no embedding: it has none by that model */
};

struct db_assemble_output {
    bool has_row; /* it has spans */
    struct db_trace_row row;
    struct db_trace_error *errors;
    size_t n_errors;
};

/* Everything in out is borrowed from the arena and the input. embeds_later: the row has no embedding, as another model's than
 * the built-in is wanted. ERR_NOMEM. */
enum err db_assemble_trace(const struct db_assemble_input *in, bool embeds_later, struct arena *arena,
                           struct db_assemble_output *out, struct err_info *e) MUST_USE;

#endif
