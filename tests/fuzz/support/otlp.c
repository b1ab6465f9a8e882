#include "tests/fuzz/support/otlp.h"

#include <stdlib.h>

#include "api/otlp/otlp.h"
#include "otlp.pb-c.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/support/rows.h"
#include "tests/fuzz/support/to_json.h"
#include "tests/otlp/batch_text.h"

/* protobuf-c goes as deep as the message does, on the stack. */
enum { COMPARED_MAX_BYTES = 4096, ARENA_BYTES = 256 << 20 };

struct decoded {
    struct arena arena;
    struct db_batch batch;
    struct api_otlp_rejects rejects;
    struct err_info e;
    enum err code;
};

static void decode(struct decoded *d, enum db_signal signal, enum db_encoding encoding, struct str body)
{
    const struct api_otlp_input in = {signal, encoding, body, FUZZ_NOW_NS, 0};
    *d = (struct decoded){.code = OK};
    arena_init(&d->arena, ARENA_BYTES);
    d->code = api_otlp_decode(&in, &d->arena, &d->batch, &d->rejects, &d->e);
}

static void decoded_close(struct decoded *d)
{
    arena_close(&d->arena);
}

static int64_t n_items_of(const struct decoded *d)
{
    return (int64_t)(d->batch.spans.n + d->batch.logs.n + d->batch.points.n) + d->rejects.n_items;
}

static void check_decoded(const struct decoded *d)
{
    FUZZ_CHECK(d->code == OK || (d->code == ERR_INVALID && d->e.message[0] != '\0'), "the code is %d: %s", (int)d->code, d->e.message);
    FUZZ_CHECK(fuzz_is_clean(str_of(d->e.message)), "the message is no text");
    if (d->code == OK)
        rows_check(&d->batch);
}

/* --- what protobuf-c counts */

static size_t n_spans(const Otlp__ExportTraceServiceRequest *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_resource_spans; i++)
        for (size_t k = 0; k < r->resource_spans[i]->n_scope_spans; k++)
            n += r->resource_spans[i]->scope_spans[k]->n_spans;
    return n;
}

static size_t n_logs(const Otlp__ExportLogsServiceRequest *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_resource_logs; i++)
        for (size_t k = 0; k < r->resource_logs[i]->n_scope_logs; k++)
            n += r->resource_logs[i]->scope_logs[k]->n_log_records;
    return n;
}

static size_t n_points_of(const Otlp__Metric *m)
{
    switch (m->data_case) {
    case OTLP__METRIC__DATA_GAUGE: return m->gauge->n_data_points;
    case OTLP__METRIC__DATA_SUM: return m->sum->n_data_points;
    case OTLP__METRIC__DATA_HISTOGRAM: return m->histogram->n_data_points;
    case OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM: return m->exponential_histogram->n_data_points;
    case OTLP__METRIC__DATA_SUMMARY: return m->summary->n_data_points;
    case OTLP__METRIC__DATA__NOT_SET:
    case _OTLP__METRIC__DATA__CASE_IS_INT_SIZE: break;
    }
    return 0;
}

static size_t n_points(const Otlp__ExportMetricsServiceRequest *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_resource_metrics; i++)
        for (size_t k = 0; k < r->resource_metrics[i]->n_scope_metrics; k++)
            for (size_t j = 0; j < r->resource_metrics[i]->scope_metrics[k]->n_metrics; j++)
                n += n_points_of(r->resource_metrics[i]->scope_metrics[k]->metrics[j]);
    return n;
}

static size_t count_items(enum db_signal signal, const void *message)
{
    return signal == DB_SIGNAL_TRACES ? n_spans(message) : signal == DB_SIGNAL_LOGS ? n_logs(message) : n_points(message);
}

/* --- protobuf */

static const ProtobufCMessageDescriptor *request_of(enum db_signal signal)
{
    return signal == DB_SIGNAL_TRACES ? &otlp__export_trace_service_request__descriptor
         : signal == DB_SIGNAL_LOGS   ? &otlp__export_logs_service_request__descriptor
                                      : &otlp__export_metrics_service_request__descriptor;
}

static void put_packed(struct buf *out, const ProtobufCMessage *message)
{
    char *const room = buf_reserve(out, protobuf_c_message_get_packed_size(message));
    FUZZ_CHECK(room != NULL, "out of memory");
    buf_advance(out, protobuf_c_message_pack(message, (uint8_t *)room));
}

/* protobuf-c takes fields of the number 0, and keeps them, though protobuf has none. */
static bool is_only_for_protobuf_c(const struct decoded *d)
{
    return d->code != OK && strstr(d->e.message, "a field number is out of range") != NULL;
}

static void compare(const struct decoded *of_proto, const struct decoded *of_json, struct str json)
{
    AUTO(buf) struct buf proto_rows;
    AUTO(buf) struct buf json_rows;
    buf_init(&proto_rows, SIZE_MAX);
    buf_init(&json_rows, SIZE_MAX);
    FUZZ_CHECK(of_proto->code == OK, "protobuf: %s", of_proto->e.message);
    FUZZ_CHECK(of_json->code == OK, "JSON: %s, in %.*s", of_json->e.message, STR_ARG(json));
    tests_otlp_put_batch(&proto_rows, &of_proto->batch);
    tests_otlp_put_batch(&json_rows, &of_json->batch);
    FUZZ_CHECK(str_equal(buf_str(&proto_rows), buf_str(&json_rows)), "protobuf gives\n%s\nand JSON\n%s\nof %.*s", proto_rows.data, json_rows.data,
               STR_ARG(json));
    FUZZ_CHECK(of_proto->rejects.n_items == of_json->rejects.n_items && strcmp(of_proto->rejects.reasons, of_json->rejects.reasons) == 0,
               "protobuf: %s, JSON: %s", of_proto->rejects.reasons, of_json->rejects.reasons);
}

/* The message written as protobuf and as JSON gives the same rows. */
static void check_both(enum db_signal signal, const ProtobufCMessage *message)
{
    struct decoded of_proto, of_json;
    AUTO(buf) struct buf proto;
    AUTO(buf) struct buf json;
    buf_init(&proto, SIZE_MAX);
    buf_init(&json, SIZE_MAX);
    put_packed(&proto, message);
    to_json_put(&json, message);
    decode(&of_proto, signal, DB_ENCODING_PROTOBUF, buf_str(&proto));
    decode(&of_json, signal, DB_ENCODING_JSON, buf_str(&json));
    if (!is_only_for_protobuf_c(&of_proto))
        compare(&of_proto, &of_json, buf_str(&json));
    decoded_close(&of_proto);
    decoded_close(&of_json);
}

void fuzz_otlp_proto(enum db_signal signal, const uint8_t *data, size_t size)
{
    struct decoded d;
    decode(&d, signal, DB_ENCODING_PROTOBUF, fuzz_input_of(data, size).rest);
    check_decoded(&d);
    ProtobufCMessage *const message = size > COMPARED_MAX_BYTES ? NULL : protobuf_c_message_unpack(request_of(signal), NULL, size, data);
    if (message != NULL) {
        FUZZ_CHECK(d.code == OK || is_only_for_protobuf_c(&d), "protobuf-c takes it: %s", d.e.message);
        FUZZ_CHECK(d.code != OK || n_items_of(&d) == (int64_t)count_items(signal, message), "%lld items, %zu for protobuf-c",
                   (long long)n_items_of(&d), count_items(signal, message));
        check_both(signal, message);
        protobuf_c_message_free_unpacked(message, NULL);
    }
    decoded_close(&d);
}

/* --- JSON */

void fuzz_otlp_json(enum db_signal signal, const uint8_t *data, size_t size)
{
    const struct str text = fuzz_input_of(data, size).rest;
    struct decoded d;
    json_error_t error;
    decode(&d, signal, DB_ENCODING_JSON, text);
    check_decoded(&d);
    json_t *const root = json_loadb(text.ptr, text.len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);
    FUZZ_CHECK(d.code != OK || root != NULL || fuzz_is_beyond_jansson(text, &error), "jansson refuses it: %s", error.text);
    json_decref(root);
    decoded_close(&d);
}
