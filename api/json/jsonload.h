/* Reads JSON text by jansson into a tree that a request pays for, as it may be 40 times as large as its text. Any thread. */
#ifndef TRACEKIN_API_JSONLOAD_H
#define TRACEKIN_API_JSONLOAD_H

#include <jansson.h>

#include "core/budget.h"
#include "core/str.h"

/* new, to be freed before share is closed; NULL as json_loadb says, or with a line of -1 and no text when memory is out, be it by a
 * bound of share. */
json_t *api_jsonload(struct str text, size_t flags, struct budget_share *share, json_error_t *at);

#endif
