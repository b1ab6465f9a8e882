#include <stdio.h>

#include "db/session/conn_internal.h"

#define MESSAGE_UNAVAILABLE "the database cannot be reached; try again in a few seconds"
#define MESSAGE_TIMEOUT "the database did not answer within the time allowed; ask for less or a shorter time range, or try again"

/* What an SQLSTATE means to the caller: the first row whose prefix matches counts. */
static const struct {
    const char *prefix;
    enum err code;
    const char *message;
} meanings[] = {
    {"57014", ERR_TIMEOUT, MESSAGE_TIMEOUT},
    {"57P", ERR_UNAVAILABLE, MESSAGE_UNAVAILABLE},
    {"08", ERR_UNAVAILABLE, MESSAGE_UNAVAILABLE},
    {"25006", ERR_UNAVAILABLE, "the database takes no writes at the moment; try again in a few seconds"},
    {"25P03", ERR_UNAVAILABLE, MESSAGE_UNAVAILABLE}, /* idle in a transaction for too long */
    {"25P04", ERR_UNAVAILABLE, MESSAGE_UNAVAILABLE}, /* transaction_timeout */
    {"2201B", ERR_INVALID, "the regular expression is not one that PostgreSQL accepts; correct it"},
    {"22025", ERR_INVALID, "the pattern ends in a lone backslash; double it to mean a backslash"},
    {"22", ERR_INVALID, "a value is not one that the database can hold; correct it"},
    {"53100", ERR_BUSY, "the database's disk is full; try again once its operator has made room"},
    {"53", ERR_BUSY, "the database is short of resources; try again in a few seconds"},
    {"40", ERR_BUSY, "the database could not do this beside other work; try again"},
    {"55P03", ERR_BUSY, "the database is busy with other work on the same rows; try again"},
    {"26000", ERR_BUSY, "the database has forgotten the statement; try again"},
    {"0A000", ERR_BUSY, "the database's schema has changed; try again"},
    {"42501", ERR_BUSY, "the role that the service has in the database may not do this; try again once its operator has given it the right"},
    {"", ERR_INTERNAL, "the database refused the statement; the log says why"},
};

static const char *const stale_plan_states[] = {"26000", "0A000"};
static const char read_only[] = "25006";

/* Sets e as ERR_SET does, and with it what only the log shows: the SQLSTATE and the first line of the server's words. */
static enum err error_set(struct err_info *e, enum err code, const char *message, const char *sqlstate, const char *detail)
{
    if (e == NULL || e->code != OK)
        return code;
    (void)ERR_SET(e, code, "%s", message);
    (void)snprintf(e->sqlstate, sizeof e->sqlstate, "%s", sqlstate);
    (void)snprintf(e->detail, sizeof e->detail, "%.*s", (int)strcspn(detail, "\n"), detail);
    return code;
}

enum err db_conn_unavailable(struct db_conn *c, const char *why, struct err_info *e)
{
    const enum err code = error_set(e, ERR_UNAVAILABLE, MESSAGE_UNAVAILABLE, "", why);
    db_conn_close(c);
    return code;
}

enum err db_conn_lost(struct db_conn *c, struct err_info *e)
{
    return db_conn_unavailable(c, PQerrorMessage(c->pg), e);
}

static const char *result_field(const PGresult *r, int field)
{
    const char *const value = PQresultErrorField(r, field);
    return value == NULL ? "" : value;
}

bool db_conn_is_last_word(const PGresult *r)
{
    if (PQresultStatus(r) == PGRES_FATAL_ERROR && result_field(r, PG_DIAG_SQLSTATE)[0] == '\0')
        return true;
    const char *const severity = result_field(r, PG_DIAG_SEVERITY_NONLOCALIZED);
    return strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0;
}

/* A server that takes no writes may have become a standby: the next session is made where the URL now leads. */
static bool session_is_over(const struct db_conn *c, const PGresult *failed, const char *sqlstate)
{
    return PQstatus(c->pg) == CONNECTION_BAD || db_conn_is_last_word(failed) || strcmp(sqlstate, read_only) == 0;
}

enum err db_conn_refused(struct db_conn *c, const PGresult *failed, struct err_info *e)
{
    const char *const sqlstate = result_field(failed, PG_DIAG_SQLSTATE);
    /* libpq's own words: the connection broke, or there was no memory for what the server said. */
    if (sqlstate[0] == '\0' && (PQstatus(c->pg) == CONNECTION_BAD || db_conn_is_last_word(failed)))
        return db_conn_lost(c, e);
    size_t i = 0;
    while (strncmp(sqlstate, meanings[i].prefix, strlen(meanings[i].prefix)) != 0)
        i++;
    const enum err code =
        error_set(e, meanings[i].code, meanings[i].message, sqlstate, result_field(failed, PG_DIAG_MESSAGE_PRIMARY));
    if (session_is_over(c, failed, sqlstate))
        db_conn_close(c);
    return code;
}

enum err db_conn_ended(enum err ended, struct err_info *e)
{
    return ended == ERR_TIMEOUT ? ERR_SET(e, ERR_TIMEOUT, MESSAGE_TIMEOUT)
                                : ERR_SET(e, ERR_CANCELLED, "the request was cancelled before the database had answered");
}

void db_conn_err_pass(struct err_info *e, const struct err_info *why)
{
    if (e != NULL && e->code == OK)
        *e = *why;
}

bool db_conn_plan_is_stale(const struct err_info *e)
{
    for (size_t i = 0; i < ARRAY_LEN(stale_plan_states); i++)
        if (strcmp(e->sqlstate, stale_plan_states[i]) == 0)
            return true;
    return false;
}
