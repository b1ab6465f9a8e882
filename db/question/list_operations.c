#include "db/question/list_operations.h"

#include "db/session/query.h"

static const struct db_statement statement = {
    "list_operations",
    "SELECT name, kind, max(last_seen_ns) FROM operations WHERE service = $1 AND last_seen_ns >= $2 AND first_seen_ns < $3"
    " AND ($4::text IS NULL OR (name, kind) > ($4, $5)) GROUP BY name, kind ORDER BY name, kind LIMIT $6"};

enum column { NAME, KIND, LAST_SEEN_NS };

static void put_all(struct db_params *p, const struct db_list_operations_params *params)
{
    db_put_text(p, params->service);
    db_put_i64(p, params->window.start_ns);
    db_put_i64(p, params->window.end_ns);
    db_put_text(p, params->after == NULL ? (struct str){NULL, 0} : params->after->name);
    db_put_i64(p, params->after == NULL ? 0 : params->after->kind);
    db_put_i64(p, params->limit);
}

static struct db_list_operations_row read_row(const struct db_result *r, int row)
{
    return (struct db_list_operations_row){
        .key = {db_get_str(r, row, NAME), db_get_i64(r, row, KIND)},
        .last_seen_ns = db_get_i64(r, row, LAST_SEEN_NS),
    };
}

static enum err ask(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                    const struct db_list_operations_params *params, db_list_operations_fn fn, void *arg, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    put_all(&p, params);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &statement, &p, &r, e));
    for (int row = 0; row < db_n_rows(r); row++) {
        const struct db_list_operations_row operation = read_row(r, row);
        TRY(fn(arg, &operation));
    }
    return OK;
}

enum err db_list_operations(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                            const struct db_list_operations_params *params, db_list_operations_fn fn, void *arg,
                            struct err_info *e)
{
    const int64_t started_ns = db_query_begin(c);
    return db_query_done(c, DB_LIST_OPERATIONS, started_ns, ask(c, wait, arena, params, fn, arg, e));
}
