/* PostgreSQL's numbers for its built-in types, and its epoch: the same in every database. */
#ifndef TRACEKIN_DB_TYPES_H
#define TRACEKIN_DB_TYPES_H

#include <stdint.h>

enum {
    DB_OID_BOOL = 16,
    DB_OID_BYTEA = 17,
    DB_OID_INT8 = 20,
    DB_OID_INT4 = 23,
    DB_OID_TEXT = 25,
    DB_OID_FLOAT8 = 701,
    DB_OID_BYTEA_ARRAY = 1001,
    DB_OID_INT4_ARRAY = 1007,
    DB_OID_TEXT_ARRAY = 1009,
    DB_OID_TIMESTAMPTZ = 1184,
    DB_OID_JSONB = 3802,
    DB_OID_INFERRED = 0, /* what the statement makes of it */
};

/* 2000-01-01 UTC, from which timestamptz counts, in microseconds since 1970. */
#define DB_EPOCH_US INT64_C(946684800000000)

#endif
