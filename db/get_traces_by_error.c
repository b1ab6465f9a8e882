#include "db/get_traces_by_error.h"

#include "core/clock.h"
#include "db/like.h"
#include "db/query.h"

static const struct db_statement statement = {
    "get_traces_by_error",
    "SELECT start_ns, error_id, trace_id, span_id, service, name, type, message, source, duration_ms FROM errors"
    " WHERE start_ns >= $1 AND start_ns < $2 AND (start_ns, error_id) < ($3, $4)"
    " AND ($5::text IS NULL OR service = $5) AND ($6::text IS NULL OR name = $6) AND ($7::text IS NULL OR type = $7)"
    " AND ($8::text IS NULL OR message LIKE $8) AND ($9::text IS NULL OR message ILIKE $9)"
    " ORDER BY start_ns DESC, error_id DESC LIMIT $10"};

enum column { START_NS, ERROR_ID, TRACE_ID, SPAN_ID, SERVICE, NAME, TYPE, MESSAGE, SOURCE, DURATION_MS };

static void put_all(struct db_params *p, const struct db_get_traces_by_error_params *params)
{
    db_put_i64(p, params->window.start_ns);
    db_put_i64(p, params->window.end_ns);
    db_put_i64(p, params->after == NULL ? params->window.end_ns : params->after->start_ns);
    db_put_bytes(p, params->after == NULL ? STR("") : params->after->error_id);
    db_put_text(p, params->service);
    db_put_text(p, params->operation);
    db_put_text(p, params->type);
    db_put_text(p, params->pattern);
    db_put_like_contains(p, params->text);
    db_put_i64(p, params->limit);
}

static struct db_get_traces_by_error_row read_row(const struct db_result *r, int row)
{
    return (struct db_get_traces_by_error_row){
        .key = {db_get_i64(r, row, START_NS), db_get_str(r, row, ERROR_ID)},
        .trace_id = db_get_str(r, row, TRACE_ID),
        .span_id = db_get_str(r, row, SPAN_ID),
        .service = db_get_str(r, row, SERVICE),
        .name = db_get_str(r, row, NAME),
        .type = db_get_str(r, row, TYPE),
        .message = db_get_str(r, row, MESSAGE),
        .source = db_get_str(r, row, SOURCE),
        .has_duration = !db_is_null(r, row, DURATION_MS),
        .duration_ms = db_get_f64(r, row, DURATION_MS),
    };
}

static enum err ask(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                    const struct db_get_traces_by_error_params *params, db_get_traces_by_error_fn fn, void *arg,
                    struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    put_all(&p, params);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &statement, &p, &r, e));
    for (int row = 0; row < db_n_rows(r); row++) {
        const struct db_get_traces_by_error_row error = read_row(r, row);
        TRY(fn(arg, &error));
    }
    return OK;
}

enum err db_get_traces_by_error(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                                const struct db_get_traces_by_error_params *params, db_get_traces_by_error_fn fn, void *arg,
                                struct err_info *e)
{
    const int64_t started_ns = clock_mono_ns();
    return db_query_done(DB_GET_TRACES_BY_ERROR, started_ns, ask(c, wait, arena, params, fn, arg, e));
}
