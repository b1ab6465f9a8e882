/* The fixed requests that are decoded, of each signal and encoding, and what comes of decoding the traces.
 *
 * Everything lives in the arena given to micro_input_read, for the whole run. */
#ifndef TRACEKIN_BENCH_MICRO_INPUT_H
#define TRACEKIN_BENCH_MICRO_INPUT_H

#include "db/write/batch.h"

enum { MICRO_SIGNALS = 3, MICRO_ENCODINGS = 3 };
enum micro_encoding { MICRO_PROTOBUF, MICRO_GZIP, MICRO_JSON };

struct micro_input {
    struct str bodies[MICRO_SIGNALS][MICRO_ENCODINGS]; /* by enum db_signal */
    struct db_batch traces;
    size_t n_items; /* of every request */
    int64_t now_ns; /* when they are said to arrive */
};

/* Reads the files traces, logs and metrics from a folder, each as .protobuf, .gzip and .json. ERR_NOT_FOUND when one is missing;
 * ERR_INVALID when decoding the traces does not give n_items. */
enum err micro_input_read(struct micro_input *in, const char *folder, struct arena *arena, struct err_info *e) MUST_USE;

#endif
