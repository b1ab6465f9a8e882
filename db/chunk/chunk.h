/* Chunks: some thousand neighbours in time of a table, with the grams of all of them, so that a search for what is rare reads
 * the few chunks that may hold it.
 *
 * Whoever inserts leaves an arrival, the range of time it brought rows into (a trigger does, db/migrations/0020_chunks.sql);
 * db/chunk/chunk_build.h turns arrivals into chunks, db/chunk/chunk_find.h tells a search what to read. At any moment every row is
 * within a chunk that has its grams, or within an arrival. Here is what they agree on: the tables, and a row's grams. Any
 * thread. */
#ifndef TRACEKIN_DB_CHUNK_H
#define TRACEKIN_DB_CHUNK_H

#include "core/grams.h"

enum db_chunked { DB_CHUNKED_LOGS, DB_CHUNKED_ERRORS, DB_CHUNKED_TABLES };

/* "logs", "errors" */
const char *db_chunked_name(enum db_chunked table);

/* The grams of a row. */
void db_chunk_add_log(struct grams *g, struct str service, int64_t severity, struct str body);
void db_chunk_add_error(struct grams *g, struct str service, struct str name, struct str type, struct str message);

/* The grams that a row has because of what it is, whatever it says; absent and 0: any. */
void db_chunk_want_log(struct grams *g, struct str service, int64_t min_severity);
void db_chunk_want_error(struct grams *g, struct str service, struct str name, struct str type);

#endif
