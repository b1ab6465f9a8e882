#include "db/session/rows.h"

enum { CELLS_FIRST = 64 };

void db_rows_init(struct db_rows *r, struct budget_share *share)
{
    *r = (struct db_rows){0};
    arena_init_share(&r->arena, share);
}

void db_rows_close(struct db_rows *r)
{
    arena_close(&r->arena);
    *r = (struct db_rows){.arena = r->arena};
}

static void rows_fail(struct db_rows *r)
{
    db_rows_close(r);
    r->failed = true;
}

static bool rows_reserve(struct db_rows *r, size_t n_cells)
{
    if (r->n_cells_max - r->n_cells >= n_cells)
        return true;
    const size_t n_max = 2 * r->n_cells_max + n_cells + CELLS_FIRST;
    struct str *const cells = arena_grow(&r->arena, r->cells, r->n_cells_max * sizeof *cells, n_max * sizeof *cells);
    if (cells == NULL)
        return false;
    r->cells = cells;
    r->n_cells_max = n_max;
    return true;
}

static bool rows_copy(struct db_rows *r, const PGresult *row, int column)
{
    const struct str value = {PQgetvalue(row, 0, column), (size_t)PQgetlength(row, 0, column)};
    struct str *const cell = &r->cells[r->n_cells++];
    *cell = PQgetisnull(row, 0, column) == 1 ? (struct str){NULL, 0} : arena_copy(&r->arena, value);
    return cell->ptr != NULL || PQgetisnull(row, 0, column) == 1;
}

static size_t row_bytes(const PGresult *row)
{
    size_t n = 0;
    for (int i = 0; i < PQnfields(row); i++)
        n += (size_t)PQgetlength(row, 0, i);
    return n;
}

void db_rows_add(struct db_rows *r, const PGresult *row)
{
    const size_t n_bytes = row_bytes(row);
    r->largest_bytes = n_bytes > r->largest_bytes ? n_bytes : r->largest_bytes;
    if (r->failed)
        return;
    r->n_columns = PQnfields(row);
    bool ok = rows_reserve(r, (size_t)r->n_columns);
    for (int i = 0; ok && i < r->n_columns; i++)
        ok = rows_copy(r, row, i);
    r->n_rows++;
    if (!ok)
        rows_fail(r);
}
