/* Plain text as a LIKE pattern. */
#ifndef TRACEKIN_DB_LIKE_H
#define TRACEKIN_DB_LIKE_H

#include "db/conn.h"

/* The pattern of "text occurs": %text%, escaped; absent when the arena is full. */
struct str db_like_contains(struct str text, struct arena *arena);
/* Puts it as a text; NULL when text is absent. */
void db_put_like_contains(struct db_params *p, struct str text);

#endif
