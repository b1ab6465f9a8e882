/* Writes JSON straight into a buffer: no tree, no copies.
 *
 * The caller owns the struct and the buffer; one thread. Text must be clean UTF-8 (core/utf8.h). Commas are kept by the
 * writer; that brackets and keys match is the caller's business. Failure is the buffer's sticky bit. */
#ifndef TRACEKIN_API_JSONWRITE_H
#define TRACEKIN_API_JSONWRITE_H

#include "core/buf.h"

struct api_json {
    struct buf *out;
    bool needs_comma;
};

static inline void api_json_init(struct api_json *w, struct buf *out) { *w = (struct api_json){out, false}; }

void api_json_open(struct api_json *w, char bracket);  /* '{' or '[' */
void api_json_close(struct api_json *w, char bracket); /* '}' or ']' */
/* A key of the program's own, of characters that need no escape. */
void api_json_key(struct api_json *w, const char *key);
/* A key from data. */
void api_json_key_str(struct api_json *w, struct str key);

void api_json_null(struct api_json *w);
void api_json_bool(struct api_json *w, bool value);
void api_json_i64(struct api_json *w, int64_t value);
/* A string of digits: for numbers that JavaScript would round. */
void api_json_i64_text(struct api_json *w, int64_t value);
/* The shortest text that reads back as the same double; null when it is not finite. */
void api_json_f64(struct api_json *w, double value);
/* As api_json_f64, but so that the number stays apart from an integer of 64 bits, also when a jsonb has written it anew. */
void api_json_real(struct api_json *w, double value);
void api_json_str(struct api_json *w, struct str value); /* absent: null */
void api_json_cstr(struct api_json *w, const char *value);
void api_json_hex(struct api_json *w, const uint8_t *bytes, size_t n);
/* Text that is JSON already, such as a jsonb; absent: null. */
void api_json_raw(struct api_json *w, struct str json);
/* An instant as RFC 3339. */
void api_json_time(struct api_json *w, int64_t wall_ns);

#endif
