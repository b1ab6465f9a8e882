#include "api/otlp/otlp_reply.h"

#include "api/json/jsonwrite.h"
#include "api/request/route.h"
#include "api/request/status.h"
#include "core/utf8.h"

enum {
    HTTP_BAD_REQUEST = 400,
    HTTP_METHOD_NOT_ALLOWED = 405,
    HTTP_TOO_MANY_REQUESTS = 429,
    HTTP_UNAVAILABLE = 503,
    VARINT_BITS = 7,
    GRPC_UNIMPLEMENTED = 12,
};

/* Tags of protobuf fields: number << 3 | wire type. */
enum { TAG_1_VARINT = 0x08, TAG_1_BYTES = 0x0a, TAG_2_BYTES = 0x12, TAG_3_BYTES = 0x1a };

#define BAD_REQUEST_URL "type.googleapis.com/google.rpc.BadRequest"

static const struct {
    struct str content_type;
    const char *reply_type;
} encodings[] = {
    [DB_ENCODING_PROTOBUF] = {{"application/x-protobuf", 22}, "application/x-protobuf"},
    [DB_ENCODING_JSON] = {{"application/json", 16}, "application/json"},
};

bool api_otlp_encoding_of(struct str content_type, enum db_encoding *out)
{
    struct str parameters;
    const struct str type = str_trim(str_split(content_type, ';', &parameters));
    for (size_t i = 0; i < ARRAY_LEN(encodings); i++)
        if (str_equal_nocase(type, encodings[i].content_type)) {
            *out = (enum db_encoding)i;
            return true;
        }
    return false;
}

/* --- protobuf */

static void put_varint(struct buf *b, uint64_t value)
{
    for (; value >= 0x80; value >>= VARINT_BITS)
        buf_putc(b, (char)(uint8_t)(value | 0x80));
    buf_putc(b, (char)(uint8_t)value);
}

static void put_number(struct buf *b, char tag, int64_t value)
{
    if (value == 0)
        return;
    buf_putc(b, tag);
    put_varint(b, (uint64_t)value);
}

static void put_bytes(struct buf *b, char tag, struct str bytes)
{
    if (bytes.len == 0)
        return;
    buf_putc(b, tag);
    put_varint(b, bytes.len);
    buf_puts(b, bytes);
}

/* Appends the message inner as a field, and empties it. */
static void put_message(struct buf *b, char tag, struct buf *inner)
{
    put_bytes(b, tag, buf_str(inner));
    b->failed = b->failed || !buf_is_ok(inner);
    buf_clear(inner);
}

/* --- success */

static void put_partial_proto(struct buf *out, int64_t n_rejected, struct str message)
{
    AUTO(buf) struct buf inner;
    buf_init(&inner, out->max);
    put_number(&inner, TAG_1_VARINT, n_rejected);
    put_bytes(&inner, TAG_2_BYTES, message);
    put_message(out, TAG_1_BYTES, &inner);
}

static void put_partial_json(struct buf *out, enum db_signal signal, int64_t n_rejected, struct str message)
{
    static const char *const names[] = {"rejectedSpans", "rejectedLogRecords", "rejectedDataPoints"};
    struct api_json w;
    api_json_init(&w, out);
    api_json_open(&w, '{');
    api_json_key(&w, "partialSuccess");
    api_json_open(&w, '{');
    if (n_rejected > 0) {
        api_json_key(&w, names[signal]);
        api_json_i64_text(&w, n_rejected);
    }
    api_json_key(&w, "errorMessage");
    api_json_str(&w, message);
    api_json_close(&w, '}');
    api_json_close(&w, '}');
}

void api_otlp_reply_done(struct api_reply *reply, enum db_signal signal, enum db_encoding encoding, int64_t n_rejected,
                         struct str message)
{
    const bool is_plain = n_rejected == 0 && message.len == 0;
    reply->content_type = encodings[encoding].reply_type;
    if (encoding == DB_ENCODING_PROTOBUF && !is_plain)
        put_partial_proto(&reply->body, n_rejected, message);
    else if (encoding == DB_ENCODING_JSON && is_plain)
        BUF_LITERAL(&reply->body, "{}");
    else if (encoding == DB_ENCODING_JSON)
        put_partial_json(&reply->body, signal, n_rejected, message);
}

/* --- errors */

/* google.rpc.Code, by which gRPC tells what HTTP's status tells. */
static int grpc_code_of(enum err code)
{
    switch (code) {
    case OK: return 0;
    case ERR_INVALID: return 3;
    case ERR_UNAUTHENTICATED: return 16;
    case ERR_FORBIDDEN: return 7;
    case ERR_RATE: return 8;
    case ERR_NOT_FOUND: return 5;
    case ERR_TOO_LARGE: return 3;
    case ERR_UNSUPPORTED: return 3;
    case ERR_BUSY: return 14;
    case ERR_TIMEOUT: return 14;
    case ERR_CANCELLED: return 1;
    case ERR_OUTCOME_UNKNOWN: return 4; /* DEADLINE_EXCEEDED, which alone "may be returned even if the operation has completed" */
    case ERR_UNAVAILABLE: return 14;
    case ERR_NOMEM: return 14;
    case ERR_INTERNAL: return 13;
    }
    return 2;
}

/* Status.details holds a BadRequest with one violation, of the field; none when field is NULL. */
static void put_status_proto(struct buf *out, int code, struct str message, const char *field)
{
    AUTO(buf) struct buf violation, bad_request, any;
    buf_init(&violation, out->max);
    buf_init(&bad_request, out->max);
    buf_init(&any, out->max);
    put_number(out, TAG_1_VARINT, code);
    put_bytes(out, TAG_2_BYTES, message);
    if (field == NULL)
        return;
    put_bytes(&violation, TAG_1_BYTES, str_of(field));
    put_bytes(&violation, TAG_2_BYTES, message);
    put_message(&bad_request, TAG_1_BYTES, &violation);
    put_bytes(&any, TAG_1_BYTES, STR(BAD_REQUEST_URL));
    put_message(&any, TAG_2_BYTES, &bad_request);
    put_message(out, TAG_3_BYTES, &any);
}

static void put_violation_json(struct api_json *w, struct str message, const char *field)
{
    api_json_open(w, '{');
    api_json_key(w, "@type");
    api_json_cstr(w, BAD_REQUEST_URL);
    api_json_key(w, "fieldViolations");
    api_json_open(w, '[');
    api_json_open(w, '{');
    api_json_key(w, "field");
    api_json_cstr(w, field);
    api_json_key(w, "description");
    api_json_str(w, message);
    api_json_close(w, '}');
    api_json_close(w, ']');
    api_json_close(w, '}');
}

static void put_status_json(struct buf *out, int code, struct str message, const char *field)
{
    struct api_json w;
    api_json_init(&w, out);
    api_json_open(&w, '{');
    api_json_key(&w, "code");
    api_json_i64(&w, code);
    api_json_key(&w, "message");
    api_json_str(&w, message);
    api_json_key(&w, "details");
    api_json_open(&w, '[');
    if (field != NULL)
        put_violation_json(&w, message, field);
    api_json_close(&w, ']');
    api_json_close(&w, '}');
}

static void add_retry_after(struct api_reply *reply, enum err code)
{
    if (reply->status != HTTP_TOO_MANY_REQUESTS && reply->status != HTTP_UNAVAILABLE)
        return;
    for (size_t i = 0; i < reply->n_headers; i++)
        if (str_equal_nocase(str_of(reply->headers[i].name), STR("Retry-After")))
            return;
    const bool is_soon = code == ERR_BUSY || code == ERR_CANCELLED || code == ERR_OUTCOME_UNKNOWN || code == ERR_RATE;
    (void)api_reply_header(reply, "Retry-After", is_soon ? STR("1") : STR("5"));
}

/* The bound of the message may have cut a character in two. */
static struct str message_of(const struct api_req *req, const struct err_info *e)
{
    if (e->code == ERR_TIMEOUT)
        return STR("not stored in time: send it again");
    const struct str repaired = utf8_repair(req->arena, str_of(e->message));
    return repaired.ptr == NULL ? STR("out of memory") : repaired;
}

/* A sender can do nothing about a time that was too short but send again, which 504 does not ask of every SDK. */
static int status_of(const struct api_reply *reply, enum err code)
{
    if (code == ERR_TIMEOUT)
        return HTTP_UNAVAILABLE;
    return reply->status == 0 ? api_status_of(code) : reply->status;
}

void api_otlp_reply_error(const struct api_req *req, struct api_reply *reply, const struct err_info *e)
{
    enum db_encoding encoding = DB_ENCODING_JSON;
    (void)api_otlp_encoding_of(req->content_type, &encoding);
    reply->content_type = encodings[encoding].reply_type;
    reply->status = status_of(reply, e->code);
    add_retry_after(reply, e->code);
    const struct str message = message_of(req, e);
    const int code = reply->status == HTTP_METHOD_NOT_ALLOWED ? GRPC_UNIMPLEMENTED : grpc_code_of(e->code);
    const char *field = reply->status != HTTP_BAD_REQUEST ? NULL : e->parameter[0] == '\0' ? "body" : e->parameter;
    if (encoding == DB_ENCODING_PROTOBUF)
        put_status_proto(&reply->body, code, message, field);
    else
        put_status_json(&reply->body, code, message, field);
}
