#include "db/question/get_traces_by_error.h"

#include "db/question/like.h"
#include "db/question/walk.h"
#include "db/session/query.h"

#define NEWEST "start_ns DESC, error_id DESC"
#define ERRORS(filter)                                                                                                     \
    "(SELECT * FROM errors WHERE " filter "(start_ns, error_id) > ($1, $2) AND (start_ns, error_id) < ($3, $4)"            \
    " ORDER BY " NEWEST " LIMIT $11)"
#define IS_MATCH                                                                                                           \
    "($5::text IS NULL OR l.service = $5) AND ($6::text IS NULL OR l.name = $6) AND ($7::text IS NULL OR l.type = $7)"      \
    " AND ($8::text IS NULL OR l.message LIKE $8) AND ($9::text IS NULL OR l.message ILIKE $9)"
#define EXAMINE(errors)                                                                                                    \
    "SELECT start_ns, error_id, trace_id, span_id, service, name, type, message, source, duration_ms, " DB_WALK_COLUMNS    \
    " FROM " DB_WALK_EXAMINE(errors, NEWEST, IS_MATCH, "$10") " AS l ORDER BY " NEWEST
/* Those of a service are read by an index of their own, so that the others are not read at all. */
static const struct db_statement statement = {"get_traces_by_error", EXAMINE(ERRORS(""))};
static const struct db_statement service_statement = {"get_traces_by_error", EXAMINE(ERRORS("service = $5 AND "))};

enum column { START_NS, ERROR_ID, TRACE_ID, SPAN_ID, SERVICE, NAME, TYPE, MESSAGE, SOURCE, DURATION_MS, N_COLUMNS };

/* A search under way. */
struct search {
    const struct db_get_traces_by_error_params *params;
    db_get_traces_by_error_fn fn;
    void *arg;
};

static void want(const struct db_walk *w, struct grams *g)
{
    const struct db_get_traces_by_error_params *const params = ((const struct search *)w->arg)->params;
    db_chunk_want_error(g, params->service, params->operation, params->type);
    if (params->pattern.ptr != NULL)
        db_like_want(g, params->pattern);
    if (params->text.ptr != NULL)
        grams_add_part(g, params->text, false, false);
}

static enum err scan(const struct db_walk *w, const struct db_walk_bounds *bounds, int64_t n, struct db_result **out,
                     struct err_info *e)
{
    const struct db_get_traces_by_error_params *const params = ((const struct search *)w->arg)->params;
    struct db_params p;
    db_params_init(&p, w->arena);
    db_put_i64(&p, bounds->low.ns);
    db_put_bytes(&p, bounds->low.id);
    db_put_i64(&p, bounds->high.ns);
    db_put_bytes(&p, bounds->high.id);
    db_put_text(&p, params->service);
    db_put_text(&p, params->operation);
    db_put_text(&p, params->type);
    db_put_text(&p, params->pattern);
    db_put_like_contains(&p, params->text);
    db_put_i64(&p, w->n_wanted);
    db_put_i64(&p, n);
    return db_run(w->conn, w->wait, params->service.ptr == NULL ? &statement : &service_statement, &p, out, e);
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

static enum err tell(const struct db_walk *w, const struct db_result *r, int row, struct err_info *e)
{
    const struct search *const s = w->arg;
    const struct db_get_traces_by_error_row error = read_row(r, row);
    (void)e;
    return s->fn(s->arg, &error);
}

static enum err ask(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                    const struct db_get_traces_by_error_params *params, db_get_traces_by_error_fn fn, void *arg,
                    struct err_info *e)
{
    static const struct db_walk_kind errors = {DB_CHUNKED_ERRORS, want, scan, N_COLUMNS, tell};
    struct search s = {params, fn, arg};
    struct db_walk w = {.kind = &errors, .arg = &s, .conn = c, .wait = wait, .arena = arena, .window = params->window,
                        .n_wanted = params->limit, .n_examinable = INT64_MAX};
    if (params->after != NULL) {
        w.after = (struct db_walk_key){params->after->start_ns, params->after->error_id};
        w.has_after = true;
    }
    return db_walk(&w, e);
}

enum err db_get_traces_by_error(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                                const struct db_get_traces_by_error_params *params, db_get_traces_by_error_fn fn, void *arg,
                                struct err_info *e)
{
    const int64_t started_ns = db_query_begin(c);
    return db_query_done(c, DB_GET_TRACES_BY_ERROR, started_ns, ask(c, wait, arena, params, fn, arg, e));
}
