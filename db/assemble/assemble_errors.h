/* The errors of one trace, each told once. */
#ifndef TRACEKIN_DB_ASSEMBLE_ERRORS_H
#define TRACEKIN_DB_ASSEMBLE_ERRORS_H

#include "db/assemble/assemble_trace.h"

/* Fills out->errors, and first[i] with the index of span i's first error, or SIZE_MAX. span_of_log says which span each log
 * is of, SIZE_MAX for none that is there. ERR_NOMEM. */
enum err db_assemble_errors(const struct db_assemble_input *in, const size_t *span_of_log, struct arena *arena,
                            size_t *first, struct db_assemble_output *out, struct err_info *e) MUST_USE;

#endif
