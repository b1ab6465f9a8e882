#include "db/question/index_usage.h"

#include "db/session/query.h"

static const struct db_statement statement = {
    "index_usage",
    "SELECT coalesce(root_table.relname, s.relname), coalesce(root_index.relname, s.indexrelname), method.amname,"
    " sum(s.idx_scan)::bigint, sum(s.idx_tup_read)::bigint, sum(pg_relation_size(s.indexrelid))::bigint"
    " FROM pg_stat_user_indexes AS s"
    " JOIN pg_class AS own_index ON own_index.oid = s.indexrelid JOIN pg_am AS method ON method.oid = own_index.relam"
    " LEFT JOIN pg_inherits AS index_of ON index_of.inhrelid = s.indexrelid"
    " LEFT JOIN pg_class AS root_index ON root_index.oid = index_of.inhparent"
    " LEFT JOIN pg_inherits AS table_of ON table_of.inhrelid = s.relid"
    " LEFT JOIN pg_class AS root_table ON root_table.oid = table_of.inhparent"
    " WHERE s.schemaname = current_schema() AND s.relname ~ '^[a-z0-9_]+$' AND s.indexrelname ~ '^[a-z0-9_]+$'"
    " GROUP BY 1, 2, 3 ORDER BY 1, 2 LIMIT $1"};

enum column { TABLE, INDEX, TYPE, N_SCANS, N_ROWS_READ, SIZE_BYTES };

static struct db_index_usage_row read_row(const struct db_result *r, int row)
{
    return (struct db_index_usage_row){
        .table = db_get_str(r, row, TABLE),
        .index = db_get_str(r, row, INDEX),
        .type = db_get_str(r, row, TYPE),
        .n_scans = db_get_i64(r, row, N_SCANS),
        .n_rows_read = db_get_i64(r, row, N_ROWS_READ),
        .size_bytes = db_get_i64(r, row, SIZE_BYTES),
    };
}

static enum err ask(struct db_conn *c, const struct db_wait *wait, struct arena *arena, db_index_usage_fn fn, void *arg,
                    struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    db_put_i64(&p, DB_INDEXES_TOLD_MAX);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &statement, &p, &r, e));
    for (int row = 0; row < db_n_rows(r); row++) {
        const struct db_index_usage_row index = read_row(r, row);
        TRY(fn(arg, &index));
    }
    return OK;
}

enum err db_index_usage(struct db_conn *c, const struct db_wait *wait, struct arena *arena, db_index_usage_fn fn, void *arg,
                        struct err_info *e)
{
    const int64_t started_ns = db_query_begin(c);
    return db_query_done(c, DB_INDEX_USAGE, started_ns, ask(c, wait, arena, fn, arg, e));
}
