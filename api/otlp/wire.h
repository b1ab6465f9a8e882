/* Reads protobuf's wire format, one field at a time, without copying.
 *
 * The caller owns the struct; one thread. Failure is sticky: after it there are no more fields, and why says what is
 * wrong. */
#ifndef TRACEKIN_API_WIRE_H
#define TRACEKIN_API_WIRE_H

#include "core/attr.h"
#include "core/str.h"

enum api_wire_type { API_WIRE_VARINT = 0, API_WIRE_FIXED64 = 1, API_WIRE_BYTES = 2, API_WIRE_FIXED32 = 5 };

struct api_wire {
    const char *at, *end;
    const char *why; /* NULL: all is well */
};

struct api_wire_field {
    uint32_t number;
    enum api_wire_type type;
    uint64_t value;   /* of the types that are not bytes */
    struct str bytes; /* borrowed from the message; never absent */
};

static inline struct api_wire api_wire_of(struct str message)
{
    return (struct api_wire){message.ptr, message.ptr + message.len, NULL};
}

/* Reads the next field; false at the end, and when the bytes are not protobuf. Groups (types 3 and 4) are not. */
bool api_wire_next(struct api_wire *w, struct api_wire_field *out);
/* The elements of a packed repeated field; false at the end and on failure. type is that of an element. */
bool api_wire_packed(struct api_wire *w, enum api_wire_type type, uint64_t *out);

static inline int64_t api_wire_zigzag(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (UINT64_C(0) - (value & 1)));
}

static inline double api_wire_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
