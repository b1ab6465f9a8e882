/* How searches read the vector index over traces, as the keeper of the index (service/job/index_keeper.h) measured it last.
 *
 * The board is one per process, made and freed by the process; any thread reads or posts, nobody waits longer than a copy. */
#ifndef TRACEKIN_DB_VECTOR_USE_H
#define TRACEKIN_DB_VECTOR_USE_H

#include "db/session/conn.h"

enum db_vector_method { DB_VECTOR_NONE, DB_VECTOR_IVFFLAT, DB_VECTOR_HNSW };

struct db_vector_use {
    enum db_vector_method method; /* DB_VECTOR_NONE: there is no index, or none that reaches the recall asked of it */
    int64_t effort;               /* ivfflat.probes, or hnsw.ef_search */
    int64_t lists;                /* of ivfflat; else 0 */
    bool is_measured;
    double recall;                /* measured with that effort, 0 to 1 */
    bool can_iterate;             /* pgvector 0.8 and newer reads on when filters leave too few rows */
};

/* "none", "ivfflat", "hnsw". */
const char *db_vector_method_name(enum db_vector_method method);
/* false when the text is no method's name. */
bool db_vector_method_parse(struct str text, enum db_vector_method *out);

struct db_vector_board;
struct db_vector_board *db_vector_board_new(void) MUST_USE; /* new, or NULL */
void db_vector_board_free(struct db_vector_board *b);
void db_vector_board_post(struct db_vector_board *b, const struct db_vector_use *use);
struct db_vector_use db_vector_board_read(struct db_vector_board *b);

/* Makes the session read the index so, unless it does already; past it, db_conn_mark says so until the session ends. */
enum err db_vector_use_set(struct db_conn *c, const struct db_wait *wait, struct arena *arena, const struct db_vector_use *use,
                           struct err_info *e) MUST_USE;

#endif
