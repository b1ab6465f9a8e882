/* The keeper of the vector index: a background job that builds, calibrates, measures and rebuilds it (db/vector/vector_plan.h says when).
 * Of all processes on a database one keeps it. */
#ifndef TRACEKIN_SERVICE_INDEX_KEEPER_H
#define TRACEKIN_SERVICE_INDEX_KEEPER_H

#include "db/vector/vector_plan.h"

struct service_index_keeper;

/* url is borrowed for the call, the board until the stop. ERR_NOMEM, ERR_INTERNAL. */
enum err service_index_keeper_start(const char *url, const struct db_vector_wish *wish, struct db_vector_board *board,
                                    struct service_index_keeper **out, struct err_info *e) MUST_USE;
void service_index_keeper_stop(struct service_index_keeper *k);

/* One thing at a time on a session that leads: reads the facts, decides, does it, logs it. *is_done: nothing was left to do. For the job
 * and for `tracekin index rebuild`. */
enum err service_index_keeper_once(struct db_conn *conn, const struct db_wait *wait, const struct db_vector_wish *wish,
                                   struct db_vector_board *board, bool *is_done, struct err_info *e) MUST_USE;

#endif
