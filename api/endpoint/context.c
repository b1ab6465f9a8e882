#include "api/endpoint/handlers.h"
#include "api/endpoint/trace.h"
#include "api/request/list.h"
#include "db/question/get_trace_context.h"

enum { CONTEXT_POINTS_MAX = 1000 };

const struct api_param_spec api_context_params[] = {
    {.name = "log_limit", .type = API_PARAM_LIMIT, .by_default = 1000, .max = 10000},
    {0},
};

/* The arrays of the answer, in the order the database gives their rows. */
enum part { PART_SUMMARY, PART_SPANS, PART_LOGS, PART_METRICS, N_PARTS };
static const char *const part_names[N_PARTS] = {"summary", "spans", "logs", "metrics"};

struct writing {
    struct api_json json;
    enum part part; /* whose array is open */
    struct api_rows rows[N_PARTS];
    bool is_assembled;
};

/* Closes and opens arrays until that of part is open. */
static void move_to(struct writing *c, enum part part)
{
    for (; c->part < part; c->part++) {
        if (c->part > PART_SUMMARY)
            api_json_close(&c->json, ']');
        api_json_key(&c->json, part_names[c->part + 1]);
        api_json_open(&c->json, '[');
    }
}

static bool take(struct writing *c, enum part part)
{
    move_to(c, part);
    return api_rows_take(&c->rows[part]);
}

static enum err put_summary(void *arg, const struct db_summary *summary, bool is_assembled)
{
    struct writing *c = arg;
    c->is_assembled = is_assembled;
    api_put_id(&c->json, "trace_id", summary->trace_id);
    api_json_key(&c->json, part_names[PART_SUMMARY]);
    api_json_open(&c->json, '{');
    api_put_summary(&c->json, summary);
    api_json_close(&c->json, '}');
    return OK;
}

static enum err put_span(void *arg, const struct db_span_row *row)
{
    struct writing *c = arg;
    if (take(c, PART_SPANS))
        api_put_span(&c->json, row);
    return OK;
}

static enum err put_log(void *arg, const struct db_log_row *row)
{
    struct writing *c = arg;
    if (take(c, PART_LOGS))
        api_put_log(&c->json, row);
    return OK;
}

static enum err put_point(void *arg, const struct db_point_row *row)
{
    struct writing *c = arg;
    if (take(c, PART_METRICS))
        api_put_point(&c->json, row);
    return OK;
}

static void put_meta(struct writing *c, const struct api_value *log_limit, int64_t begun_ns)
{
    struct api_json *w = &c->json;
    api_json_key(w, "meta");
    api_json_open(w, '{');
    api_meta_took(w, begun_ns);
    api_put_bool(w, "assembled", c->is_assembled);
    api_put_i64(w, "log_limit", log_limit->number);
    api_put_bool(w, "log_limit_clamped", log_limit->is_clamped);
    api_put_bool(w, "spans_truncated", c->rows[PART_SPANS].has_more);
    api_put_bool(w, "logs_truncated", c->rows[PART_LOGS].has_more);
    api_put_bool(w, "metrics_truncated", c->rows[PART_METRICS].has_more);
    api_json_close(w, '}');
}

enum err api_get_trace_context(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    static const struct db_get_trace_context_fns fns = {put_summary, put_span, put_log, put_point};
    const struct api_value *log_limit = api_param(req->params, "log_limit");
    struct db_get_trace_context_params params = {
        .span_limit = API_TRACE_SPANS_MAX + 1,
        .log_limit = log_limit->number + 1,
        .point_limit = CONTEXT_POINTS_MAX + 1,
    };
    TRY(api_trace_of_path(req, &params.trace_id, e));
    const int64_t begun_ns = clock_mono_ns();
    struct writing c = {.rows = {{0}, {0, API_TRACE_SPANS_MAX, false}, {0, log_limit->number, false}, {0, CONTEXT_POINTS_MAX, false}}};
    api_json_init(&c.json, &reply->body);
    api_json_open(&c.json, '{');
    TRY(db_get_trace_context(req->db, &req->wait, req->arena, &params, &fns, &c, e));
    move_to(&c, PART_METRICS);
    api_json_close(&c.json, ']');
    put_meta(&c, log_limit, begun_ns);
    api_json_close(&c.json, '}');
    return OK;
}
