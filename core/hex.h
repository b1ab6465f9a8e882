/* Hexadecimal and base64 text of bytes. Pure functions. */
#ifndef TRACEKIN_CORE_HEX_H
#define TRACEKIN_CORE_HEX_H

#include "core/buf.h"

/* Appends 2 * n lower-case digits. */
void hex_put(struct buf *b, const uint8_t *bytes, size_t n);
/* Reads exactly n bytes from 2 * n digits of any case; false (out untouched) when text is anything else. */
bool hex_parse(struct str text, uint8_t *out, size_t n);
/* As hex_parse, but of 1 to 2 * n digits, padded on the left with zeros. */
bool hex_parse_padded(struct str text, uint8_t *out, size_t n);

/* Standard alphabet (RFC 4648 section 4), padded. */
void base64_put(struct buf *b, const uint8_t *bytes, size_t n);
/* URL alphabet (section 5), not padded. */
void base64_put_url(struct buf *b, const uint8_t *bytes, size_t n);
/* Reads either alphabet, padded or not, appending the bytes to out; false when text is not base64. */
bool base64_parse(struct str text, struct buf *out);
/* Whether text is what base64_put writes of some bytes. */
bool base64_is_canonical(struct str text);

#endif
