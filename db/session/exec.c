#include <poll.h>
#include <stdio.h>

#include "core/clock.h"
#include "db/session/conn_internal.h"

enum { SET_TEXT_MAX = 64, COPY_PIECE_BYTES = 256 * 1024 };

/* Sets statement_timeout for a begun command that is a simple query, which no pipeline can carry. */
static enum err exec_timeout(struct db_conn *c, struct err_info *e)
{
    char sql[SET_TEXT_MAX];
    AUTO(pg_result) PGresult *result = NULL;
    const int timeout_s = db_conn_timeout_to_set(c);
    if (timeout_s == 0)
        return OK;
    (void)snprintf(sql, sizeof sql, "SET statement_timeout = '%ds'", timeout_s);
    TRY(db_conn_query(c, sql, &result, e));
    const bool is_set = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (is_set)
        db_conn_timeout_was_set(c, timeout_s);
    return db_conn_end(c, is_set ? NULL : result, e);
}

static bool result_is_ok(const PGresult *r)
{
    const ExecStatusType status = PQresultStatus(r);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

static bool result_is_copy(const PGresult *r)
{
    const ExecStatusType status = PQresultStatus(r);
    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

/* PostgreSQL answers the COMMIT of a failed transaction with success, and rolls back. */
static bool commit_rolled_back(const char *sql, PGresult *r)
{
    return strncmp(sql, "COMMIT", strlen("COMMIT")) == 0 && strcmp(PQcmdStatus(r), "ROLLBACK") == 0;
}

enum err db_exec(struct db_conn *c, const struct db_wait *wait, const char *sql, struct db_result **out, struct err_info *e)
{
    AUTO(pg_result) PGresult *result = NULL;
    TRY(db_conn_begin(c, wait, e));
    TRY(exec_timeout(c, e));
    TRY(db_conn_query(c, sql, &result, e));
    if (result_is_copy(result)) {
        db_conn_close(c);
        return ERR_SET(e, ERR_INTERNAL, "a COPY was run as an ordinary statement");
    }
    TRY(db_conn_end(c, result_is_ok(result) ? NULL : result, e));
    if (commit_rolled_back(sql, result))
        return ERR_SET(e, ERR_INTERNAL, "the transaction had failed, so it was rolled back instead of committed");
    return db_result_take(&result, out, e);
}

/* --- COMMIT */

/* An error of the server's is its word that the transaction is undone, a cancel that it has seen included. One by which it ends the
 * session may come after the commit, and so may the session's loss. */
static bool commit_is_told(const struct db_conn *c, const struct err_info *why)
{
    return db_conn_is_open(c) && (why->sqlstate[0] != '\0' || c->cancel_seen);
}

enum err db_commit(struct db_conn *c, const struct db_wait *wait, struct err_info *e)
{
    struct err_info why = {.code = OK};
    TRY(db_conn_begin(c, wait, e));
    if (db_exec(c, wait, "COMMIT", NULL, &why) == OK)
        return OK;
    if (!commit_is_told(c, &why)) {
        struct err_info unknown = {.code = OK};
        (void)ERR_SET(&unknown, ERR_OUTCOME_UNKNOWN,
                      "the database's answer to the commit was lost, so this may be stored or not; send it again, nothing is stored twice");
        memcpy(unknown.detail, why.detail, sizeof unknown.detail);
        why = unknown;
    }
    db_conn_err_pass(e, &why);
    return why.code;
}

/* --- COPY */

/* Sends the data piece by piece, so that libpq's buffer does not hold all of it once more. Ends early when the wait does. */
static enum err copy_send(struct db_conn *c, struct str data, struct err_info *e)
{
    while (data.len > 0 && c->ended == OK) {
        const size_t n = data.len < COPY_PIECE_BYTES ? data.len : COPY_PIECE_BYTES;
        const int is_queued = PQputCopyData(c->pg, data.ptr, (int)n);
        if (is_queued < 0)
            return db_conn_lost(c, e);
        if (is_queued == 1)
            data = (struct str){data.ptr + n, data.len - n};
        TRY(db_conn_flush(c, e));
    }
    return OK;
}

static enum err copy_finish(struct db_conn *c, PGresult **out, struct err_info *e)
{
    int is_queued;
    while ((is_queued = PQputCopyEnd(c->pg, c->ended == OK ? NULL : "the deadline passed")) == 0)
        TRY(db_conn_flush(c, e));
    if (is_queued < 0)
        return db_conn_lost(c, e);
    TRY(db_conn_flush(c, e));
    return db_conn_rest(c, out, e);
}

enum err db_copy(struct db_conn *c, const struct db_wait *wait, const char *sql, struct str data, struct err_info *e)
{
    AUTO(pg_result) PGresult *start = NULL;
    AUTO(pg_result) PGresult *end = NULL;
    TRY(db_conn_begin(c, wait, e));
    TRY(exec_timeout(c, e));
    TRY(db_conn_query(c, sql, &start, e));
    if (PQresultStatus(start) != PGRES_COPY_IN)
        return db_conn_end(c, start, e);
    TRY(copy_send(c, data, e));
    TRY(copy_finish(c, &end, e));
    return db_conn_end(c, result_is_ok(end) ? NULL : end, e);
}

/* --- ROLLBACK */

/* Runs even when the wait is over, within the grace: the session is worth more than the time. */
void db_rollback(struct db_conn *c, const struct db_wait *wait)
{
    const int64_t grace_ns = clock_mono_ns() + DB_CANCEL_GRACE_MS * NS_PER_MS;
    const bool has_more = wait->deadline_ns > grace_ns && !db_wait_is_cancelled(wait);
    const struct db_wait patient = {.deadline_ns = has_more ? wait->deadline_ns : grace_ns, .wake_fd = -1};
    if (db_conn_is_open(c) && PQtransactionStatus(c->pg) != PQTRANS_IDLE && db_exec(c, &patient, "ROLLBACK", NULL, NULL) != OK)
        db_conn_close(c);
}
