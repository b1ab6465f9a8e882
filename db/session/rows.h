/* Rows copied from libpq one by one as they come, into memory that a request pays for: libpq would gather them all first, as many
 * as there are, and ask nobody.
 *
 * The caller owns the struct; one thread. Failure is sticky: past a bound of the share, or without memory, what was kept is given
 * back and no more is kept. */
#ifndef TRACEKIN_DB_ROWS_H
#define TRACEKIN_DB_ROWS_H

#include <libpq-fe.h>

#include "core/arena.h"

struct db_rows {
    struct arena arena;
    struct str *cells; /* row by row, each NUL-terminated; absent: NULL */
    size_t n_cells, n_cells_max;
    size_t largest_bytes; /* of a row */
    int n_rows, n_columns;
    bool failed;
};

void db_rows_init(struct db_rows *r, struct budget_share *share);
void db_rows_close(struct db_rows *r);
/* Copies the one row that a result of single-row mode holds. */
void db_rows_add(struct db_rows *r, const PGresult *row);

#endif
