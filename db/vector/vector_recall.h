/* How much of the truth a search by the vector index finds: for stored vectors, picked at random, the share of their ten nearest
 * by exact search that the index finds as well, or others as near. Exact searches read every trace, so this takes seconds on a
 * large store; the number of queries shrinks with its size. The leader's session (db/vector/vector_index.h). */
#ifndef TRACEKIN_DB_VECTOR_RECALL_H
#define TRACEKIN_DB_VECTOR_RECALL_H

#include "db/vector/vector_index.h"

/* The recall of the effort that is recorded. */
enum err db_vector_measure(struct db_conn *c, const struct db_wait *wait, const struct db_vector_facts *facts,
                           struct db_vector_measured *out, struct err_info *e) MUST_USE;
/* The least effort whose recall reaches the target, even if the sample was lucky; effort 0 and the best recall when none does. */
enum err db_vector_calibrate(struct db_conn *c, const struct db_wait *wait, const struct db_vector_wish *wish,
                             const struct db_vector_facts *facts, const struct db_vector_index *index,
                             struct db_vector_measured *out, struct err_info *e) MUST_USE;

#endif
