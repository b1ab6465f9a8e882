/* The handlers of /v1/traces, /v1/logs and /v1/metrics. */
#include "api/otlp/otlp.h"
#include "api/otlp/otlp_reply.h"
#include "api/request/inflate.h"
#include "core/metrics.h"

enum { MESSAGE_MAX_BYTES = 1024 };

static const struct metric_family rejected = {"tracekin_otlp_rejected_items_total", METRIC_COUNTER,
                                              "Items left out of an accepted request, by signal."};

static enum err encoding_of(const struct api_req *req, enum db_encoding *out, struct err_info *e)
{
    if (api_otlp_encoding_of(req->content_type, out))
        return OK;
    return ERR_SET(e, ERR_UNSUPPORTED, "Content-Type must be application/x-protobuf or application/json");
}

/* The body without its content encoding; plain is where a compressed one goes. */
static enum err plain_body(const struct api_req *req, struct buf *plain, struct str *body, struct err_info *e)
{
    const struct str encoding = str_trim(req->content_encoding);
    if (encoding.len == 0 || str_equal_nocase(encoding, STR("identity"))) {
        *body = req->body;
        return OK;
    }
    if (!str_equal_nocase(encoding, STR("gzip")))
        return ERR_SET(e, ERR_UNSUPPORTED, "Content-Encoding must be gzip or identity; compress with gzip, or not at all");
    TRY(api_inflate(req->body, plain, e));
    *body = buf_str(plain);
    return OK;
}

/* What the sender should know though the request was accepted; empty for nothing. */
static struct str message_of(struct arena *arena, const struct api_otlp_rejects *r, const struct db_written *written)
{
    AUTO(buf) struct buf text;
    buf_init(&text, MESSAGE_MAX_BYTES);
    buf_puts(&text, str_of(r->reasons));
    if (r->n_cut > 0)
        buf_printf(&text, "%s%lld strings were longer than allowed and were cut", text.len > 0 ? "; " : "",
                   (long long)r->n_cut);
    if (written->n_dead > 0)
        buf_printf(&text, "%s%lld items could not be stored and were set aside in dead_letters", text.len > 0 ? "; " : "",
                   (long long)written->n_dead);
    const struct str message = arena_copy(arena, buf_str(&text));
    return message.ptr == NULL ? STR("") : message;
}

static const char *const labels[] = {"signal=\"traces\"", "signal=\"logs\"", "signal=\"metrics\""};

void api_otlp_rejects_init(void)
{
    for (size_t i = 0; i < ARRAY_LEN(labels); i++)
        metric_add(metrics_series(&rejected, labels[i]), 0);
}

static void count_rejected(enum db_signal signal, int64_t n_items)
{
    metric_add(metrics_series(&rejected, labels[signal]), (uint64_t)n_items);
}

static enum err export_decoded(struct api_req *req, const struct api_otlp_input *in, struct api_reply *reply,
                               struct err_info *e)
{
    AUTO(arena) struct arena arena;
    arena_init_share(&arena, req->memory);
    struct db_batch batch;
    struct api_otlp_rejects rejects;
    struct db_written written = {0};
    TRY(api_otlp_decode(in, &arena, &batch, &rejects, e));
    if (batch.spans.n + batch.logs.n + batch.points.n > 0)
        TRY(db_writer_write(req->world->writer, &batch, req->wait.deadline_ns, &written, e));
    count_rejected(in->signal, rejects.n_items);
    api_otlp_reply_done(reply, in->signal, in->encoding, rejects.n_items, message_of(req->arena, &rejects, &written));
    return OK;
}

static enum err export_body(struct api_req *req, enum db_signal signal, struct api_reply *reply, struct err_info *e)
{
    struct api_otlp_input in = {.signal = signal, .retention_ns = req->world->retention_ns, .now_ns = req->world->wall_ns()};
    AUTO(buf) struct buf plain;
    buf_init_share(&plain, req->world->body_max_bytes, req->memory);
    TRY(encoding_of(req, &in.encoding, e));
    TRY(plain_body(req, &plain, &in.body, e));
    return export_decoded(req, &in, reply, e);
}

enum err api_otlp_traces(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    return export_body(req, DB_SIGNAL_TRACES, reply, e);
}

enum err api_otlp_logs(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    return export_body(req, DB_SIGNAL_LOGS, reply, e);
}

enum err api_otlp_metrics(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    return export_body(req, DB_SIGNAL_METRICS, reply, e);
}
