/* What the role that serves may do where another role owns the schema: read all of it, add telemetry, and keep what is derived
 * from telemetry up to date. Nothing else: it cannot create, alter, drop or empty a table, nor change stored telemetry.
 *
 * The owner gives these rights, table by table, as listed in grant.c; partitions need none of their own. */
#ifndef TRACEKIN_DB_GRANT_H
#define TRACEKIN_DB_GRANT_H

#include "db/session/conn.h"

/* Gives the role what it lacks, on a session of the owner, one process at a time; *n_granted: how many statements that took.
 * ERR_INVALID, saying what to do, when the owner may not give it. The schema must be current, and no transaction open. */
enum err db_grant_serving(struct db_conn *owner, const struct db_wait *wait, struct str role, int *n_granted,
                          struct err_info *e) MUST_USE;

/* What a session is, for comparing two. The schema is told apart by when it was made, in which table. */
struct db_grant_session {
    char role[64]; /* NUL-terminated, of at most 63 bytes, as PostgreSQL's names are */
    bool may_change_schema;
    bool has_schema;
    int64_t schema_oid, schema_made_ns;
};

/* Who the session is; only role and may_change_schema are told when the schema is not in its search path or not readable. */
enum err db_grant_who(struct db_conn *c, const struct db_wait *wait, struct db_grant_session *out, struct err_info *e) MUST_USE;

#endif
