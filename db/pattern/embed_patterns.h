/* Patterns that wait for a vector of a model outside of the process: their texts, and what comes back for them.
 *
 * What waits is told by the patterns themselves (db/pattern/pattern_models.h), so nothing is lost or forgotten by a crash. Of all
 * processes on a database one does this work, and that of db/pattern/spread_patterns.h and db/pattern/reassemble_patterns.h: the holder of a
 * session's advisory lock. One connection, one thread. */
#ifndef TRACEKIN_DB_EMBED_PATTERNS_H
#define TRACEKIN_DB_EMBED_PATTERNS_H

#include "core/embedding.h"
#include "db/pattern/pattern_models.h"

struct db_pattern_waiting {
    int64_t pattern_id;
    struct str text; /* db/pattern/pattern_text.h */
};

/* Opens the session, keeps it (db_conn_keep) and tries to become the one that embeds; to be called again when it is no longer
 * kept. */
enum err db_embed_lead(struct db_conn *c, const struct db_wait *wait, bool *is_leader, struct err_info *e) MUST_USE;

/* At most n_max patterns of these models, but none of those to skip, the newest first; all of it is in the arena. */
enum err db_embed_waiting(struct db_conn *c, const struct db_wait *wait, struct arena *arena, const struct db_pattern_models *models,
                          const int64_t *skipped, size_t n_skipped, size_t n_max, struct db_pattern_waiting **out, size_t *n_out,
                          struct err_info *e) MUST_USE;
/* Gives the patterns their vectors, in one transaction; their traces are left to be spread to. */
enum err db_embed_store(struct db_conn *c, const struct db_wait *wait, struct str model, const struct db_pattern_waiting *patterns,
                        float (*vectors)[EMBEDDING_DIMENSIONS], size_t n, struct err_info *e) MUST_USE;

#endif
