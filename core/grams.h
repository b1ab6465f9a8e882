/* Grams: small numbers that tell what a text holds, so that most texts without a part need not be read for it.
 *
 * A text has the grams of every part it holds in whatever case: grams_add_text of the text gives all that grams_add_part of
 * the part does. The other way round they only suggest. There are three kinds: three ASCII characters in a row, all digits
 * alike; whole words of three or more; and pieces of words with digits, by which eleven characters in a row of an id are
 * found. What the case of a character beyond ASCII is depends on PostgreSQL's locale, so none is part of a gram; those that
 * some locale takes for an ASCII letter count both as that letter and as themselves.
 *
 * The grams of many texts are one set, a bitmap of GRAMS_END bits. Made by grams_new, freed by grams_free; one thread at a
 * time. Adding is a few nanoseconds a byte; failure (out of memory) is sticky: one check at the end. */
#ifndef TRACEKIN_CORE_GRAMS_H
#define TRACEKIN_CORE_GRAMS_H

#include "core/attr.h"
#include "core/str.h"

enum { GRAMS_END = 1 << 21 };

struct grams;

struct grams *grams_new(void) MUST_USE; /* new, empty, or NULL */
void grams_free(struct grams *g);
static inline void grams_auto(struct grams **g) { grams_free(*g); }
void grams_clear(struct grams *g);
bool grams_is_ok(const struct grams *g);

void grams_add_text(struct grams *g, struct str text);
/* begins, ends: the part begins or ends where a word of the text does. */
void grams_add_part(struct grams *g, struct str part, bool begins, bool ends);
/* What is equal or not as a whole, such as a name; each of its kinds is apart. */
void grams_add_tag(struct grams *g, unsigned kind, struct str value);

size_t grams_count(const struct grams *g);
/* Writes the last n_max of them, in ascending order, and returns how many; those of words come after those of characters. */
size_t grams_last(const struct grams *g, int32_t *out, size_t n_max);

#endif
