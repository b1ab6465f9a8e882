/* The distinct operations of a trace, as its pattern keeps them: masked (core/mask.h), in the order of their bytes. */
#ifndef TRACEKIN_DB_ASSEMBLE_OPERATIONS_H
#define TRACEKIN_DB_ASSEMBLE_OPERATIONS_H

#include "db/assemble_trace.h"

/* More are left out. */
enum { DB_ASSEMBLE_OPERATIONS_MAX = 1024 };
/* Stands between service and name; patterns.operations is made of both. */
#define DB_OPERATION_SEPARATOR '\x1f'

/* Sets the row's operations, which are in the arena. ERR_NOMEM. */
enum err db_assemble_operations(const struct db_assemble_input *in, struct arena *arena, struct db_trace_row *row,
                                struct err_info *e) MUST_USE;

#endif
