/* Why a body is not taken for JSON, in words for its sender. Pure. */
#ifndef TRACEKIN_API_SYNTAX_H
#define TRACEKIN_API_SYNTAX_H

#include <jansson.h>

#include "core/err.h"
#include "core/str.h"

/* The error of a body that jansson refused at the place it gives: ERR_INVALID naming "embedding" for what is no finite
 * number in an embedding, else "body"; ERR_NOMEM when that was why. */
enum err api_syntax_err(struct str body, const json_error_t *at, struct err_info *e) MUST_USE;

#endif
