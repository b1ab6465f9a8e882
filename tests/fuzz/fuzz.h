/* What fuzz targets share: the function that a fuzzer calls, checks that end the process, and an input cut into pieces.
 *
 * targets/X.c is one target: it defines LLVMFuzzerTestOneInput, and says above it what it holds the code to. It is linked with
 * libFuzzer in the variant fuzz and with main.c in every other, where it replays its corpus. One thread. */
#ifndef TRACEKIN_TESTS_FUZZ_H
#define TRACEKIN_TESTS_FUZZ_H

#include <jansson.h>

#include "core/buf.h"

/* Called with one input after another; what it makes it must free. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process, as a sanitizer does, with what does not hold. */
_Noreturn void fuzz_fail(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);
#define FUZZ_CHECK(condition, ...)                           \
    do {                                                     \
        if (!(condition))                                    \
            fuzz_fail(__FILE__, __LINE__, __VA_ARGS__);      \
    } while (0)

/* The clock of the targets: 2026-01-01T00:00:00Z. */
#define FUZZ_NOW_NS INT64_C(1767225600000000000)
int64_t fuzz_wall_ns(void);
/* The log goes nowhere from now on. */
void fuzz_quiet(void);

/* Pieces of an input, from its beginning; past its end there are zeros and empty texts. */
struct fuzz_input {
    struct str rest;
};
static inline struct fuzz_input fuzz_input_of(const uint8_t *data, size_t size)
{
    return (struct fuzz_input){{size == 0 ? "" : (const char *)data, size}};
}
uint8_t fuzz_byte(struct fuzz_input *in);
uint64_t fuzz_u64(struct fuzz_input *in);
/* Up to the next line feed, which is left out. */
struct str fuzz_line(struct fuzz_input *in);
/* At most n bytes. */
struct str fuzz_bytes(struct fuzz_input *in, size_t n);

/* new, by malloc: the text alone, so that a sanitizer sees what is read beyond it. */
char *fuzz_exact(struct str text);
/* Whether text is well-formed UTF-8 without NUL, by jansson. */
bool fuzz_is_clean(struct str text);
/* Whether text is JSON of any kind, by jansson; integers may be larger than 64 bits. */
bool fuzz_is_json(struct str text);
/* Whether jansson's error may be of text that is JSON nevertheless: it has bounds of its own, and repairs nothing. */
bool fuzz_is_beyond_jansson(struct str text, const json_error_t *error);

#endif
