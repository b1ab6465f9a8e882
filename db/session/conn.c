#include "db/session/conn.h"

#include <poll.h>
#include <stdio.h>
#include <sys/random.h>

#include "core/clock.h"
#include "core/mem.h"
#include "db/session/conn_internal.h"
#include "db/session/url.h"

enum { BACKOFF_FIRST_MS = 100, BACKOFF_DOUBLINGS_MAX = 6, BACKOFF_MAX_MS = 2000, STALE_READS_MAX = 4 };

/* The time zone is for timestamptz in text; the rest makes the server let go of what a dead client left behind: rows that the next
 * try would wait for, and the lead of background jobs. A network that fell silent tells nobody of the client's end, so the server
 * asks after it; by the system's own setting it would after two hours. Not in the start-up packet, as connection poolers refuse
 * settings there. */
static const char session_sql[] = "SET TimeZone = 'UTC'; "
                                  "SET idle_in_transaction_session_timeout = '60s'; "
                                  "SET client_connection_check_interval = '2s'; "
                                  "SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3; "
                                  "SET tcp_user_timeout = 6000";

struct db_conn *db_conn_new(const char *url, const char *application_name)
{
    AUTO(db_conn) struct db_conn *c = mem_calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->url = mem_strdup(str_of(url));
    c->application_name = mem_strdup(str_of(application_name));
    db_conn_metrics_init(&c->metrics, application_name);
    if (c->url == NULL || c->application_name == NULL)
        return NULL;
    return TAKE(c);
}

void db_conn_free(struct db_conn *c)
{
    if (c == NULL)
        return;
    db_conn_close(c);
    db_conn_metrics_close(&c->metrics);
    db_trail_close(c);
    mem_free(c->url);
    mem_free(c->application_name);
    mem_free(c);
}

void db_conn_close(struct db_conn *c)
{
    PQfinish(c->pg);
    c->pg = NULL;
    c->in_transaction = false;
    c->timeout_s = DB_TIMEOUT_UNKNOWN;
    c->timeout_is_local = false;
    c->n_prepared = 0;
    c->mark = 0;
    db_conn_metrics_state(&c->metrics, DB_CONN_CLOSED);
}

uint64_t db_conn_mark(const struct db_conn *c)
{
    return c->mark;
}

void db_conn_set_mark(struct db_conn *c, uint64_t mark)
{
    c->mark = mark;
}

bool db_conn_is_open(const struct db_conn *c)
{
    return c->pg != NULL && PQstatus(c->pg) == CONNECTION_OK;
}

void db_conn_keep(struct db_conn *c)
{
    c->is_kept = true;
}

void db_conn_unkeep(struct db_conn *c)
{
    c->is_kept = false;
}

bool db_conn_is_kept(const struct db_conn *c)
{
    return c->is_kept && db_conn_is_open(c);
}

int db_conn_server_version(const struct db_conn *c)
{
    return c->pg == NULL ? 0 : PQserverVersion(c->pg);
}

/* --- connecting */

static void notice_ignore(void *arg, const PGresult *notice)
{
    (void)arg;
    (void)notice;
}

/* What stands before dbname is a default that the URL may change, what stands after it holds. A dead peer is noticed within
 * seconds; GSS encryption is not probed for. */
static PGconn *connect_start(const struct db_conn *c)
{
    static const char *const keywords[] = {
        "tcp_user_timeout", "keepalives_idle",           "keepalives_interval", "keepalives_count",
        "gssencmode",       "fallback_application_name", "dbname",              "client_encoding", NULL,
    };
    const char *const values[ARRAY_LEN(keywords)] = {
        "5000", "3", "1", "3", "disable", c->application_name, c->url, "UTF8", NULL,
    };
    return PQconnectStartParams(keywords, values, 1);
}

static enum err connect_poll(PGconn *pg, const struct db_wait *wait)
{
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (PQstatus(pg) != CONNECTION_BAD && next != PGRES_POLLING_OK && next != PGRES_POLLING_FAILED) {
        TRY(db_wait_ready(wait, PQsocket(pg), next == PGRES_POLLING_READING ? POLLIN : POLLOUT));
        next = PQconnectPoll(pg);
    }
    return PQstatus(pg) == CONNECTION_OK && PQsetnonblocking(pg, 1) == 0 ? OK : ERR_UNAVAILABLE;
}

static enum err session_start(struct db_conn *c, struct err_info *e)
{
    AUTO(pg_result) PGresult *result = NULL;
    if (PQserverVersion(c->pg) < DB_SERVER_VERSION_MIN)
        return OK;
    TRY(db_conn_query(c, session_sql, &result, e));
    const bool is_ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    return db_conn_end(c, is_ok ? NULL : result, e);
}

/* The next attempt comes after a random part of a time that doubles with each failure, so that a server coming back does
 * not meet all its clients at once. */
static void backoff_extend(struct db_conn *c)
{
    uint32_t random = 0;
    const int64_t doubled_ms = INT64_C(1) * BACKOFF_FIRST_MS << c->n_failures;
    const int64_t most_ms = doubled_ms < BACKOFF_MAX_MS ? doubled_ms : BACKOFF_MAX_MS;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0)
        random = (uint32_t)clock_mono_ns();
    if (c->n_failures < BACKOFF_DOUBLINGS_MAX)
        c->n_failures++;
    c->retry_ns = clock_mono_ns() + (random % most_ms + 1) * NS_PER_MS;
}

/* Connects within the command's wait; what ended it, if that did, is in c->ended. */
static enum err connect_try(struct db_conn *c, struct err_info *e)
{
    c->pg = connect_start(c);
    if (c->pg == NULL)
        return ERR_SET_NOMEM(e);
    (void)PQsetNoticeReceiver(c->pg, notice_ignore, NULL);
    const enum err code = connect_poll(c->pg, &c->wait);
    if (code == OK)
        return session_start(c, e);
    if (code == ERR_UNAVAILABLE)
        return db_conn_lost(c, e);
    c->ended = code;
    return db_conn_unavailable(c, "no connection in time", e);
}

/* What libpq says of a URL with a fault may hold its password, so that is not asked. */
static enum err connect_within(struct db_conn *c, const struct db_wait *wait, struct err_info *e)
{
    struct err_info why = {.code = OK};
    const char *fault = NULL;
    TRY(db_url_check(c->url, &fault, e));
    if (fault != NULL)
        return ERR_SET(e, ERR_INVALID, "the URL of the database %s", fault);
    const int64_t limit_ns = clock_mono_ns() + DB_CONNECT_TIMEOUT_S * NS_PER_S;
    c->wait = *wait;
    c->ended = OK;
    if (limit_ns < wait->deadline_ns)
        c->wait.deadline_ns = limit_ns;
    const enum err code = connect_try(c, &why);
    if (code == OK) {
        c->n_failures = 0;
        db_conn_metrics_connected(&c->metrics);
        db_conn_metrics_state(&c->metrics, DB_CONN_IDLE);
        return OK;
    }
    if (c->ended == ERR_CANCELLED || (c->ended == ERR_TIMEOUT && wait->deadline_ns <= limit_ns)) {
        db_conn_close(c);
        return db_conn_ended(c->ended, e);
    }
    backoff_extend(c);
    db_conn_metrics_connect_failed(&c->metrics);
    return db_conn_unavailable(c, why.detail, e);
}

/* A server that ends a session says so at once: the socket of an idle session is readable only then, or for news such as a
 * changed setting. */
static bool session_is_stale(struct db_conn *c)
{
    struct pollfd fd = {.fd = PQsocket(c->pg), .events = POLLIN};
    for (int i = 0; i < STALE_READS_MAX && PQstatus(c->pg) == CONNECTION_OK && poll(&fd, 1, 0) > 0; i++)
        if (PQconsumeInput(c->pg) == 0)
            return true;
    return PQstatus(c->pg) != CONNECTION_OK;
}

static bool session_is_lost(struct db_conn *c)
{
    return c->pg == NULL || session_is_stale(c);
}

static enum err session_replace(struct db_conn *c, const struct db_wait *wait, struct err_info *e)
{
    if (c->in_transaction)
        return db_conn_unavailable(c, "the session was lost with a transaction open", e);
    db_conn_close(c);
    c->is_kept = false;
    if (clock_mono_ns() < c->retry_ns)
        return db_conn_unavailable(c, "waiting before the next attempt to connect", e);
    return connect_within(c, wait, e);
}

enum err db_conn_open(struct db_conn *c, const struct db_wait *wait, struct err_info *e)
{
    return session_is_lost(c) ? session_replace(c, wait, e) : OK;
}

enum err db_conn_ensure(struct db_conn *c, const struct db_wait *wait, struct err_info *e)
{
    if (!session_is_lost(c))
        return OK;
    if (c->is_kept)
        return db_conn_unavailable(c, "the session was lost with what its user had made in it", e);
    return session_replace(c, wait, e);
}
