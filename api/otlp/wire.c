#include "api/otlp/wire.h"

#include <endian.h>

enum { WIRE_VARINT_MAX = 10, WIRE_TYPE_BITS = 3, WIRE_TYPE_MASK = 7, WIRE_VARINT_BITS = 7 };
/* Protobuf's largest field number. */
#define WIRE_NUMBER_MAX ((UINT64_C(1) << 29) - 1)

static bool wire_fail(struct api_wire *w, const char *why)
{
    w->why = why;
    w->end = w->at;
    return false;
}

static size_t wire_left(const struct api_wire *w)
{
    return (size_t)(w->end - w->at);
}

static bool long_varint(struct api_wire *w, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < WIRE_VARINT_MAX; i++) {
        if (i == wire_left(w))
            return wire_fail(w, "it ends in the middle of a number");
        const uint8_t byte = (uint8_t)w->at[i];
        value |= (uint64_t)(byte & 0x7f) << (WIRE_VARINT_BITS * i);
        if (byte < 0x80) {
            w->at += i + 1;
            *out = value;
            return true;
        }
    }
    return wire_fail(w, "a number has more than ten bytes");
}

static inline bool wire_varint(struct api_wire *w, uint64_t *out)
{
    if (w->at < w->end && (uint8_t)*w->at < 0x80) {
        *out = (uint8_t)*w->at++;
        return true;
    }
    return long_varint(w, out);
}

static bool wire_fixed64(struct api_wire *w, uint64_t *out)
{
    uint64_t value;
    if (wire_left(w) < sizeof value)
        return wire_fail(w, "it ends in the middle of a number");
    memcpy(&value, w->at, sizeof value);
    w->at += sizeof value;
    *out = le64toh(value);
    return true;
}

static bool wire_fixed32(struct api_wire *w, uint64_t *out)
{
    uint32_t value;
    if (wire_left(w) < sizeof value)
        return wire_fail(w, "it ends in the middle of a number");
    memcpy(&value, w->at, sizeof value);
    w->at += sizeof value;
    *out = le32toh(value);
    return true;
}

static bool wire_bytes(struct api_wire *w, struct str *out)
{
    uint64_t len = 0;
    if (!wire_varint(w, &len))
        return false;
    if (len > wire_left(w))
        return wire_fail(w, "a length reaches past the end");
    *out = (struct str){w->at, (size_t)len};
    w->at += len;
    return true;
}

static bool wire_number(struct api_wire *w, enum api_wire_type type, uint64_t *out)
{
    if (type == API_WIRE_VARINT)
        return wire_varint(w, out);
    return type == API_WIRE_FIXED64 ? wire_fixed64(w, out) : wire_fixed32(w, out);
}

bool api_wire_next(struct api_wire *w, struct api_wire_field *out)
{
    uint64_t tag = 0;
    if (w->at == w->end || !wire_varint(w, &tag))
        return false;
    const uint64_t number = tag >> WIRE_TYPE_BITS, type = tag & WIRE_TYPE_MASK;
    if (number == 0 || number > WIRE_NUMBER_MAX)
        return wire_fail(w, "a field number is out of range");
    out->number = (uint32_t)number;
    out->type = (enum api_wire_type)type;
    if (type == API_WIRE_BYTES)
        return wire_bytes(w, &out->bytes);
    if (type != API_WIRE_VARINT && type != API_WIRE_FIXED64 && type != API_WIRE_FIXED32)
        return wire_fail(w, type == 3 || type == 4 ? "it has groups (wire types 3 and 4), which are not supported"
                                                   : "it has a wire type that does not exist");
    return wire_number(w, out->type, &out->value);
}

bool api_wire_packed(struct api_wire *w, enum api_wire_type type, uint64_t *out)
{
    return w->at != w->end && wire_number(w, type, out);
}
