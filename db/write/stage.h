/* Staging: rows on their way into a table wait in a temporary table of the session, filled by COPY.
 *
 * Whoever moves staged rows on deletes them in the same transaction. PostgreSQL could empty the tables at every commit by
 * itself, but that truncates all of them, files and indexes, each time: 2 to 20 ms where the rest of a small transaction
 * takes 1 ms. Deleted rows still take room, and so do the long values that they left in the TOAST table, so db_stage_begin
 * truncates a table when it has grown with all that. */
#ifndef TRACEKIN_DB_STAGE_H
#define TRACEKIN_DB_STAGE_H

#include "db/session/conn.h"

/* The size at which a staging table is truncated, its TOAST table included. */
enum { DB_STAGE_MAX_BYTES = 8 << 20 };

/* Begins a transaction on a session with staging tables. */
enum err db_stage_begin(struct db_conn *c, const struct db_wait *wait, struct err_info *e) MUST_USE;

/* A table like another, with more columns after its own if need be: DB_STAGE_CREATE("spans", ""). */
#define DB_STAGE_CREATE(noun, more)                                                                                \
    "CREATE TEMP TABLE IF NOT EXISTS stage_" noun " (LIKE " noun " INCLUDING DEFAULTS" more ")"

#endif
