/* Writes a jansson tree by our own writer: jansson gives every double 17 digits, and 0.1 would be stored as another number.
 * Pure. */
#ifndef TRACEKIN_API_JSONTREE_H
#define TRACEKIN_API_JSONTREE_H

#include <jansson.h>

#include "api/json/jsonwrite.h"

/* Recurses as deep as the tree is: that of a parsed body is bounded by jansson. */
void api_json_tree(struct api_json *w, json_t *value);

#endif
