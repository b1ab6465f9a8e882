/* Stored attributes, plain JSON, as OTLP's AnyValue JSON again: {"a":1} becomes [{"key":"a","value":{"intValue":"1"}}].
 * The inverse of what db/write/batch.h says of attribute JSON. The input is what jsonb gives: well-formed. Pure. */
#ifndef TRACEKIN_API_ANYVALUE_H
#define TRACEKIN_API_ANYVALUE_H

#include "api/json/jsonwrite.h"

/* Writes an attribute object as a list of KeyValue; absent: an empty list. */
void api_put_attributes(struct api_json *w, struct str object);
/* Writes stored events or links, an array as db/write/batch.h has them, by OTLP's names; absent: an empty list. */
void api_put_span_parts(struct api_json *w, struct str array);

#endif
