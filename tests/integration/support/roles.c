#include "tests/integration/support/roles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SQL_MAX = 512 };

/* A later user takes the place of an earlier one. */
static void url_of(const struct database *d, const char *role, char url[DATABASE_URL_MAX])
{
    const int n = snprintf(url, DATABASE_URL_MAX, "%s%cuser=%s", d->url, strchr(d->url, '?') == NULL ? '?' : '&', role);
    if (n >= DATABASE_URL_MAX) {
        (void)fprintf(stderr, "%s: too long\n", d->url);
        exit(EXIT_FAILURE);
    }
}

void roles_create(struct roles *r)
{
    char sql[SQL_MAX];
    database_create(&r->database);
    (void)snprintf(r->owner, sizeof r->owner, "%s_owner", strstr(r->database.name, "test"));
    (void)snprintf(r->serving, sizeof r->serving, "%s_serving", strstr(r->database.name, "test"));
    url_of(&r->database, r->owner, r->owner_url);
    url_of(&r->database, r->serving, r->serving_url);
    (void)snprintf(sql, sizeof sql, "CREATE ROLE %s LOGIN; CREATE ROLE %s LOGIN; ALTER DATABASE %s OWNER TO %s", r->owner, r->serving,
                   r->database.name, r->owner);
    database_exec(r->database.url, sql);
    database_exec(r->database.url, "CREATE EXTENSION IF NOT EXISTS vector");
}

void roles_drop(const struct roles *r)
{
    char sql[SQL_MAX];
    database_drop(&r->database);
    (void)snprintf(sql, sizeof sql, "DROP ROLE %s; DROP ROLE %s", r->owner, r->serving);
    database_exec(getenv("TRACEKIN_TEST_DATABASE_URL"), sql);
}
