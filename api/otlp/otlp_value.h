/* AnyValue and KeyValue on their way to JSON text: what the two readers share. */
#ifndef TRACEKIN_API_OTLP_VALUE_H
#define TRACEKIN_API_OTLP_VALUE_H

#include "api/otlp/otlp_state.h"

/* Where a value goes. */
struct api_otlp_sink {
    struct buf *json;
    struct str *text;    /* NULL, or where a string goes instead of json; only of the outermost value */
    bool *too_deep;      /* set when a value beyond the bound was left out */
    size_t string_max;   /* bytes */
    unsigned depth;      /* of the value about to be written */
};

/* Begins the value: false (null is written, too_deep set) when it lies beyond the bound. */
bool api_otlp_sink_enter(struct api_otlp_sink *s);
static inline void api_otlp_sink_leave(struct api_otlp_sink *s) { s->depth--; }
/* Writes a string that is clean and within the bound, or hands it to s->text. */
void api_otlp_sink_text(struct api_otlp_sink *s, struct str clean);
/* Forgets what the value has written since start: a oneof keeps its last member. */
void api_otlp_sink_restart(struct api_otlp_sink *s, size_t start);

#endif
