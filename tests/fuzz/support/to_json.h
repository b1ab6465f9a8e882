/* A message of protobuf-c as OTLP/JSON: an encoder that shares no code with the decoder. */
#ifndef TRACEKIN_TESTS_TO_JSON_H
#define TRACEKIN_TESTS_TO_JSON_H

#include <protobuf-c/protobuf-c.h>

#include "core/buf.h"

/* Appends it. Fields with their default value are left out, as protobuf-c leaves them out of protobuf. Strings may be ill-formed, and
 * are written so. */
void to_json_put(struct buf *out, const ProtobufCMessage *message);

#endif
