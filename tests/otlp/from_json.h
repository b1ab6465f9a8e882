/* Encodes OTLP/JSON as protobuf through jansson and protobuf-c: an encoder that shares no code with the decoder. */
#ifndef TRACEKIN_TESTS_FROM_JSON_H
#define TRACEKIN_TESTS_FROM_JSON_H

#include "core/buf.h"
#include "db/write/batch.h"

/* Appends the request that json holds. json has only names that otlp.proto knows, in lowerCamelCase. The test fails on
 * anything else. */
void tests_otlp_from_json(enum db_signal signal, const char *json, struct buf *out);

#endif
