/* The vector index over traces in the database: what there is, and how it is built, put in place and dropped, all of it while
 * rows are written and searched.
 *
 * A new generation is built beside the current index by CREATE INDEX CONCURRENTLY under another name; then the names change
 * hands in one transaction with what is recorded (vector_indexes), and the old one is dropped. A crash at any point leaves
 * what db_vector_plan knows how to go on with. Of all processes on a database one does this: the holder of a session's advisory
 * lock, which is polled for, never waited for. One connection, one thread; builds take as long as they take. */
#ifndef TRACEKIN_DB_VECTOR_INDEX_H
#define TRACEKIN_DB_VECTOR_INDEX_H

#include "db/vector/vector_plan.h"

/* Opens the session, keeps it (db_conn_keep) and tries to become the one that keeps the index. */
enum err db_vector_lead(struct db_conn *c, const struct db_wait *wait, bool *is_leader, struct err_info *e) MUST_USE;
void db_vector_leave(struct db_conn *c, const struct db_wait *wait);

enum err db_vector_facts_read(struct db_conn *c, const struct db_wait *wait, struct db_vector_facts *out,
                              struct err_info *e) MUST_USE;

/* What a decision says, but for calibrating and measuring (db/vector/vector_recall.h). After a build or an adoption the record's effort is
 * a guess, and its recall is not measured. */
enum err db_vector_build(struct db_conn *c, const struct db_wait *wait, const struct db_vector_wish *wish,
                         const struct db_vector_facts *facts, const struct db_vector_decision *d, struct err_info *e) MUST_USE;
enum err db_vector_adopt(struct db_conn *c, const struct db_wait *wait, const struct db_vector_facts *facts,
                         const struct db_vector_decision *d, struct err_info *e) MUST_USE;
enum err db_vector_drop(struct db_conn *c, const struct db_wait *wait, const struct db_vector_decision *d,
                        struct err_info *e) MUST_USE;

/* Records an effort and what was measured with it; effort 0: none reaches the target. An index that is not recorded yet, such as
 * one made by hand, is from now on. */
struct db_vector_measured {
    int64_t effort, n_queries;
    double recall, recall_error;
};
enum err db_vector_record(struct db_conn *c, const struct db_wait *wait, const struct db_vector_facts *facts,
                          const struct db_vector_index *index, const struct db_vector_measured *measured, double recall_target,
                          struct err_info *e) MUST_USE;

/* Asks whoever keeps the index for a new generation. */
enum err db_vector_request_rebuild(struct db_conn *c, const struct db_wait *wait, struct err_info *e) MUST_USE;

/* A build under way, as PostgreSQL tells of it. */
struct db_vector_progress {
    bool is_building;
    char phase[64];
    double share; /* done of this phase, 0 to 1; 0 where PostgreSQL does not tell */
};
enum err db_vector_progress_read(struct db_conn *c, const struct db_wait *wait, struct db_vector_progress *out,
                                 struct err_info *e) MUST_USE;

/* How searches are to read the index that the facts tell of. */
struct db_vector_use db_vector_use_of(const struct db_vector_facts *facts);

#endif
