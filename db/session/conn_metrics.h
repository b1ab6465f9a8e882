/* What is counted of the sessions with PostgreSQL, by pool: the connections of one application name. Any thread, each with its
 * own connection; nothing blocks but the first of a pool. */
#ifndef TRACEKIN_DB_CONN_METRICS_H
#define TRACEKIN_DB_CONN_METRICS_H

#include "core/err.h"
#include "core/metrics.h"

enum db_conn_state {
    DB_CONN_CLOSED,         /* no session: not needed yet, or lost */
    DB_CONN_IDLE,
    DB_CONN_BUSY,           /* with a command under way */
    DB_CONN_IN_TRANSACTION, /* between the commands of one */
    DB_CONN_STATES,
};

/* Of one connection; in it. */
struct db_conn_metrics {
    enum db_conn_state state;
    bool has_connected;
    struct metric *in_state[DB_CONN_STATES];
    struct metric *reconnects, *connect_failures, *timeouts, *cancels;
};

/* Counts a new connection, closed; the pool's name is application_name without a leading "tracekin ". */
void db_conn_metrics_init(struct db_conn_metrics *m, const char *application_name);
/* Takes it off the count. */
void db_conn_metrics_close(struct db_conn_metrics *m);
void db_conn_metrics_state(struct db_conn_metrics *m, enum db_conn_state state);
/* A session was made; each but the first of a connection is a reconnect. */
void db_conn_metrics_connected(struct db_conn_metrics *m);
void db_conn_metrics_connect_failed(struct db_conn_metrics *m);
/* A command is being cancelled: ERR_TIMEOUT or ERR_CANCELLED says why. */
void db_conn_metrics_cancelled(struct db_conn_metrics *m, enum err why);

#endif
