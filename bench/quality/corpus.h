/* Traces read from OTLP/JSON lines, as the Collector's file exporter writes them, embedded and labelled. One thread. */
#ifndef TRACEKIN_BENCH_QUALITY_CORPUS_H
#define TRACEKIN_BENCH_QUALITY_CORPUS_H

#include <stdio.h>

#include "core/embedding.h"

struct corpus_span {
    struct str trace_id;
    struct str span_id;
    struct str parent_span_id;
    uint64_t start_ns;
    struct shape_span shape;
};

struct corpus_trace {
    float vector[EMBEDDING_DIMENSIONS];
    uint64_t fingerprint;
    const struct corpus_span *spans; /* by start */
    size_t n_spans;
    struct str error_message; /* of the span that failed first; absent when none did */
    uint64_t error_class;     /* hash of its masked text; 0 when none failed */
    uint64_t entry;           /* hash of the first operation outside the root's service, else of the root's */
};

struct corpus {
    struct arena arena; /* all that the spans point to */
    struct corpus_span *spans;
    size_t n_spans;
    size_t spans_cap;
    struct corpus_trace *traces;
    size_t n_traces;
};

void corpus_init(struct corpus *c);
void corpus_close(struct corpus *c);
static inline void corpus_auto(struct corpus *c) { corpus_close(c); }

/* Adds the spans of every export request. ERR_INVALID names the request that is not OTLP/JSON. */
enum err corpus_read(struct corpus *c, FILE *in, struct err_info *e) MUST_USE;
/* After all reading: groups the spans into traces and embeds each. */
enum err corpus_embed(struct corpus *c, struct err_info *e) MUST_USE;
/* The class of an error message: what is left of it after masking. */
enum err corpus_error_class(struct str message, uint64_t *out, struct err_info *e) MUST_USE;

#endif
