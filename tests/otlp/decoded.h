/* A decoded request, and its batch as text, so that two can be compared and a test can look for what it wants. */
#ifndef TRACEKIN_TESTS_DECODED_H
#define TRACEKIN_TESTS_DECODED_H

#include "api/otlp/otlp.h"
#include "core/buf.h"

/* The clock of these tests: 2026-01-01T00:00:00Z. */
#define TESTS_OTLP_NOW_NS INT64_C(1767225600000000000)

struct tests_otlp_decoded {
    struct arena arena;
    struct db_batch batch;
    struct api_otlp_rejects rejects;
    struct err_info e;
    enum err code;
    struct buf text; /* the batch (tests/otlp/batch_text.h) */
};

/* Decodes body; what it gives is freed by tests_otlp_close. body must live until then. */
void tests_otlp_decode(struct tests_otlp_decoded *d, enum db_signal signal, enum db_encoding encoding, struct str body);
void tests_otlp_decode_kept(struct tests_otlp_decoded *d, const struct api_otlp_input *in);
void tests_otlp_close(struct tests_otlp_decoded *d);

/* Decodes json and, through protobuf-c, its protobuf, and checks that both give the same batch. Gives the first. */
void tests_otlp_decode_both(struct tests_otlp_decoded *d, enum db_signal signal, const char *json);

#endif
