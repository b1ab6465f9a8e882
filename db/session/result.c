#include <assert.h>

#include "core/clock.h"
#include "core/mem.h"
#include "db/session/conn_internal.h"
#include "db/session/types.h"

enum err db_result_take(PGresult **from, struct db_result **out, struct err_info *e)
{
    if (out == NULL)
        return OK;
    struct db_result *const result = mem_calloc(1, sizeof *result);
    if (result == NULL)
        return ERR_SET_NOMEM(e);
    result->pg = TAKE(*from);
    *out = result;
    return OK;
}

void db_result_free(struct db_result *r)
{
    if (r == NULL)
        return;
    PQclear(r->pg);
    if (r->is_copied)
        db_rows_close(&r->rows);
    mem_free(r);
}

int db_n_rows(const struct db_result *r)
{
    return r->is_copied ? r->rows.n_rows : PQntuples(r->pg);
}

int64_t db_n_affected(const struct db_result *r)
{
    int64_t n = 0;
    return str_to_i64(str_of(PQcmdTuples(r->pg)), &n) ? n : 0;
}

static const struct str *result_cell(const struct db_result *r, int row, int column)
{
    return &r->rows.cells[(size_t)row * (size_t)r->rows.n_columns + (size_t)column];
}

bool db_is_null(const struct db_result *r, int row, int column)
{
    return r->is_copied ? result_cell(r, row, column)->ptr == NULL : PQgetisnull(r->pg, row, column) == 1;
}

struct str db_get_str(const struct db_result *r, int row, int column)
{
    if (r->is_copied)
        return *result_cell(r, row, column);
    if (db_is_null(r, row, column))
        return (struct str){NULL, 0};
    return (struct str){PQgetvalue(r->pg, row, column), (size_t)PQgetlength(r->pg, row, column)};
}

static uint64_t read_be(const char *bytes, size_t n_bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n_bytes; i++)
        value = value << 8 | (uint8_t)bytes[i];
    return value;
}

bool db_get_bool(const struct db_result *r, int row, int column)
{
    const struct str field = db_get_str(r, row, column);
    return field.len == 1 && field.ptr[0] != 0;
}

int64_t db_get_i64(const struct db_result *r, int row, int column)
{
    const struct str field = db_get_str(r, row, column);
    assert(field.len == 0 || field.len == 2 || field.len == 4 || field.len == 8);
    const uint64_t value = read_be(field.ptr, field.len);
    return field.len == 2 ? (int16_t)value : field.len == 4 ? (int32_t)value : (int64_t)value;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

double db_get_f64(const struct db_result *r, int row, int column)
{
    const struct str field = db_get_str(r, row, column);
    assert(field.len == 0 || field.len == 4 || field.len == 8);
    if (field.len == sizeof(float))
        return (double)float_of((uint32_t)read_be(field.ptr, field.len));
    const uint64_t bits = read_be(field.ptr, field.len);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

struct str db_get_json(const struct db_result *r, int row, int column)
{
    const struct str field = db_get_str(r, row, column);
    return field.len == 0 ? (struct str){NULL, 0} : (struct str){field.ptr + 1, field.len - 1};
}

/* PostgreSQL's years reach further than int64_t nanoseconds, and it has infinities: both become the nearest instant. */
int64_t db_get_time(const struct db_result *r, int row, int column)
{
    int64_t wall_ns;
    if (db_is_null(r, row, column))
        return 0;
    const int64_t since_epoch_us = db_get_i64(r, row, column);
    int64_t wall_us;
    if (__builtin_add_overflow(since_epoch_us, DB_EPOCH_US, &wall_us) || __builtin_mul_overflow(wall_us, NS_PER_US, &wall_ns))
        return since_epoch_us < 0 ? INT64_MIN : INT64_MAX;
    return wall_ns;
}

/* --- arrays and vectors */

/* Takes n bytes off the front; false when there are not as many. */
static bool take_be(struct str *from, size_t n_bytes, uint64_t *value)
{
    if (from->len < n_bytes)
        return false;
    *value = read_be(from->ptr, n_bytes);
    *from = (struct str){from->ptr + n_bytes, from->len - n_bytes};
    return true;
}

/* Reads the header up to the first element; false when it is not of one dimension. */
static bool take_array_header(struct str *from, uint64_t *n_items)
{
    uint64_t n_dimensions;
    uint64_t ignored;
    *n_items = 0;
    if (!take_be(from, 4, &n_dimensions) || !take_be(from, 4, &ignored) || !take_be(from, 4, &ignored))
        return false;
    if (n_dimensions == 0)
        return true;
    return n_dimensions == 1 && take_be(from, 4, n_items) && take_be(from, 4, &ignored) && *n_items <= from->len / 4;
}

static bool take_element(struct str *from, struct str *out)
{
    uint64_t len;
    *out = (struct str){NULL, 0};
    if (!take_be(from, 4, &len))
        return false;
    if (len == UINT32_MAX)
        return true;
    if (len > from->len)
        return false;
    *out = (struct str){from->ptr, len};
    *from = (struct str){from->ptr + len, from->len - len};
    return true;
}

enum err db_get_array(const struct db_result *r, int row, int column, struct arena *arena, struct str **out, size_t *n_out,
                      struct err_info *e)
{
    struct str rest = db_get_str(r, row, column);
    struct str *items = NULL;
    uint64_t n_items = 0;
    if (rest.ptr != NULL && !take_array_header(&rest, &n_items))
        return ERR_SET(e, ERR_INTERNAL, "a column of the database is not an array of one dimension");
    if (n_items > 0 && (items = arena_calloc(arena, n_items, sizeof *items)) == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < n_items; i++)
        if (!take_element(&rest, &items[i]))
            return ERR_SET(e, ERR_INTERNAL, "an array of the database is cut short");
    *out = items;
    *n_out = n_items;
    return OK;
}

bool db_get_vector(const struct db_result *r, int row, int column, float *values, size_t n_values)
{
    struct str rest = db_get_str(r, row, column);
    uint64_t n_dimensions;
    uint64_t unused;
    if (!take_be(&rest, 2, &n_dimensions) || !take_be(&rest, 2, &unused))
        return false;
    if (n_dimensions != n_values || rest.len != n_values * sizeof *values)
        return false;
    for (size_t i = 0; i < n_values; i++)
        values[i] = float_of((uint32_t)read_be(rest.ptr + i * sizeof *values, sizeof *values));
    return true;
}
