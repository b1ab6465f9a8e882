#include "db/question/list_services.h"

#include "db/session/query.h"

static const struct db_statement statement = {
    "list_services",
    "SELECT service, max(last_seen_ns) FROM operations WHERE last_seen_ns >= $1 AND first_seen_ns < $2"
    " AND ($3::text IS NULL OR service > $3) GROUP BY service ORDER BY service LIMIT $4"};

enum column { NAME, LAST_SEEN_NS };

static void put_all(struct db_params *p, const struct db_list_services_params *params)
{
    db_put_i64(p, params->window.start_ns);
    db_put_i64(p, params->window.end_ns);
    db_put_text(p, params->after);
    db_put_i64(p, params->limit);
}

static struct db_list_services_row read_row(const struct db_result *r, int row)
{
    return (struct db_list_services_row){db_get_str(r, row, NAME), db_get_i64(r, row, LAST_SEEN_NS)};
}

static enum err ask(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                    const struct db_list_services_params *params, db_list_services_fn fn, void *arg, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    put_all(&p, params);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &statement, &p, &r, e));
    for (int row = 0; row < db_n_rows(r); row++) {
        const struct db_list_services_row service = read_row(r, row);
        TRY(fn(arg, &service));
    }
    return OK;
}

enum err db_list_services(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                          const struct db_list_services_params *params, db_list_services_fn fn, void *arg,
                          struct err_info *e)
{
    const int64_t started_ns = db_query_begin(c);
    return db_query_done(c, DB_LIST_SERVICES, started_ns, ask(c, wait, arena, params, fn, arg, e));
}
