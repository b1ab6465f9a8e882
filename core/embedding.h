/* The built-in embedder: signed feature hashing of a trace, or of an error's text, into a unit vector.
 *
 * Traces that call the same things and fail in the same way lie close; a message lies close to the traces it fails. Traces of
 * one fingerprint (core/shape.h) have one vector.
 * Vectors are the same on every machine, whatever the order of spans, and may be stored under the name EMBEDDING_MODEL.
 * Changing what goes into a vector means a new name. Any thread; nothing blocks. */
#ifndef TRACEKIN_CORE_EMBEDDING_H
#define TRACEKIN_CORE_EMBEDDING_H

#include "core/shape.h"

enum { EMBEDDING_DIMENSIONS = 384 };
#define EMBEDDING_MODEL "hash-v2"

/* Features: services, operations, edges, the root, errors with their masked words, attributes. ERR_INVALID when there are
 * no spans or a parent is not an index; ERR_NOMEM. */
enum err embedding_of_trace(const struct shape_trace *trace, struct arena *scratch, float out[EMBEDDING_DIMENSIONS],
                            struct err_info *e) MUST_USE;

/* Free text, such as an error message or a whole log line: the words a trace's errors would have. ERR_INVALID when no word
 * remains after masking; ERR_NOMEM. */
enum err embedding_of_text(struct str text, float out[EMBEDDING_DIMENSIONS], struct err_info *e) MUST_USE;

/* Whether v has EMBEDDING_DIMENSIONS finite numbers, not all zero: what a vector index can hold. */
bool embedding_is_valid(const float *v);
/* Whether v is valid and has a direction in single precision, in which PostgreSQL computes cosines: its squares neither vanish
 * nor overflow. */
bool embedding_has_direction(const float *v);

#endif
