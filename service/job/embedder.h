/* The embedder's thread: leads when no other process does, and brings the embeddings of patterns and traces to the model wanted.
 *
 * With an endpoint outside it asks that for the vectors of new patterns and of those of another model (db/pattern/embed_patterns.h);
 * with either embedder it has outdated patterns assembled anew (db/pattern/reassemble_patterns.h) and spreads vectors to traces
 * (db/pattern/spread_patterns.h). While the endpoint is down it waits for it, and all else goes on. */
#ifndef TRACEKIN_SERVICE_EMBEDDER_H
#define TRACEKIN_SERVICE_EMBEDDER_H

#include "api/embed/embedder.h"

struct service_embedder;

/* client: borrowed until the stop, NULL for the built-in embedder. quiet_ms: the assembler's. It connects on its own, now or
 * when the database is there. */
enum err service_embedder_start(const char *url, struct api_embedder *client, int64_t quiet_ms, struct service_embedder **out,
                                struct err_info *e) MUST_USE;
void service_embedder_stop(struct service_embedder *s);

#endif
