/* A bounded set of ids known to be committed: a row that is there need not be sent again.
 *
 * Forgetting is harmless, so a full set is emptied. What is known is of one server: when a session was lost, another may have
 * taken its place without the last commits. Shared by threads. */
#ifndef TRACEKIN_DB_WRITER_KNOWN_H
#define TRACEKIN_DB_WRITER_KNOWN_H

#include "core/attr.h"

#include <stdbool.h>
#include <stdint.h>

enum { DB_WRITER_KNOWN_SLOTS = 65536, DB_WRITER_KNOWN_MAX = DB_WRITER_KNOWN_SLOTS / 4 * 3 };

struct db_writer_known;

struct db_writer_known *db_writer_known_new(void) MUST_USE; /* new, or NULL */
void db_writer_known_free(struct db_writer_known *k);
bool db_writer_known_has(struct db_writer_known *k, int64_t id);
void db_writer_known_add(struct db_writer_known *k, int64_t id);
void db_writer_known_clear(struct db_writer_known *k);

#endif
