/* The embedder that the settings ask for: the built-in one (core/embedding.h), or an endpoint outside (api/embed/embedder.h). */
#ifndef TRACEKIN_SERVICE_EMBEDDINGS_H
#define TRACEKIN_SERVICE_EMBEDDINGS_H

#include "api/embed/embedder.h"
#include "service/setting/config.h"

/* Whether the settings of embeddings go together; asks nobody. ERR_INVALID. */
enum err service_embeddings_check(const struct service_config *c, struct err_info *e) MUST_USE;
/* *out: api_embedder_free; NULL for the built-in one. Fails as the check does; ERR_NOMEM. */
enum err service_embeddings_new(const struct service_config *c, struct api_embedder **out, struct err_info *e) MUST_USE;

#endif
