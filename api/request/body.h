/* Request bodies that are one JSON object, and what is read from their members. Nothing blocks. */
#ifndef TRACEKIN_API_BODY_H
#define TRACEKIN_API_BODY_H

#include <jansson.h>

#include "api/request/req.h"
#include "core/embedding.h"

/* What an embedding may be, for messages. */
#define API_EMBEDDING_FORM "an array of 384 finite numbers that are not all zero"

static inline void json_auto(json_t **json) { json_decref(*json); }

/* Parses the body: *out is new, release it with json_decref. ERR_UNSUPPORTED unless it is said to be JSON (or nothing is
 * said), ERR_TOO_LARGE past max_bytes, ERR_INVALID for what is not a JSON object. */
enum err api_body_object(const struct api_req *req, size_t max_bytes, json_t **out, struct err_info *e) MUST_USE;

/* A string member's text, borrowed from value; ERR_INVALID naming the parameter when it is something else or empty. */
enum err api_body_text(const json_t *value, const char *name, struct str *out, struct err_info *e) MUST_USE;
/* An array of EMBEDDING_DIMENSIONS finite numbers that point somewhere; ERR_INVALID naming the parameter. */
enum err api_body_embedding(const json_t *value, const char *name, float out[EMBEDDING_DIMENSIONS],
                            struct err_info *e) MUST_USE;
/* Any scalar as the text a query parameter would have, in the arena. */
enum err api_body_scalar(const json_t *value, const char *name, struct arena *arena, struct str *out,
                         struct err_info *e) MUST_USE;

#endif
