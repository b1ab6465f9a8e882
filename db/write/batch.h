/* What one ingest request brings: rows for the tables, decoded, not yet stored.
 *
 * The decoder (api/) fills it, the writer (db/write/writer.h) stores it. Everything lives in the batch's arena or in the request
 * body, which must outlive the batch. All text is clean UTF-8 (core/utf8.h); attribute objects are JSON text.
 *
 * Attribute JSON: a string, bool, integer or finite double is itself (a double always has '.' or 'e', so that it stays
 * apart from an integer); an empty AnyValue is null; arrays and key-value lists are arrays and objects; bytes are
 * {"bytesValue":"<base64>"}; NaN and infinities are {"doubleValue":"NaN"}. A repeated key keeps its last value. */
#ifndef TRACEKIN_DB_BATCH_H
#define TRACEKIN_DB_BATCH_H

#include "core/arena.h"
#include "core/err.h"
#include "core/str.h"

enum { DB_TRACE_ID_BYTES = 16, DB_SPAN_ID_BYTES = 8 };

enum db_signal { DB_SIGNAL_TRACES, DB_SIGNAL_LOGS, DB_SIGNAL_METRICS };
enum db_encoding { DB_ENCODING_PROTOBUF, DB_ENCODING_JSON };
enum db_metric_kind {
    DB_METRIC_GAUGE = 1,
    DB_METRIC_SUM,
    DB_METRIC_HISTOGRAM,
    DB_METRIC_EXPONENTIAL_HISTOGRAM,
    DB_METRIC_SUMMARY,
};

struct db_resource {
    int64_t resource_id;    /* hash64 of service, attributes, schema_url, dropped count */
    struct str service;     /* service.name, or "unknown_service" */
    struct str attributes;  /* JSON object */
    struct str schema_url;
    uint32_t n_dropped_attributes;
    struct str raw; /* the Resource message or object as it came, for dead letters */
};

struct db_scope {
    int64_t scope_id; /* hash64 of name, version, attributes, schema_url, dropped count */
    struct str name, version, attributes, schema_url;
    uint32_t n_dropped_attributes;
    struct str raw;
};

struct db_span {
    uint8_t trace_id[DB_TRACE_ID_BYTES];
    uint8_t span_id[DB_SPAN_ID_BYTES];
    uint8_t parent_span_id[DB_SPAN_ID_BYTES];
    bool has_parent;
    uint8_t kind;   /* 0..5 */
    uint8_t status; /* 0 unset, 1 ok, 2 error */
    uint32_t flags;
    uint32_t n_dropped_attributes, n_dropped_events, n_dropped_links;
    int64_t start_ns, end_ns; /* end_ns >= start_ns */
    uint32_t resource, scope; /* indexes into the batch */
    struct str name, status_message, trace_state;
    struct str attributes; /* JSON object */
    struct str events;     /* JSON array of {"time_unix_nano":"n","name":"","attributes":{},"dropped_attributes_count":n}, or absent */
    struct str links;      /* JSON array of {"trace_id":"hex","span_id":"hex","trace_state":"","attributes":{},"dropped_attributes_count":n,"flags":n}, or absent */
    struct str raw;
};

struct db_log {
    int64_t time_ns;     /* of the event; the observed time when the sender gave none */
    int64_t observed_ns; /* 0: not given */
    uint8_t log_id[16];  /* hash128 of the whole record and its resource and scope, and its ordinal among equals in the request */
    uint8_t trace_id[DB_TRACE_ID_BYTES];
    uint8_t span_id[DB_SPAN_ID_BYTES];
    bool has_trace, has_span;
    uint8_t severity; /* 0..24; from the text when the number is 0 */
    uint32_t flags, n_dropped_attributes;
    uint32_t resource, scope;
    struct str severity_text, event_name;
    struct str body;      /* as text: a string body itself, else its JSON, or its message/msg member */
    struct str body_json; /* JSON of a body that is not a string, else absent */
    struct str attributes;
    struct str raw;
};

struct db_metric {
    int64_t metric_id; /* hash64 of all of it */
    struct str name, unit, description;
    enum db_metric_kind kind;
    uint8_t temporality; /* 0 unspecified, 1 delta, 2 cumulative */
    bool is_monotonic;
    struct str metadata; /* JSON object or absent */
    struct str raw;      /* the Metric without its points cannot be cut out: the whole Metric */
};

struct db_point {
    int64_t time_ns, start_ns; /* start_ns 0: not given */
    uint8_t point_id[16];      /* hash128 of metric, resource, scope, attributes, start and time: one point of one series */
    uint32_t metric, resource, scope;
    uint32_t flags; /* bit 0: no recorded value */
    bool has_value, value_is_int, has_count, has_sum, has_min, has_max;
    double value; /* gauges and sums; integers beyond 2^53 keep their digits in value_int */
    int64_t value_int;
    uint64_t count;
    double sum, min, max;
    struct str attributes;
    struct str detail;    /* JSON object: histogram buckets and bounds, exponential buckets, quantiles; or absent */
    struct str exemplars; /* JSON array of {"time_unix_nano":"n","value":v,"trace_id":"hex","span_id":"hex","attributes":{}}; or absent */
    const struct str *trace_ids; /* 16 bytes each: of the exemplars, and of a trace_id attribute; in the arena */
    size_t n_trace_ids;
    struct str raw; /* the whole Metric it came in */
};

/* A growing array in the arena. */
#define DB_VEC(type) struct { type *items; size_t n, cap; }

struct db_batch {
    struct arena *arena;
    enum db_signal signal;
    enum db_encoding encoding; /* of the raw slices */
    DB_VEC(struct db_resource) resources;
    DB_VEC(struct db_scope) scopes;
    DB_VEC(struct db_metric) metrics;
    DB_VEC(struct db_span) spans;
    DB_VEC(struct db_log) logs;
    DB_VEC(struct db_point) points;
};

void db_batch_init(struct db_batch *b, struct arena *arena, enum db_signal signal, enum db_encoding encoding);
/* Each returns a new zeroed row, borrowed until the next of its kind, or NULL when the arena is full. */
struct db_resource *db_batch_add_resource(struct db_batch *b);
struct db_scope *db_batch_add_scope(struct db_batch *b);
struct db_metric *db_batch_add_metric(struct db_batch *b);
struct db_span *db_batch_add_span(struct db_batch *b);
struct db_log *db_batch_add_log(struct db_batch *b);
struct db_point *db_batch_add_point(struct db_batch *b);

#endif
