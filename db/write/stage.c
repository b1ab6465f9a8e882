#include "db/write/stage.h"

#define TEXT_OF_(x) #x
#define TEXT_OF(x) TEXT_OF_(x)
#define MAX_BYTES 8388608
_Static_assert(MAX_BYTES == DB_STAGE_MAX_BYTES, "the header's bound");

/* A session has those its user made. */
static const char begin_sql[] =
    "DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT to_regclass('pg_temp.stage_' || noun) FROM unnest('{spans, logs,"
    " metric_points, resources, scopes, metrics, traces, left_patterns, errors, operations, picked}'::text[]) AS noun LOOP"
    " IF pg_table_size(t) > " TEXT_OF(MAX_BYTES) " THEN EXECUTE 'TRUNCATE ' || t; END IF; END LOOP; END $$;"
    " BEGIN";

enum err db_stage_begin(struct db_conn *c, const struct db_wait *wait, struct err_info *e)
{
    return db_exec(c, wait, begin_sql, NULL, e);
}
