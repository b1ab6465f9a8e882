/* What the parts of the OTLP decoder share: where the message being read is put, and what is done with values.
 *
 * Messages other than AnyValue do not nest in themselves, so each has one place in struct api_otlp_state, reused by every
 * item: a field of a message is an offset into the state. The tables (otlp_schema.h) say which; the readers
 * (otlp_proto.c, otlp_json.c) fill the places; the hooks of the tables (otlp_resource.c, otlp_spans.c, otlp_logs.c,
 * otlp_points.c) empty them before an item and make a row of them after it. One request, one thread. */
#ifndef TRACEKIN_API_OTLP_STATE_H
#define TRACEKIN_API_OTLP_STATE_H

#include "api/json/jsonread.h"
#include "api/otlp/otlp.h"
#include "core/buf.h"

/* An id as sent: n is 0 (absent), the right length, or something else; hex that is not hex has n == API_OTLP_ID_BAD. */
enum { API_OTLP_ID_BAD = 255 };
struct api_otlp_id {
    uint8_t bytes[DB_TRACE_ID_BYTES];
    uint8_t n;
};

/* A number of a oneof or an optional field. */
struct api_otlp_number {
    bool has, is_int;
    double real;
    int64_t integer;
};

/* Attributes: the members of their JSON object, commas between, no braces. */
struct api_otlp_attributes {
    struct buf text;
    struct str watched; /* the last string value of the key the field watches for */
    bool too_deep;
};

/* An AnyValue of its own: a string as text, anything else as JSON. */
struct api_otlp_any {
    struct str text; /* absent: not a string */
    struct buf json; /* empty when it is a string, or not there */
    bool too_deep;
};

/* A place for text is cleared, never zeroed; so in each struct the bufs come last. */
struct api_otlp_resource_place {
    struct str raw, schema_url;
    uint32_t n_dropped;
    struct api_otlp_attributes attributes;
};

struct api_otlp_scope_place {
    struct str raw, name, version, schema_url;
    uint32_t n_dropped;
    struct api_otlp_attributes attributes;
};

struct api_otlp_event_place {
    uint64_t time;
    struct str name;
    uint32_t n_dropped;
    struct api_otlp_attributes attributes;
};

struct api_otlp_link_place {
    struct api_otlp_id trace_id, span_id;
    struct str trace_state;
    uint32_t n_dropped, flags;
    struct api_otlp_attributes attributes;
};

struct api_otlp_span_place {
    struct str raw, name, trace_state, status_message;
    struct api_otlp_id trace_id, span_id, parent_span_id;
    uint64_t start, end;
    uint32_t n_dropped_attributes, n_dropped_events, n_dropped_links, flags, kind, status;
    uint32_t n_bad_links; /* dropped here */
    bool too_deep; /* an event or a link is */
    struct api_otlp_attributes attributes;
    struct buf events, links;
};

struct api_otlp_log_place {
    struct str raw, severity_text, event_name;
    struct api_otlp_id trace_id, span_id;
    uint64_t time, observed;
    uint32_t n_dropped, flags, severity;
    struct api_otlp_any body;
    struct api_otlp_attributes attributes;
};

struct api_otlp_metric_place {
    struct str raw, name, description, unit;
    uint32_t temporality;
    bool is_monotonic;
    enum db_metric_kind kind; /* 0: no data yet */
    size_t first_point;
    struct api_otlp_attributes metadata;
};

struct api_otlp_exemplar_place {
    uint64_t time;
    struct api_otlp_number value;
    struct api_otlp_id trace_id, span_id;
    struct api_otlp_attributes attributes;
};

struct api_otlp_buckets_place {
    int32_t offset;
    struct buf counts;
};

struct api_otlp_point_place {
    struct str raw;
    uint64_t start, time, count, zero_count;
    uint32_t flags;
    int32_t scale;
    bool has_positive, has_negative, too_deep;
    struct api_otlp_number value, sum, min, max, zero_threshold, quantile, quantile_value;
    struct api_otlp_attributes attributes;
    struct buf counts, bounds, quantiles, exemplars;
    struct buf trace_ids; /* the exemplars', 16 bytes each */
    struct api_otlp_buckets_place positive, negative;
};

/* The rows a resource or a scope has brought begin here. */
struct api_otlp_mark {
    size_t resource, scope, metric, span, log, point;
};

struct api_otlp_state {
    const struct api_otlp_input *in;
    struct arena *arena;
    struct db_batch *out;
    struct api_otlp_rejects *rejects;
    struct err_info *e;
    enum err code; /* the first failure; nothing is read after it */
    struct api_jsonread json;
    const char *message; /* the innermost message, for errors */
    struct api_otlp_mark at_resource, at_scope;

    struct api_otlp_resource_place resource;
    struct api_otlp_scope_place scope;
    struct api_otlp_span_place span;
    struct api_otlp_event_place event;
    struct api_otlp_link_place link;
    struct api_otlp_log_place log;
    struct api_otlp_metric_place metric;
    struct api_otlp_point_place point;
    struct api_otlp_exemplar_place exemplar;
    struct buf scratch; /* for hashing */
    int64_t days[API_OTLP_DAYS_MAX]; /* since 1970, of the items taken so far */
    size_t n_days;
};

/* otlp.c */
/* Fails the request. */
void api_otlp_fail(struct api_otlp_state *o, enum err code, const char *why);
/* Fails because the arena or a buffer is full: ERR_TOO_LARGE when it is at its bound, else ERR_NOMEM. */
void api_otlp_full(struct api_otlp_state *o);
/* Counts n items left out, 0 for what is less than an item; why is shown once. */
void api_otlp_reject(struct api_otlp_state *o, int64_t n_items, const char *why);

/* otlp_value.c */
/* Clean, and cut at max_bytes. */
struct str api_otlp_text(struct api_otlp_state *o, struct str s, size_t max_bytes);
/* A copy of the buffer in the arena; absent when the buffer is empty. */
struct str api_otlp_keep(struct api_otlp_state *o, const struct buf *b);
/* The same with brackets around it, never absent. */
struct str api_otlp_keep_in(struct api_otlp_state *o, const struct buf *b, char open, char close);
void api_otlp_clear(struct api_otlp_attributes *a);
/* Appends to JSON text. */
void api_otlp_comma(struct buf *b); /* unless it is the first in its bracket */
void api_otlp_put_text(struct buf *b, struct str clean);
void api_otlp_put_double(struct buf *b, double value);
void api_otlp_put_number(struct buf *b, const struct api_otlp_number *n);
void api_otlp_put_bytes(struct buf *b, struct str bytes);
/* "name":"hex", "" for an id that is not n bytes or all zero. */
void api_otlp_put_id(struct buf *b, struct str key, const struct api_otlp_id *id, size_t n);
/* "key":{attributes} */
void api_otlp_put_attributes(struct buf *b, struct str key, const struct api_otlp_attributes *a);
/* Appends to what is hashed: the length, then the bytes. */
void api_otlp_hash_text(struct buf *b, struct str s);
/* What o->scratch holds, to be hashed; fails the request when it is not whole. */
struct str api_otlp_hashed(struct api_otlp_state *o);

/* otlp_resource.c */
/* Whether id is n bytes and not all zero. */
bool api_otlp_id_is_good(const struct api_otlp_id *id, size_t n);
bool api_otlp_id_is_zero(const struct api_otlp_id *id);
/* NULL, or why an item of this time is left out. */
const char *api_otlp_time_fault(struct api_otlp_state *o, uint64_t time);
static inline int64_t api_otlp_i64(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}
/* The hooks: called before a message is read, and after it. */
void api_otlp_resource_begin(struct api_otlp_state *o);
void api_otlp_resource_end(struct api_otlp_state *o);
void api_otlp_scope_begin(struct api_otlp_state *o);
void api_otlp_scope_end(struct api_otlp_state *o);
void api_otlp_span_begin(struct api_otlp_state *o);
void api_otlp_span_end(struct api_otlp_state *o);
void api_otlp_event_begin(struct api_otlp_state *o);
void api_otlp_event_end(struct api_otlp_state *o);
void api_otlp_link_begin(struct api_otlp_state *o);
void api_otlp_link_end(struct api_otlp_state *o);
void api_otlp_log_begin(struct api_otlp_state *o);
void api_otlp_log_end(struct api_otlp_state *o);
void api_otlp_metric_begin(struct api_otlp_state *o);
void api_otlp_metric_end(struct api_otlp_state *o);
void api_otlp_gauge_begin(struct api_otlp_state *o);
void api_otlp_sum_begin(struct api_otlp_state *o);
void api_otlp_histogram_begin(struct api_otlp_state *o);
void api_otlp_exponential_begin(struct api_otlp_state *o);
void api_otlp_summary_begin(struct api_otlp_state *o);
void api_otlp_point_begin(struct api_otlp_state *o);
void api_otlp_point_end(struct api_otlp_state *o);
void api_otlp_positive_begin(struct api_otlp_state *o);
void api_otlp_negative_begin(struct api_otlp_state *o);
void api_otlp_quantile_begin(struct api_otlp_state *o);
void api_otlp_quantile_end(struct api_otlp_state *o);
void api_otlp_exemplar_begin(struct api_otlp_state *o);
void api_otlp_exemplar_end(struct api_otlp_state *o);
/* Once all is read: what is known only then (the ids of logs and points). */
void api_otlp_logs_finish(struct api_otlp_state *o);
void api_otlp_points_finish(struct api_otlp_state *o);

/* The readers. text is one whole message. */
void api_otlp_read_proto(struct api_otlp_state *o, struct str text);
void api_otlp_read_json(struct api_otlp_state *o, struct str text);

#endif
