/* What surely occurs in the texts that a regular expression matches. */
#ifndef TRACEKIN_DB_REGEX_H
#define TRACEKIN_DB_REGEX_H

#include "core/grams.h"

/* Adds the grams of each part that every match of PostgreSQL's expression (an ARE) has; none where that is not plain to
 * see. Pure. */
void db_regex_want(struct grams *g, struct str regex);

#endif
