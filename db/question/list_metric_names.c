#include "db/question/list_metric_names.h"

#include "db/session/query.h"

/* OFFSET 0: one look into the points' key a metric, not a join with all points of the window. */
static const struct db_statement statement = {
    "list_metric_names",
    "SELECT m.name, m.type, m.unit, min(m.description) FROM metrics AS m"
    " WHERE ($5::text IS NULL OR (m.name, m.type, m.unit) > ($5, $6, $7))"
    " AND EXISTS (SELECT FROM metric_points AS p WHERE p.metric_id = m.metric_id AND p.time >= $1 AND p.time <= $2"
    " AND p.time_ns >= $3 AND p.time_ns < $4 OFFSET 0)"
    " GROUP BY m.name, m.type, m.unit ORDER BY m.name, m.type, m.unit LIMIT $8"};

enum column { NAME, TYPE, UNIT, DESCRIPTION };

static void put_all(struct db_params *p, const struct db_list_metric_names_params *params)
{
    static const struct db_list_metric_names_key none;
    const struct db_list_metric_names_key *after = params->after == NULL ? &none : params->after;
    db_put_time(p, params->window.start_ns);
    db_put_time(p, params->window.end_ns);
    db_put_i64(p, params->window.start_ns);
    db_put_i64(p, params->window.end_ns);
    db_put_text(p, after->name);
    db_put_text(p, after->type);
    db_put_text(p, after->unit);
    db_put_i64(p, params->limit);
}

static struct db_list_metric_names_row read_row(const struct db_result *r, int row)
{
    return (struct db_list_metric_names_row){
        .key = {db_get_str(r, row, NAME), db_get_str(r, row, TYPE), db_get_str(r, row, UNIT)},
        .description = db_get_str(r, row, DESCRIPTION),
    };
}

static enum err ask(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                    const struct db_list_metric_names_params *params, db_list_metric_names_fn fn, void *arg, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    put_all(&p, params);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &statement, &p, &r, e));
    for (int row = 0; row < db_n_rows(r); row++) {
        const struct db_list_metric_names_row metric = read_row(r, row);
        TRY(fn(arg, &metric));
    }
    return OK;
}

enum err db_list_metric_names(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                              const struct db_list_metric_names_params *params, db_list_metric_names_fn fn, void *arg,
                              struct err_info *e)
{
    const int64_t started_ns = db_query_begin(c);
    return db_query_done(c, DB_LIST_METRIC_NAMES, started_ns, ask(c, wait, arena, params, fn, arg, e));
}
