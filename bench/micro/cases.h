/* What is measured, a file each. Every function adds its cases; what they need is in the arena, which outlives the list. */
#ifndef TRACEKIN_BENCH_MICRO_CASES_H
#define TRACEKIN_BENCH_MICRO_CASES_H

#include "bench/micro/case.h"
#include "bench/micro/input.h"

/* The decoders, against protobuf-c's and jansson's, which stop at a tree of messages or values: no rows, no attributes as JSON, no
 * checks. */
enum err micro_decode_add(struct micro_list *list, const struct micro_input *in, struct arena *arena, struct err_info *e) MUST_USE;
/* The JSON writer, against jansson's from a tree that is there already, and with the making of the tree. */
enum err micro_write_add(struct micro_list *list, const struct micro_input *in, struct arena *arena, struct err_info *e) MUST_USE;
/* The parser of query parameters. */
enum err micro_params_add(struct micro_list *list, const struct micro_input *in, struct arena *arena, struct err_info *e) MUST_USE;
/* The fingerprints and vectors of the traces, and the vectors of their errors' texts. */
enum err micro_embed_add(struct micro_list *list, const struct micro_input *in, struct arena *arena, struct err_info *e) MUST_USE;

#endif
