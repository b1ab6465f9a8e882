#include "db/question/list_traces.h"

#include "core/mask.h"
#include "core/shape.h"
#include "db/assemble/assemble_operations.h"
#include "db/question/list_traces_statements.h"
#include "db/session/query.h"

enum { OPERATION_MAX_BYTES = (SHAPE_TEXT_MAX + 1) * (MASK_GROWTH_MAX + 1) };

/* The operation as patterns have it; absent without one. */
static enum err mask_operation(const struct db_list_traces_params *params, struct arena *arena, struct str *out,
                               struct err_info *e)
{
    *out = (struct str){NULL, 0};
    if (params->operation.ptr == NULL)
        return OK;
    AUTO(buf) struct buf text;
    buf_init(&text, OPERATION_MAX_BYTES);
    if (params->service.ptr == NULL)
        db_operation_put_name(&text, params->operation);
    else
        db_operation_put(&text, params->service, params->operation);
    *out = buf_is_ok(&text) ? arena_copy(arena, buf_str(&text)) : (struct str){NULL, 0};
    return out->ptr == NULL ? ERR_SET_NOMEM(e) : OK;
}

static enum err choose(struct db_conn *c, const struct db_wait *wait, struct arena *arena, struct str masked,
                       const struct db_window *window, enum db_list_traces_way *out, struct err_info *e)
{
    *out = DB_LIST_TRACES_ALL;
    if (masked.ptr == NULL)
        return OK;
    struct db_params p;
    db_params_init(&p, arena);
    db_put_text(&p, masked);
    db_put_i64(&p, window->start_ns);
    db_put_i64(&p, window->end_ns);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &db_list_traces_weigh, &p, &r, e));
    *out = db_get_i64(r, 0, 0) <= DB_LIST_TRACES_GATHERED_MAX ? DB_LIST_TRACES_GATHERED : DB_LIST_TRACES_WALKED;
    return OK;
}

static void put_after(struct db_params *p, const struct db_list_traces_params *params)
{
    const int64_t beginning_ns = params->by_duration ? INT64_MAX : params->window.end_ns;
    db_put_i64(p, params->after == NULL ? beginning_ns : params->after->sort_ns);
    db_put_bytes(p, params->after == NULL ? STR("") : params->after->trace_id);
}

/* One pair is put twice where the statement has places for two. */
static void put_pairs(struct db_params *p, const struct db_attrs *a)
{
    const size_t i_second = a->n > 1 ? 1 : 0;
    db_put_attr(p, a->keys[0], a->values[0]);
    db_put_attr(p, a->keys[i_second], a->values[i_second]);
    db_put_attrs(p, &(struct db_attrs){a->keys + i_second + 1, a->values + i_second + 1, a->n - i_second - 1});
}

static void put_all(struct db_params *p, const struct db_list_traces_params *params, struct str masked)
{
    db_put_i64(p, params->window.start_ns);
    db_put_i64(p, params->window.end_ns);
    db_put_text(p, params->service);
    db_put_text(p, params->operation);
    db_put_text(p, params->status);
    db_put_i64(p, params->min_duration_ns);
    db_put_i64(p, params->max_duration_ns);
    put_after(p, params);
    db_put_i64(p, params->limit);
    db_put_text(p, masked);
    if (params->attrs.n > 0)
        put_pairs(p, &params->attrs);
}

/* A list under way. */
struct list {
    struct db_conn *conn;
    const struct db_wait *wait;
    struct arena *arena;
    db_list_traces_fn fn;
    void *arg;
    struct str masked; /* the operation as patterns have it; absent without one */
};

typedef enum err (*run_fn)(struct db_conn *c, const struct db_wait *wait, const struct db_statement *s, const struct db_params *p,
                           struct db_result **out, struct err_info *e);

/* *n_told: how many rows there were. */
static enum err tell(const struct list *l, run_fn run, const struct db_statement *s, const struct db_list_traces_params *params,
                     int64_t *n_told, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, l->arena);
    put_all(&p, params, l->masked);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(run(l->conn, l->wait, s, &p, &r, e));
    for (int row = 0; row < db_n_rows(r); row++) {
        struct db_summary summary;
        TRY(db_summary_read(r, row, l->arena, &summary, e));
        TRY(l->fn(l->arg, &summary));
    }
    *n_told = db_n_rows(r);
    return OK;
}

/* Where the nearest traces of the window end; its start when there are no more. */
static enum err find_nearest_end(const struct list *l, const struct db_list_traces_params *params, int64_t *start_ns,
                                 struct err_info *e)
{
    struct db_params p;
    AUTO(db_result) struct db_result *r = NULL;
    db_params_init(&p, l->arena);
    db_put_i64(&p, params->window.start_ns);
    db_put_i64(&p, params->window.end_ns);
    put_after(&p, params);
    TRY(db_run(l->conn, l->wait, &db_list_traces_nearest_end, &p, &r, e));
    *start_ns = db_n_rows(r) == 0 ? params->window.start_ns : db_get_i64(r, 0, 0);
    return OK;
}

static const struct db_statement *statement_of_rare(const struct db_list_traces_params *params)
{
    if (params->attrs.n > 0)
        return &db_list_traces_of_attributes;
    return params->service.ptr != NULL ? &db_list_traces_of_service : &db_list_traces_pages[DB_LIST_TRACES_ALL][false][false];
}

/* First the nearest traces, then, by a plan for these very values, the others. */
static enum err list_by_filters(const struct list *l, const struct db_list_traces_params *params, struct err_info *e)
{
    struct db_list_traces_params near = *params;
    struct db_list_traces_params far = *params;
    int64_t n_told = 0;
    TRY(find_nearest_end(l, params, &near.window.start_ns, e));
    TRY(tell(l, db_run, &db_list_traces_nearest[params->attrs.n > 0], &near, &n_told, e));
    if (n_told == params->limit || near.window.start_ns == params->window.start_ns)
        return OK;
    const struct db_list_traces_key end = {near.window.start_ns, STR("")};
    far.after = &end;
    far.limit -= n_told;
    return tell(l, db_run_anew, statement_of_rare(params), &far, &n_told, e);
}

static enum err ask(struct list *l, const struct db_list_traces_params *params, struct err_info *e)
{
    int64_t n_told = 0;
    enum db_list_traces_way way;
    const bool has_index = params->attrs.n > 0 || params->service.ptr != NULL || params->status.ptr != NULL;
    if (has_index && !params->by_duration && params->operation.ptr == NULL)
        return list_by_filters(l, params, e);
    TRY(mask_operation(params, l->arena, &l->masked, e));
    TRY(choose(l->conn, l->wait, l->arena, l->masked, &params->window, &way, e));
    return tell(l, db_run, &db_list_traces_pages[way][params->by_duration][params->attrs.n > 0], params, &n_told, e);
}

enum err db_list_traces(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                        const struct db_list_traces_params *params, db_list_traces_fn fn, void *arg, struct err_info *e)
{
    const int64_t started_ns = db_query_begin(c);
    struct list l = {c, wait, arena, fn, arg, {NULL, 0}};
    return db_query_done(c, DB_LIST_TRACES, started_ns, ask(&l, params, e));
}
