/* Which models the patterns' embeddings are of, and which of these are not the one wanted.
 *
 * Embeddings that clients gave (DB_EMBEDDING_MODEL_GIVEN) are nobody's to make. When nothing is to be done this costs a few look-ups
 * in an index, however many patterns there are. */
#ifndef TRACEKIN_DB_PATTERN_MODELS_H
#define TRACEKIN_DB_PATTERN_MODELS_H

#include "db/session/conn.h"

enum { DB_PATTERN_MODELS_MAX = 32 };

/* A set of models; has_none: and patterns without one. */
struct db_pattern_models {
    struct str names[DB_PATTERN_MODELS_MAX];
    size_t n;
    bool has_none;
};

/* What is to be embedded anew. Outdated are patterns whose traces must be assembled again, as their fingerprints or the
 * built-in embedder's vectors come of that; pending are those that need but a vector of a model outside of the process. */
struct db_pattern_work {
    struct db_pattern_models pending, outdated;
};

/* wanted: EMBEDDING_MODEL, or the name of a model outside. Names are in the arena. */
enum err db_pattern_work_read(struct db_conn *c, const struct db_wait *wait, struct arena *arena, struct str wanted,
                              struct db_pattern_work *out, struct err_info *e) MUST_USE;
static inline bool db_pattern_models_has_any(const struct db_pattern_models *m) { return m->n > 0 || m->has_none; }

/* Two parameters, which DB_PATTERN_MODELS_OF takes. */
void db_pattern_models_put(struct db_params *p, const struct db_pattern_models *m);
#define DB_PATTERN_MODELS_OF(names, has_none) "(embedding_model = ANY(" names ") OR " has_none " AND embedding_model IS NULL)"

struct db_pattern_backlog {
    int64_t n_waiting;  /* patterns to be embedded anew */
    int64_t oldest_ns;  /* when the oldest of them was stored; 0: none */
    int64_t n_unspread; /* patterns whose traces do not all have their vector yet */
};

enum err db_pattern_backlog_read(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                                 const struct db_pattern_work *work, struct db_pattern_backlog *out, struct err_info *e) MUST_USE;

#endif
