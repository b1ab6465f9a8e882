/* LIKE patterns: of plain text, and what surely occurs in the texts that one matches. */
#ifndef TRACEKIN_DB_LIKE_H
#define TRACEKIN_DB_LIKE_H

#include "core/grams.h"
#include "db/session/conn.h"

/* The pattern of "text occurs": %text%, escaped; absent when the arena is full. */
struct str db_like_contains(struct str text, struct arena *arena);
/* Puts it as a text; NULL when text is absent. */
void db_put_like_contains(struct db_params *p, struct str text);
/* Adds the grams of what stands between the wildcards. */
void db_like_want(struct grams *g, struct str pattern);

#endif
