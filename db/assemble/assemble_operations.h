/* The distinct operations of a trace, as its pattern keeps them: masked (core/mask.h), in the order of their bytes. */
#ifndef TRACEKIN_DB_ASSEMBLE_OPERATIONS_H
#define TRACEKIN_DB_ASSEMBLE_OPERATIONS_H

#include "core/buf.h"
#include "db/assemble/assemble_trace.h"

/* More are left out. */
enum { DB_ASSEMBLE_OPERATIONS_MAX = 1024 };
/* Stands between service and name; patterns.operations is made of both. */
#define DB_OPERATION_SEPARATOR '\x1f'

/* Appends a name as patterns.operation_names has it, and an operation as patterns.operations does. A name may grow as
 * mask_put says. */
void db_operation_put_name(struct buf *out, struct str name);
void db_operation_put(struct buf *out, struct str service, struct str name);
/* What tells operations apart in the table of them; never 0. */
uint64_t db_operation_id(struct str service, struct str name, uint8_t kind);

/* Sets the row's operations, which are in the arena. ERR_NOMEM. */
enum err db_assemble_operations(const struct db_assemble_input *in, struct arena *arena, struct db_trace_row *row,
                                struct err_info *e) MUST_USE;

#endif
