/* An embedder outside of the process: an OpenAI-compatible endpoint, asked in batches, remembered by text.
 *
 * api_embedder_new makes it, api_embedder_free frees it once nobody calls it. A request that times out, breaks, or is answered
 * 429 or 5xx is tried again after a growing pause, within the caller's time; after several failures in a row a breaker
 * (core/breaker.h) answers at once for a while. Nothing of it is needed to be ready. Any thread; a call blocks its caller. */
#ifndef TRACEKIN_API_EMBEDDER_H
#define TRACEKIN_API_EMBEDDER_H

#include "api/embed/embeddings_wire.h"
#include "db/session/conn.h"

struct api_embedder;

struct api_embedder_spec {
    struct str url;   /* as api_embeddings_url takes it */
    struct str model; /* its name there, and in embedding_model */
    struct str key;   /* a bearer token; empty for none */
    int64_t timeout_ns; /* of one request */
    size_t batch_max;   /* texts of one request, at most API_EMBEDDINGS_MAX */
    size_t cache_max;   /* texts remembered */
    bool asks_dimensions, allows_link_local;
};

/* Whether an embedder can be made of it, without asking anyone. ERR_INVALID. */
enum err api_embedder_check(const struct api_embedder_spec *spec, struct err_info *e) MUST_USE;
/* Copies all it needs. ERR_INVALID as api_embedder_check, ERR_NOMEM. */
enum err api_embedder_new(const struct api_embedder_spec *spec, struct api_embedder **out, struct err_info *e) MUST_USE;
void api_embedder_free(struct api_embedder *x);

/* Borrowed for its lifetime. */
struct str api_embedder_model(const struct api_embedder *x);
size_t api_embedder_batch_max(const struct api_embedder *x);

/* The vectors of n texts, in clean UTF-8 and not empty, which are asked for batch by batch unless remembered. ERR_UNAVAILABLE
 * when the endpoint is down or answers wrongly, ERR_INVALID when it refuses these texts (of one alone: this text),
 * ERR_TIMEOUT when there was no time to ask, ERR_CANCELLED, ERR_NOMEM. */
enum err api_embedder_embed(struct api_embedder *x, const struct db_wait *wait, const struct str *texts, size_t n,
                            float (*out)[EMBEDDING_DIMENSIONS], struct err_info *e) MUST_USE;
/* Until when no request will be made (monotonic); 0 when one may be. */
int64_t api_embedder_retry_ns(struct api_embedder *x);

#endif
