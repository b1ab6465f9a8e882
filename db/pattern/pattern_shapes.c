#include "db/pattern/pattern_shapes.h"

#include <stdlib.h>

enum { ARRAY_TEXT_MAX = 1 << 16 };

static const struct db_statement statement = {
    "pattern_shapes",
    "SELECT pattern_id, operations, operations_are_cut FROM patterns WHERE pattern_id = ANY($1::text::bigint[]) ORDER BY 1"};

enum column { PATTERN_ID, OPERATIONS, ARE_CUT };

static enum err put_ids(struct db_params *p, const int64_t *ids, size_t n, struct err_info *e)
{
    AUTO(buf) struct buf text;
    buf_init(&text, ARRAY_TEXT_MAX);
    buf_putc(&text, '{');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_putc(&text, ',');
        buf_put_i64(&text, ids[i]);
    }
    buf_putc(&text, '}');
    const struct str copy = buf_is_ok(&text) ? arena_copy(p->arena, buf_str(&text)) : (struct str){NULL, 0};
    if (copy.ptr == NULL)
        return ERR_SET_NOMEM(e);
    db_put_text(p, copy);
    return OK;
}

/* The rows' bytes go with the result, so the texts are copied. */
static enum err read_row(const struct db_result *r, int row, struct arena *arena, struct db_pattern_shape *out,
                         struct err_info *e)
{
    struct str *operations = NULL;
    size_t n = 0;
    TRY(db_get_array(r, row, OPERATIONS, arena, &operations, &n, e));
    for (size_t i = 0; i < n; i++) {
        operations[i] = arena_copy(arena, operations[i]);
        if (operations[i].ptr == NULL)
            return ERR_SET_NOMEM(e);
    }
    *out = (struct db_pattern_shape){db_get_i64(r, row, PATTERN_ID), operations, n, db_get_bool(r, row, ARE_CUT)};
    return OK;
}

enum err db_pattern_shapes_read(struct db_conn *c, const struct db_wait *wait, struct arena *arena, const int64_t *pattern_ids,
                                size_t n_ids, struct db_pattern_shape **out, size_t *n_out, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    TRY(put_ids(&p, pattern_ids, n_ids, e));
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &statement, &p, &r, e));
    const size_t n = (size_t)db_n_rows(r);
    struct db_pattern_shape *const shapes = arena_calloc(arena, n, sizeof *shapes);
    if (shapes == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < n; i++)
        TRY(read_row(r, (int)i, arena, &shapes[i], e));
    *out = shapes;
    *n_out = n;
    return OK;
}

static int compare(const void *key, const void *member)
{
    const int64_t a = *(const int64_t *)key;
    const int64_t b = ((const struct db_pattern_shape *)member)->pattern_id;
    return (a > b) - (a < b);
}

const struct db_pattern_shape *db_pattern_shapes_find(const struct db_pattern_shape *shapes, size_t n, int64_t pattern_id)
{
    return n == 0 ? NULL : bsearch(&pattern_id, shapes, n, sizeof *shapes, compare);
}
