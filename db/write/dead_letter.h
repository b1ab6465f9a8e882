/* What was decoded and PostgreSQL refused, kept as an export request of that one item, so that it can be sent again. */
#ifndef TRACEKIN_DB_DEAD_LETTER_H
#define TRACEKIN_DB_DEAD_LETTER_H

#include "db/write/store.h"

/* Inserts row i of the batch; reason is what PostgreSQL said of it. Within the caller's transaction. */
enum err db_dead_letter_add(struct db_conn *c, const struct db_wait *wait, const struct db_store *store,
                            const struct db_batch *batch, size_t i, const struct err_info *reason,
                            struct err_info *e) MUST_USE;

/* The payload alone: the item within its resource and scope, in the batch's encoding. Appended to out. */
void db_dead_letter_put_payload(struct buf *out, const struct db_store *store, const struct db_batch *batch, size_t i);

#endif
