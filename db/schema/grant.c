#include "db/schema/grant.h"

#include <stdio.h>

#include "db/session/advisory.h"

enum { ARENA_MAX_BYTES = 64 * 1024 };

/* Telemetry is added and never changed; what is derived from it is. The rest of the tables is for the owner to write. */
#define WANTED                                                                                                              \
    "(VALUES ('resources', '{SELECT, INSERT}'), ('scopes', '{SELECT, INSERT}'), ('metrics', '{SELECT, INSERT}'),"           \
    " ('spans', '{SELECT, INSERT}'), ('logs', '{SELECT, INSERT}'), ('metric_points', '{SELECT, INSERT}'),"                  \
    " ('log_arrivals', '{SELECT, INSERT}'), ('error_arrivals', '{SELECT, INSERT}'), ('dead_letters', '{SELECT, INSERT}'),"  \
    " ('trace_arrivals', '{SELECT, INSERT, UPDATE, DELETE}'), ('traces', '{SELECT, INSERT, UPDATE, DELETE}'),"              \
    " ('patterns', '{SELECT, INSERT, UPDATE, DELETE}'), ('errors', '{SELECT, INSERT, UPDATE, DELETE}'),"                    \
    " ('operations', '{SELECT, INSERT, UPDATE, DELETE}'), ('log_chunks', '{SELECT}'), ('error_chunks', '{SELECT}'),"        \
    " ('vector_indexes', '{SELECT}'), ('vector_index_requests', '{SELECT}'), ('schema_migrations', '{SELECT}'))"

/* Rows on their way into a table wait in temporary ones (db/write/stage.h). */
static const struct db_statement list_missing = {
    "list_missing_grants",
    "SELECT format('GRANT TEMPORARY ON DATABASE %I TO %I', current_database(), $1)"
    " WHERE NOT has_database_privilege($1, current_database(), 'TEMPORARY')"
    " UNION ALL SELECT format('GRANT USAGE ON SCHEMA %s TO %I', relnamespace::regnamespace, $1) FROM pg_class"
    " WHERE oid = 'schema_migrations'::regclass AND NOT has_schema_privilege($1, relnamespace, 'USAGE')"
    " UNION ALL SELECT format('GRANT %s ON TABLE %s TO %I', string_agg(privilege, ', '), noun::regclass, $1)"
    " FROM " WANTED " AS wanted (noun, privileges) CROSS JOIN unnest(privileges::text[]) AS privilege"
    " WHERE NOT has_table_privilege($1, noun::regclass, privilege) GROUP BY noun",
};

static const struct db_statement find_who = {
    "find_session",
    "SELECT current_user, coalesce(has_schema_privilege(n.oid, 'CREATE'), false) OR coalesce(pg_has_role(c.relowner, 'MEMBER'), false),"
    " coalesce(has_table_privilege(c.oid, 'SELECT'), false), c.oid::bigint"
    " FROM (SELECT to_regclass('schema_migrations') AS migrations, current_schema() AS schema) AS s"
    " LEFT JOIN pg_class c ON c.oid = s.migrations"
    " LEFT JOIN pg_namespace n ON n.oid = c.relnamespace OR (c.oid IS NULL AND n.nspname = s.schema)",
};

static const struct db_statement find_made = {"find_schema_made", "SELECT min(started_at) FROM schema_migrations"};

static enum err read_missing(struct db_conn *c, const struct db_wait *wait, struct str role, struct db_result **out,
                             struct err_info *e)
{
    AUTO(arena) struct arena arena;
    struct db_params p;
    arena_init(&arena, ARENA_MAX_BYTES);
    db_params_init(&p, &arena);
    db_put_text(&p, role);
    return db_run(c, wait, &list_missing, &p, out, e);
}

static enum err grant_one(struct db_conn *c, const struct db_wait *wait, struct str sql, struct err_info *e)
{
    AUTO(arena) struct arena arena;
    arena_init(&arena, ARENA_MAX_BYTES);
    const struct str copy = arena_copy(&arena, sql);
    return copy.ptr == NULL ? ERR_SET_NOMEM(e) : db_exec(c, wait, copy.ptr, NULL, e);
}

static enum err refuse(struct str sql, struct err_info *e)
{
    return ERR_SET(e, ERR_INVALID, "the role of TRACEKIN_DATABASE_OWNER_URL may not give what the role of TRACEKIN_DATABASE_URL needs: "
                   "have a superuser run %.*s", STR_ARG(sql));
}

/* PostgreSQL only warns of a GRANT that gives nothing. */
static enum err check(struct db_conn *c, const struct db_wait *wait, struct str role, struct err_info *e)
{
    AUTO(db_result) struct db_result *missing = NULL;
    TRY(read_missing(c, wait, role, &missing, e));
    return db_n_rows(missing) == 0 ? OK : refuse(db_get_str(missing, 0, 0), e);
}

static enum err grant(struct db_conn *c, const struct db_wait *wait, struct str role, int *n_granted, struct err_info *e)
{
    AUTO(db_result) struct db_result *missing = NULL;
    TRY(read_missing(c, wait, role, &missing, e));
    for (int i = 0; i < db_n_rows(missing); i++) {
        struct err_info why = {.code = OK};
        const enum err code = grant_one(c, wait, db_get_str(missing, i, 0), &why);
        if (strcmp(why.sqlstate, "42501") == 0)
            return refuse(db_get_str(missing, i, 0), e);
        if (code != OK && e != NULL)
            *e = why;
        TRY(code);
    }
    *n_granted = db_n_rows(missing);
    return *n_granted == 0 ? OK : check(c, wait, role, e);
}

/* Two that grant at once get "tuple concurrently updated", so they take turns, with migrations too. */
enum err db_grant_serving(struct db_conn *owner, const struct db_wait *wait, struct str role, int *n_granted, struct err_info *e)
{
    TRY(db_advisory_lock(owner, wait, DB_ADVISORY_MIGRATE, e));
    const enum err code = grant(owner, wait, role, n_granted, e);
    db_advisory_unlock(owner, wait, DB_ADVISORY_MIGRATE);
    return code;
}

enum err db_grant_who(struct db_conn *c, const struct db_wait *wait, struct db_grant_session *out, struct err_info *e)
{
    AUTO(db_result) struct db_result *who = NULL;
    AUTO(db_result) struct db_result *made = NULL;
    struct db_grant_session s = {.has_schema = false};
    TRY(db_run(c, wait, &find_who, NULL, &who, e));
    (void)snprintf(s.role, sizeof s.role, "%.*s", STR_ARG(db_get_str(who, 0, 0)));
    s.may_change_schema = db_get_bool(who, 0, 1);
    s.has_schema = db_get_bool(who, 0, 2);
    if (s.has_schema) {
        TRY(db_run(c, wait, &find_made, NULL, &made, e));
        s.schema_oid = db_get_i64(who, 0, 3);
        s.schema_made_ns = db_is_null(made, 0, 0) ? 0 : db_get_time(made, 0, 0);
    }
    *out = s;
    return OK;
}
