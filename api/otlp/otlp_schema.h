/* OTLP's messages as tables: one row a field, for both encodings (opentelemetry-proto 1.x; field numbers never change). */
#ifndef TRACEKIN_API_OTLP_SCHEMA_H
#define TRACEKIN_API_OTLP_SCHEMA_H

#include "api/otlp/otlp_state.h"

enum api_otlp_type {
    API_OTLP_STRING,      /* struct str; limit: its most bytes */
    API_OTLP_ID,          /* struct api_otlp_id; limit: its bytes */
    API_OTLP_UINT32,      /* uint32_t, varint */
    API_OTLP_FIXED32,     /* uint32_t */
    API_OTLP_FIXED64,     /* uint64_t */
    API_OTLP_SINT32,      /* int32_t, zig-zag */
    API_OTLP_ENUM,        /* uint32_t: 0 for a value that is not in names */
    API_OTLP_BOOL,        /* bool */
    API_OTLP_DOUBLE,      /* struct api_otlp_number */
    API_OTLP_SFIXED64,    /* struct api_otlp_number */
    API_OTLP_LIST_FIXED64, /* struct buf: the numbers as JSON, commas between; so are the next two */
    API_OTLP_LIST_UINT64,
    API_OTLP_LIST_DOUBLE,
    API_OTLP_ATTRIBUTES,  /* struct api_otlp_attributes */
    API_OTLP_ANY,         /* struct api_otlp_any */
    API_OTLP_MESSAGE,     /* of the field's message; a second one merges into the first */
    API_OTLP_MESSAGES,    /* repeated */
};

struct api_otlp_names {
    struct str prefix; /* "SPAN_KIND_" */
    const char *const *names;
    uint32_t n;
};

struct api_otlp_message;

struct api_otlp_field {
    uint32_t number;
    enum api_otlp_type type;
    struct str name; /* in JSON */
    size_t offset;   /* into struct api_otlp_state */
    size_t limit;
    const struct api_otlp_names *names;
    const struct api_otlp_message *message;
    const char *watch; /* the attribute whose string value is wanted too */
};

struct api_otlp_message {
    const char *name;
    const struct api_otlp_field *fields;
    size_t n_fields;
    size_t raw_offset; /* where its own bytes go; 0: nowhere */
    void (*begin)(struct api_otlp_state *o); /* NULL: nothing to do */
    void (*end)(struct api_otlp_state *o);
};

extern const struct api_otlp_message api_otlp_requests[]; /* by enum db_signal */

/* Finds a field, trying *hint first: fields mostly come in the order of the table. NULL for an unknown one. A snake_case
 * name is found too. */
const struct api_otlp_field *api_otlp_by_number(const struct api_otlp_message *m, uint32_t number, size_t *hint);
const struct api_otlp_field *api_otlp_by_name(const struct api_otlp_message *m, struct str name, size_t *hint);
/* The value of an enum's name, with its prefix; 0 for an unknown one. */
uint32_t api_otlp_enum_of(const struct api_otlp_names *names, struct str name);

#endif
