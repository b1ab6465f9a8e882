/* The strings and numbers of OTLP/JSON, read from o->json. Proto3 takes numbers in quotes too, and enums by name.
 *
 * What is not what is due fails the request; the value returned is then of no use. */
#ifndef TRACEKIN_API_OTLP_SCALAR_H
#define TRACEKIN_API_OTLP_SCALAR_H

#include "api/otlp/otlp_schema.h"

/* Reads a null if there is one. */
bool api_otlp_scalar_is_null(struct api_otlp_state *o);
/* Clean, and cut at max_bytes. */
struct str api_otlp_scalar_string(struct api_otlp_state *o, size_t max_bytes);
uint64_t api_otlp_scalar_u64(struct api_otlp_state *o, uint64_t max);
int64_t api_otlp_scalar_i64(struct api_otlp_state *o, int64_t min, int64_t max);
double api_otlp_scalar_double(struct api_otlp_state *o);
bool api_otlp_scalar_bool(struct api_otlp_state *o);
uint32_t api_otlp_scalar_enum(struct api_otlp_state *o, const struct api_otlp_names *names);
/* Hex of n bytes; what is not that makes an id that is not good. */
void api_otlp_scalar_id(struct api_otlp_state *o, struct api_otlp_id *id, size_t n);
/* Fails at a value read already; why as in api_jsonread_fail. */
void api_otlp_scalar_bad(struct api_otlp_state *o, struct str at, const char *why);

#endif
