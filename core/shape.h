/* The shape of a trace: who called whom, and what failed. Times, ids, order and repetition do not count.
 *
 * The structs are views: everything they point to is borrowed for the call. Any thread. */
#ifndef TRACEKIN_CORE_SHAPE_H
#define TRACEKIN_CORE_SHAPE_H

#include "core/arena.h"
#include "core/err.h"

enum { SHAPE_STATUS_ERROR = 2 }; /* OTLP's STATUS_CODE_ERROR */
enum { SHAPE_NO_PARENT = -1 };

struct shape_span {
    struct str service;
    struct str operation;
    int32_t parent; /* index of the parent in spans, or SHAPE_NO_PARENT when it has none or it is not known */
    uint8_t kind;   /* as OTLP numbers them */
    uint8_t status;
    struct str error_type;    /* absent when unknown */
    struct str error_message; /* as received, unmasked; absent when the span has none */
};

/* Of few distinct values, such as deployment.environment; the caller chooses which. */
struct shape_attribute {
    struct str key;
    struct str value;
};

struct shape_trace {
    const struct shape_span *spans; /* in any order */
    size_t n_spans;
    struct str root_service;
    struct str root_operation;
    const struct shape_attribute *attributes;
    size_t n_attributes;
};

/* Whether the span failed: its status is error, or it has an error type or message. */
bool shape_span_has_error(const struct shape_span *span);

/* What a trace is made of, each thing once. Operations and messages are masked and cut at SHAPE_TEXT_MAX bytes; services
 * are taken as they are. */
enum { SHAPE_TEXT_MAX = 4096 };
enum shape_fact_kind { SHAPE_SERVICE, SHAPE_OPERATION, SHAPE_EDGE, SHAPE_ERROR };
enum { SHAPE_FACT_KINDS = 4 };

struct shape_fact {
    uint64_t hash; /* the same on every machine */
    uint32_t span; /* one of the spans it was found in */
    enum shape_fact_kind kind;
};

struct shape_facts {
    struct shape_fact *items; /* by kind, then by hash */
    size_t n_items;
};

/* *out is borrowed from scratch: SHAPE_SCRATCH_BYTES a span. ERR_INVALID when there are no spans or a parent is not an
 * index; ERR_NOMEM. */
enum { SHAPE_SCRATCH_BYTES = 72 };
enum err shape_facts_of(const struct shape_trace *trace, struct arena *scratch, struct shape_facts *out,
                        struct err_info *e) MUST_USE;

/* One number for the root's service and operation, the distinct edges (parent's service and operation, the span's service,
 * operation and kind), the distinct errors (service, operation, type, masked message) and the attributes: all that an
 * embedding sees, so traces of one fingerprint have one embedding. The same on every machine, so it may be stored. Scratch and
 * failures as shape_facts_of. */
enum err shape_fingerprint(const struct shape_trace *trace, struct arena *scratch, uint64_t *out,
                           struct err_info *e) MUST_USE;

#endif
