/* UTF-8 as PostgreSQL wants it: well-formed (RFC 3629) and without NUL. Pure functions. */
#ifndef TRACEKIN_CORE_UTF8_H
#define TRACEKIN_CORE_UTF8_H

#include "core/arena.h"
#include "core/buf.h"

/* Whether s is well-formed UTF-8 without NUL. */
bool utf8_is_clean(struct str s);
/* Appends s with every maximal ill-formed sequence, and every NUL, replaced by U+FFFD. */
void utf8_put_repaired(struct buf *b, struct str s);
/* s itself when it is clean, else a repaired copy in the arena; absent when the arena is full. */
struct str utf8_repair(struct arena *a, struct str s);
/* The longest prefix of at most max_bytes that does not cut a character. */
struct str utf8_cut(struct str s, size_t max_bytes);

#endif
