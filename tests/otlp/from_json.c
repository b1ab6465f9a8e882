#include "from_json.h"

#include <check.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "core/hex.h"
#include "otlp.pb-c.h"

enum { NAME_MAX_BYTES = 64 };

/* libprotobuf-c frees messages with free(), so they are made with malloc(). */
static void *make(size_t n_items, size_t size)
{
    void *p = calloc(n_items == 0 ? 1 : n_items, size);
    ck_assert_ptr_nonnull(p);
    return p;
}

/* "traceId" to "trace_id". */
static void to_snake(const char *camel, char out[NAME_MAX_BYTES])
{
    size_t n = 0;
    for (; *camel != '\0' && n < NAME_MAX_BYTES - 2; camel++) {
        const bool is_upper = *camel >= 'A' && *camel <= 'Z';
        if (is_upper)
            out[n++] = '_';
        out[n++] = is_upper ? (char)(*camel + ('a' - 'A')) : *camel;
    }
    out[n] = '\0';
}

static int64_t integer_of(const json_t *value)
{
    if (!json_is_string(value))
        return json_integer_value(value);
    const char *text = json_string_value(value);
    return text[0] == '-' ? (int64_t)strtoll(text, NULL, 10) : (int64_t)strtoull(text, NULL, 10);
}

static double real_of(const json_t *value)
{
    return json_is_string(value) ? strtod(json_string_value(value), NULL) : json_number_value(value);
}

static ProtobufCBinaryData bytes_of(const json_t *value, bool is_hex)
{
    const struct str text = {json_string_value(value), json_string_length(value)};
    struct buf decoded;
    buf_init(&decoded, text.len);
    if (is_hex) {
        char *room = buf_reserve(&decoded, text.len / 2);
        ck_assert(text.len == 0 || hex_parse(text, (uint8_t *)room, text.len / 2));
        buf_advance(&decoded, text.len / 2);
    } else {
        ck_assert(base64_parse(text, &decoded));
    }
    ProtobufCBinaryData bytes = {decoded.len, make(decoded.len, 1)};
    memcpy(bytes.data, buf_str(&decoded).ptr, decoded.len);
    buf_close(&decoded);
    return bytes;
}

static ProtobufCMessage *message_of(const json_t *json, const ProtobufCMessageDescriptor *d);

static char *text_of(const json_t *value)
{
    char *text = make(json_string_length(value) + 1, 1);
    memcpy(text, json_string_value(value), json_string_length(value));
    return text;
}

static void set_value(const ProtobufCFieldDescriptor *f, void *place, const json_t *value)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING: *(char **)place = text_of(value); return;
    case PROTOBUF_C_TYPE_BYTES: *(ProtobufCBinaryData *)place = bytes_of(value, strcmp(f->name, "bytes_value") != 0); return;
    case PROTOBUF_C_TYPE_MESSAGE: *(ProtobufCMessage **)place = message_of(value, f->descriptor); return;
    case PROTOBUF_C_TYPE_DOUBLE: *(double *)place = real_of(value); return;
    case PROTOBUF_C_TYPE_BOOL: *(protobuf_c_boolean *)place = json_is_true(value); return;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_UINT64: *(int64_t *)place = integer_of(value); return;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_ENUM: *(int32_t *)place = (int32_t)integer_of(value); return;
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_FLOAT: ck_abort_msg("otlp.proto has no field of the type of %s", f->name);
    }
}

static size_t size_of(const ProtobufCFieldDescriptor *f)
{
    if (f->type == PROTOBUF_C_TYPE_MESSAGE || f->type == PROTOBUF_C_TYPE_STRING)
        return sizeof(void *);
    ck_assert(f->type == PROTOBUF_C_TYPE_DOUBLE || f->type == PROTOBUF_C_TYPE_FIXED64 || f->type == PROTOBUF_C_TYPE_UINT64);
    return sizeof(uint64_t);
}

static void set_field(const ProtobufCFieldDescriptor *f, ProtobufCMessage *message, const json_t *value)
{
    char *const base = (char *)message;
    if (f->label != PROTOBUF_C_LABEL_REPEATED) {
        set_value(f, base + f->offset, value);
        if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
            *(uint32_t *)(void *)(base + f->quantifier_offset) = f->id;
        return;
    }
    const size_t n = json_array_size(value);
    char *items = make(n, size_of(f));
    for (size_t i = 0; i < n; i++)
        set_value(f, items + i * size_of(f), json_array_get(value, i));
    *(void **)(void *)(base + f->offset) = items;
    *(size_t *)(void *)(base + f->quantifier_offset) = n;
}

static ProtobufCMessage *message_of(const json_t *json, const ProtobufCMessageDescriptor *d)
{
    ProtobufCMessage *message = make(1, d->sizeof_message);
    protobuf_c_message_init(d, message);
    const char *key;
    json_t *value;
    /* The macro of jansson casts away const. */
    json_t *object = json_deep_copy(json);
    json_object_foreach(object, key, value) {
        char name[NAME_MAX_BYTES];
        to_snake(key, name);
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(d, name);
        ck_assert_msg(field != NULL, "%s has no field %s", d->name, name);
        set_field(field, message, value);
    }
    json_decref(object);
    return message;
}

void tests_otlp_from_json(enum db_signal signal, const char *json, struct buf *out)
{
    static const ProtobufCMessageDescriptor *const requests[] = {
        [DB_SIGNAL_TRACES] = &otlp__export_trace_service_request__descriptor,
        [DB_SIGNAL_LOGS] = &otlp__export_logs_service_request__descriptor,
        [DB_SIGNAL_METRICS] = &otlp__export_metrics_service_request__descriptor,
    };
    json_error_t error;
    json_t *root = json_loads(json, 0, &error);
    ck_assert_msg(root != NULL, "%s at %d", error.text, error.position);
    ProtobufCMessage *message = message_of(root, requests[signal]);
    char *room = buf_reserve(out, protobuf_c_message_get_packed_size(message));
    ck_assert_ptr_nonnull(room);
    buf_advance(out, protobuf_c_message_pack(message, (uint8_t *)room));
    protobuf_c_message_free_unpacked(message, NULL);
    json_decref(root);
}
