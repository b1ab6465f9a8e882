/* What the targets of OTLP hold the decoder to (api/otlp/otlp.h): no row has text or JSON that PostgreSQL would refuse, and
 *
 * - protobuf that protobuf-c takes is taken, with as many items as it has; written again by protobuf-c it gives the same rows
 *   as the same request written as JSON;
 * - JSON that is taken is JSON for jansson too. */
#ifndef TRACEKIN_TESTS_FUZZ_OTLP_H
#define TRACEKIN_TESTS_FUZZ_OTLP_H

#include "db/write/batch.h"

void fuzz_otlp_proto(enum db_signal signal, const uint8_t *data, size_t size);
void fuzz_otlp_json(enum db_signal signal, const uint8_t *data, size_t size);

#endif
