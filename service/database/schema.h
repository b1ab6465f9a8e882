/* The database's schema as the commands see it. */
#ifndef TRACEKIN_SERVICE_SCHEMA_H
#define TRACEKIN_SERVICE_SCHEMA_H

#include <stdio.h>

#include "service/setting/config.h"

struct db_conn;
struct db_wait;

/* Brings it to this binary's, as the owner, and lets the role that serves use it, if that is another (db/schema/grant.h). For as long
 * as startup-timeout says it tries again when the database cannot be reached or is too busy, as for the loser of a deadlock. SIGTERM
 * or SIGINT, where they are blocked, end it with ERR_CANCELLED, whatever it waits for. */
enum err service_schema_migrate(const struct service_config *config, int *n_applied, struct err_info *e) MUST_USE;
/* Whether it is this binary's, of a database that is only to be read; waits and ends likewise. ERR_INVALID when it is another. */
enum err service_schema_check(const struct service_config *config, struct err_info *e) MUST_USE;
/* Writes a line for each migration; *is_current is whether all have run and no other has. */
enum err service_schema_print(const struct service_config *config, FILE *out, bool *is_current, struct err_info *e) MUST_USE;
/* Whether the schema is this binary's, for a probe: short of time, quiet. */
enum err service_schema_is_current(struct db_conn *db, const struct db_wait *wait, bool *is_current, struct err_info *e) MUST_USE;

#endif
