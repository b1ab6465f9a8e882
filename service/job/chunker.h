/* The chunker's thread: leads when no other process does, and puts what has arrived into chunks (db/chunk/chunk_build.h). */
#ifndef TRACEKIN_SERVICE_CHUNKER_H
#define TRACEKIN_SERVICE_CHUNKER_H

#include "core/err.h"

struct service_chunker;

/* It connects on its own, now or when the database is there. Stopping undoes the round under way, if any. */
enum err service_chunker_start(const char *url, struct service_chunker **out, struct err_info *e) MUST_USE;
void service_chunker_stop(struct service_chunker *c);

#endif
