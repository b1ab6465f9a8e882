#include "tests/integration/support/database.h"

#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"

enum { SQL_MAX = 256 };

static struct database shared;

static void fail_with(const char *what, const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static const char *server_url(void)
{
    return getenv("TRACEKIN_TEST_DATABASE_URL");
}

/* --- a session past the code under test */

static PGconn *session_open(const char *url)
{
    PGconn *const session = PQconnectdb(url);
    if (PQstatus(session) != CONNECTION_OK)
        fail_with("no test session", PQerrorMessage(session));
    return session;
}

static PGresult *session_run(PGconn *session, const char *sql)
{
    PGresult *const result = PQexec(session, sql);
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail_with(sql, PQerrorMessage(session));
    return result;
}

void database_exec(const char *url, const char *sql)
{
    PGconn *const session = session_open(url);
    PQclear(session_run(session, sql));
    PQfinish(session);
}

int64_t database_number(const char *url, const char *sql)
{
    PGconn *const session = session_open(url);
    PGresult *const result = session_run(session, sql);
    int64_t number = 0;
    if (PQntuples(result) == 0 || !str_to_i64(str_of(PQgetvalue(result, 0, 0)), &number))
        fail_with(sql, "not a number");
    PQclear(result);
    PQfinish(session);
    return number;
}

/* --- databases */

/* The server's URL with another database in its path. */
static void url_of(const char *name, char url[DATABASE_URL_MAX])
{
    const char *const server = server_url();
    const char *const scheme_end = strstr(server, "://");
    if (scheme_end == NULL)
        fail_with(server, "not a URL");
    const char *const authority = scheme_end + strlen("://");
    const int n_before = (int)(authority - server + (int)strcspn(authority, "/?"));
    const char *const query = strchr(server, '?');
    const int n = snprintf(url, DATABASE_URL_MAX, "%.*s/%s%s", n_before, server, name, query == NULL ? "" : query);
    if (n < 0 || n >= DATABASE_URL_MAX)
        fail_with(server, "too long");
}

void database_create(struct database *d)
{
    char sql[SQL_MAX];
    (void)snprintf(d->name, sizeof d->name, "tracekin_test_%d_%jd", (int)getpid(), (intmax_t)clock_mono_ns());
    (void)snprintf(sql, sizeof sql, "CREATE DATABASE %s", d->name);
    url_of(d->name, d->url);
    database_exec(server_url(), sql);
}

void database_drop(const struct database *d)
{
    char sql[SQL_MAX];
    (void)snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS %s WITH (FORCE)", d->name);
    database_exec(server_url(), sql);
}

const char *database_url(void)
{
    return shared.url;
}

struct db_wait database_wait(int ms)
{
    return (struct db_wait){.deadline_ns = clock_mono_ns() + ms * NS_PER_MS, .wake_fd = -1};
}

/* --- main */

int database_main(const char *name, TCase *(*const *cases)(void), size_t n_cases)
{
    if (server_url() == NULL) {
        (void)fprintf(stderr, "TRACEKIN_TEST_DATABASE_URL is not set: skipped\n");
        return DATABASE_SKIPPED;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    database_create(&shared);
    Suite *const suite = suite_create(name);
    for (size_t i = 0; i < n_cases; i++)
        suite_add_tcase(suite, cases[i]());
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    database_drop(&shared);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
