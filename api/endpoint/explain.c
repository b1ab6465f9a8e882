/* EXPLAIN on demand: how PostgreSQL runs what a question of this API asks it. */
#include "db/session/explain.h"

#include <inttypes.h>

#include "api/endpoint/dispatch.h"
#include "api/endpoint/handlers.h"
#include "api/endpoint/routes.h"
#include "api/json/items.h"
#include "api/request/list.h"
#include "core/clock.h"

/* The answer to the question itself, which nobody sees. */
enum { UNSEEN_MAX_BYTES = 64 << 20 };

const struct api_param_spec api_explain_params[] = {
    {.name = "target", .type = API_PARAM_TEXT, .is_required = true},
    {.name = "analyze", .type = API_PARAM_BOOL, .by_default = false},
    {0},
};

/* The request that target stands for, with this one's connection and deadline. */
static enum err find_asked(const struct api_req *req, struct api_req *asked, struct err_info *e)
{
    struct str allow;
    *asked = *req;
    asked->method = STR("GET");
    asked->target = api_param(req->params, "target")->text;
    TRY(api_route_find(asked, &allow, e));
    const enum api_lane lane = asked->route->lane;
    if ((lane != API_LANE_READ && lane != API_LANE_SEARCH) || asked->route->handler == api_explain)
        return ERR_PARAM(e, "target", "target must be a question to the database, such as /api/v1/logs?q=timeout");
    return OK;
}

/* That a question takes too long is what its plans are asked for: then *outcome tells, and it is no error. */
static enum err ask(const struct api_req *req, struct api_req *asked, struct db_explanation *x, enum err *outcome,
                    struct err_info *e)
{
    struct err_info failed = {0};
    struct api_reply unseen = {0};
    buf_init(&unseen.body, UNSEEN_MAX_BYTES);
    db_explain_into(req->db, x);
    *outcome = api_run(asked, &unseen, &failed);
    db_explain_into(req->db, NULL);
    buf_close(&unseen.body);
    if (*outcome == OK || *outcome == ERR_TIMEOUT)
        return OK;
    *e = failed;
    return *outcome;
}

static void put_plan(struct api_json *w, const struct db_plan *plan)
{
    api_json_key(w, "plan");
    api_json_open(w, '[');
    for (size_t i = 0; i < plan->n_lines; i++)
        api_json_str(w, plan->lines[i]);
    api_json_close(w, ']');
}

static void put_statement(struct api_json *w, struct arena *arena, const struct db_explained *item)
{
    api_json_open(w, '{');
    api_put_str(w, "statement", str_of(item->statement));
    api_put_f64(w, "duration_ms", (double)item->took_ns / (double)NS_PER_MS);
    api_put_i64(w, "rows", item->n_rows);
    api_put_str(w, "plan_hash", item->plan.n_lines > 0 ? arena_printf(arena, "%016" PRIx64, item->plan.hash) : (struct str){0});
    put_plan(w, &item->plan);
    api_json_close(w, '}');
}

static void put_explanation(struct api_json *w, const struct api_req *asked, enum err outcome, const struct db_explanation *x)
{
    api_put_str(w, "operation", str_of(asked->route->name));
    api_put_str(w, "outcome", str_of(err_name(outcome)));
    api_json_key(w, "statements");
    api_json_open(w, '[');
    for (size_t i = 0; i < x->n; i++)
        put_statement(w, x->arena, &x->items[i]);
    api_json_close(w, ']');
    api_put_i64(w, "left_off", (int64_t)x->n_left_off);
}

enum err api_explain(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    const int64_t begun_ns = clock_mono_ns();
    struct api_req asked;
    struct db_explanation x = {.arena = req->arena};
    enum err outcome = OK;
    TRY(find_asked(req, &asked, e));
    x.depth = api_param(req->params, "analyze")->number != 0 ? DB_PLAN_ACTUAL : DB_PLAN_COSTS;
    TRY(ask(req, &asked, &x, &outcome, e));
    struct api_json w;
    api_json_init(&w, &reply->body);
    api_json_open(&w, '{');
    put_explanation(&w, &asked, outcome, &x);
    api_json_key(&w, "meta");
    api_json_open(&w, '{');
    api_meta_took(&w, begun_ns);
    api_json_close(&w, '}');
    api_json_close(&w, '}');
    return OK;
}
