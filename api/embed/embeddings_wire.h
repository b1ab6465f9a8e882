/* What an OpenAI-compatible embeddings endpoint is asked and answers, as JSON. Nothing blocks. */
#ifndef TRACEKIN_API_EMBEDDINGS_WIRE_H
#define TRACEKIN_API_EMBEDDINGS_WIRE_H

#include "core/buf.h"
#include "core/embedding.h"

/* Texts of one request. */
enum { API_EMBEDDINGS_MAX = 256 };

/* The URL to POST to: the setting may name it, with or without a query, or the base that it is under, such as
 * http://localhost:11434/v1, or the server alone. ERR_INVALID when it is not an http or https URL. */
enum err api_embeddings_url(struct str setting, struct buf *out, struct err_info *e) MUST_USE;

/* Appends {"model":...,"input":[...]}; dimensions are asked for only when asks_dimensions says so, as not every server takes that
 * member. Texts must be clean UTF-8. */
void api_embeddings_put_request(struct buf *out, struct str model, bool asks_dimensions, const struct str *texts, size_t n);
/* Reads the vectors of n texts, n at most API_EMBEDDINGS_MAX, each to the place that its index names; without indexes they are in
 * the order of the texts. ERR_INVALID, with a message for whoever configured the endpoint, unless there is for each text one
 * vector of EMBEDDING_DIMENSIONS finite numbers with a direction. */
enum err api_embeddings_read_reply(struct str json, size_t n, float (*out)[EMBEDDING_DIMENSIONS], struct err_info *e) MUST_USE;

#endif
