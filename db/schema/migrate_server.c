#include <stdio.h>

#include "db/schema/migrate.h"
#include "db/session/conn_internal.h"

/* pgvector's version as one number, 0.8.0 being 800: below this there is no halfvec. */
enum { VECTOR_VERSION_MIN = 700, VERSION_STEP = 100, SERVER_MAJOR_STEP = 10000 };

static const struct db_statement find_vector = {
    "find_vector_extension",
    "SELECT default_version, installed_version FROM pg_available_extensions WHERE name = 'vector'",
};

/* "0.8.0" is 800; a part that is missing or no number counts as 0. */
static int version_number(struct str version)
{
    int number = 0;
    for (int i = 0; i < 3; i++) {
        struct str rest;
        int64_t part = 0;
        if (!str_to_i64(str_split(version, '.', &rest), &part) || part < 0 || part >= VERSION_STEP)
            part = 0;
        number = number * VERSION_STEP + (int)part;
        version = rest;
    }
    return number;
}

static enum err check_server(const struct db_conn *c, int *major, struct err_info *e)
{
    const int version = db_conn_server_version(c);
    *major = version / SERVER_MAJOR_STEP;
    if (version >= DB_SERVER_VERSION_MIN)
        return OK;
    return ERR_SET(e, ERR_INVALID, "the database server is PostgreSQL %d; tracekin needs %d or newer: upgrade it, or set "
                                   "TRACEKIN_DATABASE_URL to another", *major, DB_SERVER_VERSION_MIN / SERVER_MAJOR_STEP);
}

/* Looks at what the server has to install, and what this database has installed. */
static enum err check_vector(const struct db_result *rows, int major, struct err_info *e)
{
    if (db_n_rows(rows) == 0)
        return ERR_SET(e, ERR_INVALID, "the database server has no pgvector: install the package postgresql-%d-pgvector on it, "
                                       "then start again", major);
    const struct str available = db_get_str(rows, 0, 0);
    const struct str installed = db_get_str(rows, 0, 1);
    if (version_number(available) < VECTOR_VERSION_MIN)
        return ERR_SET(e, ERR_INVALID, "the database server has pgvector %.*s; tracekin needs 0.7.0 or newer: upgrade the package "
                                       "postgresql-%d-pgvector on it", STR_ARG(available), major);
    if (installed.ptr != NULL && version_number(installed) < VECTOR_VERSION_MIN)
        return ERR_SET(e, ERR_INVALID, "the database has pgvector %.*s; tracekin needs 0.7.0 or newer: run ALTER EXTENSION vector "
                                       "UPDATE in it as a superuser", STR_ARG(installed));
    return OK;
}

enum err db_migrate_prepare_server(struct db_conn *c, const struct db_wait *wait, struct err_info *e)
{
    AUTO(db_result) struct db_result *rows = NULL;
    struct err_info why = {.code = OK};
    int major;
    TRY(db_run(c, wait, &find_vector, NULL, &rows, e));
    TRY(check_server(c, &major, e));
    TRY(check_vector(rows, major, e));
    if (!db_is_null(rows, 0, 1))
        return OK;
    const enum err code = db_exec(c, wait, "CREATE EXTENSION IF NOT EXISTS vector", NULL, &why);
    const bool is_refused = code == ERR_INTERNAL || strcmp(why.sqlstate, "42501") == 0;
    if (is_refused) {
        why.code = ERR_INTERNAL;
        (void)snprintf(why.message, sizeof why.message, "%s",
                       "the extension vector could not be made in the database: run CREATE EXTENSION vector in it as a superuser");
    }
    db_conn_err_pass(e, &why);
    return is_refused ? ERR_INTERNAL : code;
}
