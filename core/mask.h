/* Masking: what tells one occurrence of a message from the next is taken out, so that equal messages give equal text.
 *
 * Numbers become <n> (a short unit stays: "15ms" is "<n>ms"); UUIDs, hex runs, parts of tokens and words that mix letters
 * with several digits become <id>; addresses, with their port, <ip>; dates and times <time>. A word with one digit ("v1",
 * "travel2") is a name and stays, but within quotes it becomes <id> too. Runs of white space become one space. The head
 * that loggers write (time, level, thread, logger) is dropped, and so are "TraceID: ..." and "SpanID: ..." pairs
 * anywhere. Case and punctuation stay. Any bytes are accepted. Pure; linear in the text. */
#ifndef TRACEKIN_CORE_MASK_H
#define TRACEKIN_CORE_MASK_H

#include "core/buf.h"

/* Appends the masked text, at most MASK_GROWTH_MAX times as long as the text; fails as buf_put does. */
enum { MASK_GROWTH_MAX = 3 };
void mask_put(struct buf *out, struct str text);

/* The length of the placeholder that masked text begins with, or 0. */
size_t mask_placeholder_at(struct str masked);

#endif
