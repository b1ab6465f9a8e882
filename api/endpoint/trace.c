#include "api/endpoint/trace.h"

#include "api/endpoint/handlers.h"
#include "api/otlp/span_otlp.h"
#include "api/request/list.h"
#include "api/request/values.h"
#include "core/hex.h"

static const char *const formats[] = {"json", "otlp", NULL};
enum { FORMAT_OTLP = 1 };

const struct api_param_spec api_trace_params[] = {
    {.name = "format", .type = API_PARAM_ENUM, .values = formats},
    {0},
};

enum err api_trace_of_path(const struct api_req *req, struct str *trace_id, struct err_info *e)
{
    uint8_t *bytes = arena_alloc(req->arena, DB_TRACE_ID_BYTES);
    if (bytes == NULL)
        return ERR_SET_NOMEM(e);
    if (!hex_parse_padded(req->path_args[0], bytes, DB_TRACE_ID_BYTES))
        return ERR_PARAM(e, "trace_id", "trace_id must be " API_TRACE_ID_FORMS);
    *trace_id = (struct str){(const char *)bytes, DB_TRACE_ID_BYTES};
    return OK;
}

bool api_rows_take(struct api_rows *rows)
{
    rows->has_more = rows->n == rows->limit;
    if (!rows->has_more)
        rows->n++;
    return !rows->has_more;
}

struct writing {
    struct api_json json;
    struct api_rows spans;
    bool is_assembled;
};

static enum err put_summary(void *arg, const struct db_summary *summary, bool is_assembled)
{
    struct writing *t = arg;
    t->is_assembled = is_assembled;
    api_put_summary(&t->json, summary);
    api_json_key(&t->json, "spans");
    api_json_open(&t->json, '[');
    return OK;
}

static enum err put_span(void *arg, const struct db_span_row *row)
{
    struct writing *t = arg;
    if (api_rows_take(&t->spans))
        api_put_span(&t->json, row);
    return OK;
}

static enum err get_json(struct api_req *req, struct api_reply *reply, const struct db_get_trace_params *params,
                         struct err_info *e)
{
    const int64_t begun_ns = clock_mono_ns();
    struct writing t = {.spans = {.limit = API_TRACE_SPANS_MAX}};
    struct api_json *w = &t.json;
    api_json_init(w, &reply->body);
    api_json_open(w, '{');
    TRY(db_get_trace(req->db, &req->wait, req->arena, params, put_summary, put_span, &t, e));
    api_json_close(w, ']');
    api_json_key(w, "meta");
    api_json_open(w, '{');
    api_meta_took(w, begun_ns);
    api_put_bool(w, "assembled", t.is_assembled);
    api_put_bool(w, "spans_truncated", t.spans.has_more);
    api_json_close(w, '}');
    api_json_close(w, '}');
    return OK;
}

static enum err skip_summary(void *arg, const struct db_summary *summary, bool is_assembled)
{
    (void)arg;
    (void)summary;
    (void)is_assembled;
    return OK;
}

static enum err put_otlp_span(void *arg, const struct db_span_row *row)
{
    api_span_otlp_put(arg, row);
    return OK;
}

static enum err get_otlp(struct api_req *req, struct api_reply *reply, const struct db_get_trace_params *params,
                         struct err_info *e)
{
    struct api_span_otlp out;
    api_span_otlp_begin(&out, &reply->body);
    TRY(db_get_trace(req->db, &req->wait, req->arena, params, skip_summary, put_otlp_span, &out, e));
    api_span_otlp_end(&out);
    return OK;
}

enum err api_get_trace(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    const bool is_otlp = api_param(req->params, "format")->number == FORMAT_OTLP;
    struct db_get_trace_params params = {.by_resource = is_otlp, .limit = is_otlp ? INT64_MAX : API_TRACE_SPANS_MAX + 1};
    TRY(api_trace_of_path(req, &params.trace_id, e));
    return is_otlp ? get_otlp(req, reply, &params, e) : get_json(req, reply, &params, e);
}
