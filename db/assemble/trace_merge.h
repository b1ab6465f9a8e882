/* Writes rows of traces, set by set: staged by COPY, then merged into traces, with the exact counts of their patterns.
 *
 * A trace that changes its pattern is taken from the old one and given to the new; a pattern no trace has goes. A row without
 * an embedding takes its pattern's, if that has one; a pattern of an older model takes the row's. Used within
 * the caller's transaction (db_stage_begin), on a session that db_trace_merge_prepare has been run on. Merges take turns by an advisory lock
 * that the transaction holds to its end. */
#ifndef TRACEKIN_DB_TRACE_MERGE_H
#define TRACEKIN_DB_TRACE_MERGE_H

#include "db/assemble/assemble_trace.h"
#include "db/session/conn.h"

/* The model of an embedding that a client gave; the assembler leaves it as it is. */
#define DB_EMBEDDING_MODEL_GIVEN "given"

/* Makes the session's staging tables; does nothing when they are there. */
enum err db_trace_merge_prepare(struct db_conn *c, const struct db_wait *wait, struct err_info *e) MUST_USE;
/* Appends one row to a COPY stream (db/write/copyrow.h). */
void db_trace_merge_put(struct buf *out, const struct db_trace_row *row);
/* Stores what the stream holds; each trace_id once. Until db_trace_merge_end, pg_temp.stage_traces holds the same rows. */
enum err db_trace_merge(struct db_conn *c, const struct db_wait *wait, struct str stream, struct err_info *e) MUST_USE;
/* Waits for its turn: whoever changes patterns, or what traces have of them, takes it within its transaction. */
enum err db_trace_merge_lock(struct db_conn *c, const struct db_wait *wait, struct err_info *e) MUST_USE;
enum err db_trace_merge_end(struct db_conn *c, const struct db_wait *wait, struct err_info *e) MUST_USE;

#endif
