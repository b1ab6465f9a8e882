/* A statement with its values, kept past the call that ran it, to be looked at later. Made by db_call_copy, freed by its owner;
 * one thread at a time. Its values are not for logs. */
#ifndef TRACEKIN_DB_CALL_H
#define TRACEKIN_DB_CALL_H

#include "db/session/conn.h"

enum { DB_CALL_MAX_BYTES = 256 << 10 };

struct db_call {
    struct arena arena;
    const struct db_statement *statement;
    struct db_params params; /* in the arena */
};

/* new; NULL when memory is out, or when the values are larger than DB_CALL_MAX_BYTES. */
struct db_call *db_call_copy(const struct db_statement *statement, const struct db_params *params) MUST_USE;
void db_call_free(struct db_call *call);

#endif
