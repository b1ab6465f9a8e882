#include "tests/fuzz/support/to_json.h"

#include <inttypes.h>
#include <math.h>

#include "core/hex.h"
#include "tests/fuzz/fuzz.h"

/* "trace_id" as "traceId". */
static void put_name(struct buf *out, const char *snake)
{
    buf_putc(out, '"');
    for (; *snake != '\0'; snake++) {
        const bool is_upper = *snake == '_' && snake[1] != '\0';
        snake += is_upper;
        buf_putc(out, is_upper && *snake >= 'a' && *snake <= 'z' ? (char)(*snake & ~0x20) : *snake);
    }
    BUF_LITERAL(out, "\":");
}

static void put_text(struct buf *out, const char *text)
{
    buf_putc(out, '"');
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c < ' ')
            buf_printf(out, "\\u%04x", c);
        else
            buf_printf(out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
    }
    buf_putc(out, '"');
}

static void put_bytes(struct buf *out, const ProtobufCBinaryData *bytes, bool is_hex)
{
    buf_putc(out, '"');
    if (is_hex)
        hex_put(out, bytes->data, bytes->len);
    else
        base64_put(out, bytes->data, bytes->len);
    buf_putc(out, '"');
}

static void put_double(struct buf *out, double value)
{
    if (isnan(value))
        BUF_LITERAL(out, "\"NaN\"");
    else if (isinf(value))
        buf_puts(out, value > 0 ? STR("\"Infinity\"") : STR("\"-Infinity\""));
    else
        buf_printf(out, "%.17g", value);
}

/* Numbers of 64 bits are texts, as protobuf's JSON has them. */
static void put_value(struct buf *out, const ProtobufCFieldDescriptor *f, const void *place)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING: put_text(out, *(char *const *)place); return;
    case PROTOBUF_C_TYPE_BYTES: put_bytes(out, place, strcmp(f->name, "bytes_value") != 0); return;
    case PROTOBUF_C_TYPE_MESSAGE: to_json_put(out, *(ProtobufCMessage *const *)place); return;
    case PROTOBUF_C_TYPE_DOUBLE: put_double(out, *(const double *)place); return;
    case PROTOBUF_C_TYPE_BOOL: buf_puts(out, *(const protobuf_c_boolean *)place ? STR("true") : STR("false")); return;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SFIXED64: buf_printf(out, "\"%" PRId64 "\"", *(const int64_t *)place); return;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_UINT64: buf_printf(out, "\"%" PRIu64 "\"", *(const uint64_t *)place); return;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_ENUM: buf_printf(out, "%" PRId32, *(const int32_t *)place); return;
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_UINT32: buf_printf(out, "%" PRIu32, *(const uint32_t *)place); return;
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_FLOAT: FUZZ_CHECK(false, "otlp.proto has no field of the type of %s", f->name);
    }
}

static size_t size_of(const ProtobufCFieldDescriptor *f)
{
    return f->type == PROTOBUF_C_TYPE_MESSAGE || f->type == PROTOBUF_C_TYPE_STRING ? sizeof(void *) : sizeof(uint64_t);
}

static bool is_default(const ProtobufCFieldDescriptor *f, const void *place)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING: return **(char *const *)place == '\0';
    case PROTOBUF_C_TYPE_BYTES: return ((const ProtobufCBinaryData *)place)->len == 0;
    case PROTOBUF_C_TYPE_MESSAGE: return *(ProtobufCMessage *const *)place == NULL;
    case PROTOBUF_C_TYPE_BOOL: return !*(const protobuf_c_boolean *)place;
    case PROTOBUF_C_TYPE_DOUBLE: return *(const double *)place == 0;
    case PROTOBUF_C_TYPE_INT64: case PROTOBUF_C_TYPE_SFIXED64: case PROTOBUF_C_TYPE_FIXED64: case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_SINT64: return *(const uint64_t *)place == 0;
    case PROTOBUF_C_TYPE_INT32: case PROTOBUF_C_TYPE_SINT32: case PROTOBUF_C_TYPE_ENUM: case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_UINT32: case PROTOBUF_C_TYPE_SFIXED32: case PROTOBUF_C_TYPE_FLOAT: break;
    }
    return *(const uint32_t *)place == 0;
}

static bool is_there(const ProtobufCFieldDescriptor *f, const ProtobufCMessage *message)
{
    const char *const base = (const char *)message;
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        return *(const size_t *)(const void *)(base + f->quantifier_offset) > 0;
    if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        return *(const uint32_t *)(const void *)(base + f->quantifier_offset) == f->id;
    return !is_default(f, base + f->offset);
}

static void put_list(struct buf *out, const ProtobufCFieldDescriptor *f, const char *items, size_t n)
{
    buf_putc(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_putc(out, ',');
        put_value(out, f, items + i * size_of(f));
    }
    buf_putc(out, ']');
}

void to_json_put(struct buf *out, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *const d = message->descriptor;
    const char *const base = (const char *)message;
    bool is_first = true;
    buf_putc(out, '{');
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *const f = &d->fields[i];
        if (!is_there(f, message))
            continue;
        if (!is_first)
            buf_putc(out, ',');
        is_first = false;
        put_name(out, f->name);
        if (f->label == PROTOBUF_C_LABEL_REPEATED)
            put_list(out, f, *(char *const *)(const void *)(base + f->offset), *(const size_t *)(const void *)(base + f->quantifier_offset));
        else
            put_value(out, f, base + f->offset);
    }
    buf_putc(out, '}');
}
