/* Traces as a client describes them itself, in short and with an embedding: POST /api/v1/traces. */
#ifndef TRACEKIN_DB_STORE_TRACES_H
#define TRACEKIN_DB_STORE_TRACES_H

#include "core/embedding.h"
#include "db/session/conn.h"
#include "db/write/batch.h"

struct db_given_trace {
    uint8_t trace_id[DB_TRACE_ID_BYTES];
    struct str service, name;
    int64_t start_ns, end_ns;
    struct str status;     /* "unset", "ok" or "error" */
    struct str attributes; /* JSON object */
    /* EMBEDDING_DIMENSIONS numbers, embedding_is_valid; NULL: as the built-in embedder sees a trace of one span of this name, or,
     * if it embeds_later, its pattern's (db/pattern/embed_patterns.h). */
    const float *embedding;
    bool embeds_later;
};

/* Stores all, in one transaction. A trace that is there already is described anew; of one that has spans, what they told
 * stays, and only a given embedding is taken. Of several with one trace_id the last counts. A given embedding's model is
 * DB_EMBEDDING_MODEL_GIVEN, and spans that come later leave it. ERR_INVALID when PostgreSQL refuses a trace. */
enum err db_store_traces(struct db_conn *c, const struct db_wait *wait, const struct db_given_trace *traces, size_t n,
                         struct arena *arena, struct err_info *e) MUST_USE;

/* The same within the caller's transaction, on a session that db_trace_merge_prepare has been run on. */
enum err db_store_traces_within(struct db_conn *c, const struct db_wait *wait, const struct db_given_trace *traces, size_t n,
                                struct arena *arena, struct err_info *e) MUST_USE;

#endif
