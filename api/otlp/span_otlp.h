/* Spans as an OTLP/JSON export request: {"resourceSpans":[...]}, which /v1/traces and the Collector take back.
 *
 * Rows come grouped: those of one resource together, and in it those of one scope. The caller owns the struct; one thread. */
#ifndef TRACEKIN_API_SPAN_OTLP_H
#define TRACEKIN_API_SPAN_OTLP_H

#include "api/json/jsonwrite.h"
#include "db/question/get_trace.h"

struct api_span_otlp {
    struct api_json json;
    bool is_open; /* within a resource and a scope */
    int64_t resource_id, scope_id;
};

void api_span_otlp_begin(struct api_span_otlp *o, struct buf *out);
void api_span_otlp_put(struct api_span_otlp *o, const struct db_span_row *row);
void api_span_otlp_end(struct api_span_otlp *o);

#endif
