#include <limits.h>
#include <poll.h>

#include "core/clock.h"
#include "db/session/conn_internal.h"

enum { MS_PER_S = 1000, TIMEOUT_SLACK = 2, TIMEOUT_LATER_S = 1, ASK_AGAIN_MS = 500 };

enum err db_conn_begin(struct db_conn *c, const struct db_wait *wait, struct err_info *e)
{
    if (db_wait_is_cancelled(wait))
        return db_conn_ended(ERR_CANCELLED, e);
    if (clock_left_ms(wait->deadline_ns) == 0)
        return db_conn_ended(ERR_TIMEOUT, e);
    TRY(db_conn_ensure(c, wait, e));
    c->wait = *wait;
    c->ended = OK;
    c->cancel_seen = false;
    db_conn_metrics_state(&c->metrics, DB_CONN_BUSY);
    return OK;
}

/* The command's wait, but of ASK_AGAIN_MS at most: libpq leaves a message that it has no memory for in its buffer, and takes it when
 * it is asked again, whereas the server, which waits for the data of a COPY maybe, sends nothing more. */
static enum err wait_a_while(const struct db_conn *c, short events)
{
    struct db_wait wait = c->wait;
    const int64_t again_ns = clock_mono_ns() + ASK_AGAIN_MS * NS_PER_MS;
    if (again_ns >= wait.deadline_ns)
        return db_wait_ready(&wait, PQsocket(c->pg), events);
    wait.deadline_ns = again_ns;
    const enum err ended = db_wait_ready(&wait, PQsocket(c->pg), events);
    return ended == ERR_TIMEOUT ? OK : ended;
}

/* Waits for events on the session's socket, or to ask again. The first end of the wait cancels the command and begins the grace;
 * the second gives the session up. */
static enum err command_wait(struct db_conn *c, short events, struct err_info *e)
{
    const enum err ended = wait_a_while(c, events);
    if (ended == OK)
        return OK;
    if (ended == ERR_UNAVAILABLE)
        return db_conn_unavailable(c, "no memory to wait for the server", e);
    if (c->ended != OK) {
        db_conn_close(c);
        return db_conn_ended(c->ended, e);
    }
    c->ended = ended;
    db_conn_metrics_cancelled(&c->metrics, ended);
    c->wait = (struct db_wait){.deadline_ns = clock_mono_ns() + DB_CANCEL_GRACE_MS * NS_PER_MS, .wake_fd = -1};
    db_cancel_send(c->pg, c->wait.deadline_ns);
    return OK;
}

/* What a server says before it ends a session is still in libpq's buffer when the end is noticed. Of a session that has not ended,
 * as when there was no memory to read more, PQgetResult would wait for the rest of a result, however long that takes. */
static enum err command_read(struct db_conn *c, struct err_info *e)
{
    if (PQconsumeInput(c->pg) == 1)
        return OK;
    if (PQstatus(c->pg) != CONNECTION_BAD)
        return db_conn_lost(c, e);
    AUTO(pg_result) PGresult *last_words = PQgetResult(c->pg);
    return PQresultStatus(last_words) == PGRES_FATAL_ERROR ? db_conn_refused(c, last_words, e) : db_conn_lost(c, e);
}

enum err db_conn_flush(struct db_conn *c, struct err_info *e)
{
    int left;
    while ((left = PQflush(c->pg)) == 1) {
        TRY(command_wait(c, POLLIN | POLLOUT, e));
        TRY(command_read(c, e));
    }
    return left == 0 ? OK : db_conn_lost(c, e);
}

/* libpq that has no memory for the end of a pipeline takes it off the wire and is busy for ever after (15's case 'Z' of
 * pqParseInput3). Its message tells, which the pipeline's first command has cleared: what the server refuses aborts a pipeline. */
static bool command_is_lost(const struct db_conn *c)
{
    return PQpipelineStatus(c->pg) == PQ_PIPELINE_ON && PQerrorMessage(c->pg)[0] != '\0';
}

enum err db_conn_next(struct db_conn *c, PGresult **out, struct err_info *e)
{
    while (PQisBusy(c->pg) != 0) {
        if (command_is_lost(c))
            return db_conn_lost(c, e);
        TRY(command_wait(c, POLLIN, e));
        TRY(command_read(c, e));
    }
    *out = PQgetResult(c->pg);
    const char *const sqlstate = *out == NULL ? NULL : PQresultErrorField(*out, PG_DIAG_SQLSTATE);
    if (sqlstate != NULL && strcmp(sqlstate, "57014") == 0)
        c->cancel_seen = true;
    return OK;
}

/* What was set in a transaction, or in a command that failed, may have been undone with it. */
static void timeout_settle(struct db_conn *c, bool failed)
{
    const bool was_in_transaction = c->in_transaction;
    const PGTransactionStatusType status = PQtransactionStatus(c->pg);
    c->in_transaction = status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
    if (failed || (c->timeout_is_local && was_in_transaction && !c->in_transaction))
        c->timeout_s = DB_TIMEOUT_UNKNOWN;
    if (!c->in_transaction)
        c->timeout_is_local = false;
}

/* A cancel that the server did not acknowledge may yet hit the session's next statement: such a session is not used again. */
enum err db_conn_end(struct db_conn *c, const PGresult *failed, struct err_info *e)
{
    timeout_settle(c, failed != NULL);
    db_conn_metrics_state(&c->metrics, c->in_transaction ? DB_CONN_IN_TRANSACTION : DB_CONN_IDLE);
    if (c->ended == OK)
        return failed == NULL ? OK : db_conn_refused(c, failed, e);
    if (!c->cancel_seen || PQstatus(c->pg) != CONNECTION_OK)
        db_conn_close(c);
    return db_conn_ended(c->ended, e);
}

enum err db_conn_rest(struct db_conn *c, PGresult **out, struct err_info *e)
{
    AUTO(pg_result) PGresult *last = NULL;
    for (;;) {
        PGresult *next = NULL;
        TRY(db_conn_next(c, &next, e));
        if (next == NULL)
            break;
        PQclear(last);
        last = next;
        if (PQresultStatus(last) == PGRES_COPY_IN || db_conn_is_last_word(last))
            break;
    }
    if (last == NULL)
        return db_conn_lost(c, e);
    *out = TAKE(last);
    return OK;
}

enum err db_conn_query(struct db_conn *c, const char *sql, PGresult **out, struct err_info *e)
{
    if (PQsendQuery(c->pg, sql) == 0)
        return db_conn_lost(c, e);
    TRY(db_conn_flush(c, e));
    return db_conn_rest(c, out, e);
}

/* --- statement_timeout backs the deadline up, should this process be unable to cancel. It comes TIMEOUT_LATER_S after it: at
 * the same time the server might end the statement by itself, and our cancel the session's next. Between that and TIMEOUT_SLACK
 * times as much it is left as it is, to spare most commands the setting. */

int db_conn_timeout_to_set(const struct db_conn *c)
{
    const int left_s = (int)(((int64_t)clock_left_ms(c->wait.deadline_ns) + MS_PER_S - 1) / MS_PER_S) + TIMEOUT_LATER_S;
    const bool fits = c->timeout_s >= left_s && c->timeout_s / TIMEOUT_SLACK <= left_s;
    if (fits || PQtransactionStatus(c->pg) == PQTRANS_INERROR)
        return 0;
    return left_s < INT_MAX / MS_PER_S ? left_s : INT_MAX / MS_PER_S;
}

void db_conn_timeout_was_set(struct db_conn *c, int timeout_s)
{
    c->timeout_s = timeout_s;
    c->timeout_is_local = true;
}
