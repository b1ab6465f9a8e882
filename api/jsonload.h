/* Reads JSON text by jansson into a tree that a request pays for, as it may be 40 times as large as its text. Any thread. */
#ifndef TRACEKIN_API_JSONLOAD_H
#define TRACEKIN_API_JSONLOAD_H

#include <jansson.h>

#include "core/budget.h"
#include "core/str.h"

/* new, to be freed before share is closed; NULL as json_loadb says, which is out of memory past a bound of share too. */
json_t *api_jsonload(struct str text, size_t flags, struct budget_share *share, json_error_t *at);

#endif
