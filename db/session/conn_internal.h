/* What the files of the connection share: its state, and one command's way to the server and back.
 *
 * A command is db_conn_begin, PQsend... and db_conn_flush, db_conn_next until its results are read, then db_conn_end. When the
 * wait ends before that, the command is cancelled and goes on for DB_CANCEL_GRACE_MS, so that its results can be read to
 * their end; db_conn_end then tells the caller. Every function here that fails has closed the session if its state is
 * unknown. */
#ifndef TRACEKIN_DB_CONN_INTERNAL_H
#define TRACEKIN_DB_CONN_INTERNAL_H

#include <libpq-fe.h>

#include "db/session/conn.h"
#include "db/session/conn_metrics.h"
#include "db/session/rows.h"
#include "db/session/trail.h"

enum { DB_TIMEOUT_UNKNOWN = -1 };

struct db_prepared {
    const struct db_statement *statement;
    unsigned number; /* its name on the server is "s<number>" */
};

struct db_conn {
    char *url;
    char *application_name;
    PGconn *pg; /* NULL: not connected */

    int64_t retry_ns; /* no attempt to connect before it */
    unsigned n_failures;

    bool in_transaction;   /* when the last command ended */
    bool is_kept;          /* outlives the session: it says that no other may take its place */
    int timeout_s;         /* the session's statement_timeout */
    bool timeout_is_local; /* set within a transaction whose end may bring back the old one */

    struct db_prepared prepared[DB_STATEMENTS_MAX];
    int n_prepared;
    unsigned last_number;
    uint64_t mark; /* the owner's */

    struct db_wait wait; /* of the command under way; the grace once it has ended */
    enum err ended;      /* ERR_TIMEOUT or ERR_CANCELLED once the wait has ended */
    bool cancel_seen;    /* the server said that it cancelled the command */

    struct db_conn_metrics metrics;
    struct db_trail trail;
};

struct db_result {
    PGresult *pg;        /* without rows when they were copied */
    struct db_rows rows;
    bool is_copied;
};

/* Moves *from into *out, which is new; nothing is moved when out is NULL. */
enum err db_result_take(PGresult **from, struct db_result **out, struct err_info *e) MUST_USE;

static inline void pg_result_auto(PGresult **r) { PQclear(*r); }

/* --- one command */

/* As db_conn_open, but never in place of a session that is kept. */
enum err db_conn_ensure(struct db_conn *c, const struct db_wait *wait, struct err_info *e) MUST_USE;
/* Connects if need be and makes the wait the command's; ERR_TIMEOUT or ERR_CANCELLED when it is over already. */
enum err db_conn_begin(struct db_conn *c, const struct db_wait *wait, struct err_info *e) MUST_USE;
/* Waits until everything sent is on its way. */
enum err db_conn_flush(struct db_conn *c, struct err_info *e) MUST_USE;
/* Waits for the next result; *out is new, NULL where libpq says that a command's results are complete. */
enum err db_conn_next(struct db_conn *c, PGresult **out, struct err_info *e) MUST_USE;
/* Ends the command: the error of the wait if it ended, else that of failed, which may be NULL. */
enum err db_conn_end(struct db_conn *c, const PGresult *failed, struct err_info *e) MUST_USE;

/* Reads results to their end, or to a COPY's start; *out is new, the last: after an error there is no other. */
enum err db_conn_rest(struct db_conn *c, PGresult **out, struct err_info *e) MUST_USE;
/* Sends one simple query of a begun command and reads its results as db_conn_rest does. */
enum err db_conn_query(struct db_conn *c, const char *sql, PGresult **out, struct err_info *e) MUST_USE;
/* The statement_timeout to set for the wait, 0 when the session's will do. */
int db_conn_timeout_to_set(const struct db_conn *c);
void db_conn_timeout_was_set(struct db_conn *c, int timeout_s);

/* --- waiting and cancelling */

bool db_wait_is_cancelled(const struct db_wait *wait);
/* Waits for events on fd, or for the wait to end: ERR_TIMEOUT, ERR_CANCELLED. One that is over has ended whatever fd is ready
 * for, so a stream of data without end does not outlast it. ERR_UNAVAILABLE when the system has no memory to wait with. No
 * details: the caller has them. */
enum err db_wait_ready(const struct db_wait *wait, int fd, short events) MUST_USE;
/* Asks the server to cancel what the session runs; returns at the deadline at the latest. */
void db_cancel_send(PGconn *pg, int64_t deadline_ns);

/* --- errors */

/* Closes the session and returns ERR_UNAVAILABLE, with why, or libpq's words, in the detail. */
enum err db_conn_unavailable(struct db_conn *c, const char *why, struct err_info *e) MUST_USE;
enum err db_conn_lost(struct db_conn *c, struct err_info *e) MUST_USE;
/* The error that a result is; closes a session that the server ended, or whose server takes no writes. */
enum err db_conn_refused(struct db_conn *c, const PGresult *failed, struct err_info *e) MUST_USE;
/* Whether r is the error with which the server ends the session, or libpq's own, after which none knows where it stands: no result
 * that follows is worth anything. */
bool db_conn_is_last_word(const PGresult *r);
/* The error of a wait that ended: ERR_TIMEOUT or ERR_CANCELLED. */
enum err db_conn_ended(enum err ended, struct err_info *e) MUST_USE;
/* Hands why to the caller's e, unless that holds an error already or is NULL. */
void db_conn_err_pass(struct err_info *e, const struct err_info *why);
/* Whether the server has forgotten the prepared statement or can no longer use its plan. */
bool db_conn_plan_is_stale(const struct err_info *e);

#endif
