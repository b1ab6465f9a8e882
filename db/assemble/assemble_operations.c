#include "db/assemble/assemble_operations.h"

#include <stdlib.h>

#include "core/hash.h"
#include "core/mask.h"
#include "core/shape.h"
#include "core/utf8.h"

/* Twice the operations there may be, and a power of two. */
enum { SLOTS = 2 * DB_ASSEMBLE_OPERATIONS_MAX, SCRATCH_MAX_BYTES = (SHAPE_TEXT_MAX + 1) * (MASK_GROWTH_MAX + 1) };

/* Whether the operation is met for the first time; by hash, two of one hash counting as one. */
static bool is_new(uint64_t *slots, uint64_t hash)
{
    size_t at = (size_t)hash % SLOTS;
    while (slots[at] != 0 && slots[at] != hash)
        at = (at + 1) % SLOTS;
    const bool is_free = slots[at] == 0;
    slots[at] = hash;
    return is_free;
}

void db_operation_put_name(struct buf *out, struct str name)
{
    mask_put(out, utf8_cut(name, SHAPE_TEXT_MAX));
}

void db_operation_put(struct buf *out, struct str service, struct str name)
{
    buf_puts(out, utf8_cut(service, SHAPE_TEXT_MAX));
    buf_putc(out, DB_OPERATION_SEPARATOR);
    db_operation_put_name(out, name);
}

uint64_t db_operation_id(struct str service, struct str name, uint8_t kind)
{
    return hash64(name, hash64(service, kind)) | 1;
}

static bool put(struct str *out, const struct db_assemble_span *s, struct buf *scratch, struct arena *arena)
{
    buf_clear(scratch);
    db_operation_put(scratch, s->service, s->name);
    *out = buf_is_ok(scratch) ? arena_copy(arena, buf_str(scratch)) : (struct str){NULL, 0};
    return out->ptr != NULL;
}

static int compare(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* Names that differ only in what masking takes out come as several: sorted, they are neighbours. */
static size_t sort_distinct(struct str *items, size_t n_items)
{
    size_t n = 0;
    qsort(items, n_items, sizeof *items, compare);
    for (size_t i = 0; i < n_items; i++)
        if (n == 0 || !str_equal(items[n - 1], items[i]))
            items[n++] = items[i];
    return n;
}

static enum err collect(const struct db_assemble_input *in, struct arena *arena, struct str *items, struct db_trace_row *row,
                        struct err_info *e)
{
    AUTO(buf) struct buf scratch;
    buf_init(&scratch, SCRATCH_MAX_BYTES);
    uint64_t *const slots = arena_calloc(arena, SLOTS, sizeof *slots);
    size_t n = 0;
    if (slots == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < in->n_spans && !row->operations_are_cut; i++) {
        if (!is_new(slots, hash64(in->spans[i].name, hash64(in->spans[i].service, 0)) | 1))
            continue;
        row->operations_are_cut = n == DB_ASSEMBLE_OPERATIONS_MAX;
        if (!row->operations_are_cut && !put(&items[n++], &in->spans[i], &scratch, arena))
            return ERR_SET_NOMEM(e);
    }
    row->n_operations = sort_distinct(items, n);
    return OK;
}

enum err db_assemble_operations(const struct db_assemble_input *in, struct arena *arena, struct db_trace_row *row,
                                struct err_info *e)
{
    struct str *const items = arena_calloc(arena, DB_ASSEMBLE_OPERATIONS_MAX, sizeof *items);
    struct str *const names = arena_calloc(arena, DB_ASSEMBLE_OPERATIONS_MAX, sizeof *names);
    if (items == NULL || names == NULL)
        return ERR_SET_NOMEM(e);
    TRY(collect(in, arena, items, row, e));
    for (size_t i = 0; i < row->n_operations; i++)
        (void)str_split(items[i], DB_OPERATION_SEPARATOR, &names[i]);
    row->operations = items;
    row->operation_names = names;
    return OK;
}
