/* OTLP/HTTP: what a request's body says, as a batch of rows, and what is answered.
 *
 * One pass over the bytes, JSON or protobuf, by one set of message tables (api/otlp/otlp_schema.h). An item that cannot be
 * kept (an id of the wrong length, a time out of bounds, values nested too deep) is counted and left out; only bytes that
 * are not the encoding they claim to be fail the request. Any thread; nothing blocks but the handlers, which wait for the
 * writer until the request's deadline. */
#ifndef TRACEKIN_API_OTLP_H
#define TRACEKIN_API_OTLP_H

#include "api/request/req.h"
#include "core/clock.h"
#include "db/write/batch.h"

enum {
    API_OTLP_DEPTH_MAX = 64,              /* nesting of AnyValue */
    API_OTLP_NAME_MAX_BYTES = 1024,       /* of what lists go on after: names of services, spans and metrics, units */
    API_OTLP_STRING_MAX_BYTES = 65536,    /* of every other string, longer ones are cut */
    API_OTLP_BODY_MAX_BYTES = 262144,     /* of a log's body as text */
    API_OTLP_REASONS_MAX = 512,
};
/* Items may be this far ahead of our clock. */
#define API_OTLP_AHEAD_MAX_NS NS_PER_DAY
/* Days that the items of one request may be of. Each has its partitions, which are made when its first item comes: hundreds of them
 * would take the writer longer than a request may, and all others would wait. */
enum { API_OTLP_DAYS_MAX = 32 };

struct api_otlp_input {
    enum db_signal signal;
    enum db_encoding encoding;
    struct str body;      /* decompressed; borrowed for as long as the batch is used */
    int64_t now_ns;       /* wall clock */
    int64_t retention_ns; /* 0: any past time is welcome */
};

/* What was left out or changed, and why, in words for the sender. */
struct api_otlp_rejects {
    int64_t n_items;   /* spans, log records or data points that are not in the batch */
    int64_t n_cut;     /* strings that were cut at their bound */
    char reasons[API_OTLP_REASONS_MAX]; /* the first distinct reasons, "; " between them */
};

/* Fills out, which it initialises with arena, and rejects. ERR_INVALID: the body is not what encoding says, with the byte
 * and the field; ERR_TOO_LARGE: the rows outgrow the arena's own bound; ERR_NOMEM, also past those of its share. */
enum err api_otlp_decode(const struct api_otlp_input *in, struct arena *arena, struct db_batch *out,
                         struct api_otlp_rejects *rejects, struct err_info *e) MUST_USE;

/* POST /v1/traces, /v1/logs, /v1/metrics. They return OK only after the batch is committed. */
enum err api_otlp_traces(struct api_req *req, struct api_reply *reply, struct err_info *e) MUST_USE;
enum err api_otlp_logs(struct api_req *req, struct api_reply *reply, struct err_info *e) MUST_USE;
enum err api_otlp_metrics(struct api_req *req, struct api_reply *reply, struct err_info *e) MUST_USE;

/* Writes e as google.rpc.Status in the request's encoding (JSON when that is neither). Keeps a reply->status that is set
 * already (405), else it is api_status_of. 429 and 503 get a Retry-After unless the reply has one. */
void api_otlp_reply_error(const struct api_req *req, struct api_reply *reply, const struct err_info *e);

/* Makes the series of what is left out of requests, so that /metrics shows them before there is any. */
void api_otlp_rejects_init(void);

#endif
