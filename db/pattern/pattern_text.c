#include "db/pattern/pattern_text.h"

#include "core/mask.h"
#include "core/utf8.h"
#include "db/assemble/assemble_operations.h"

/* Of one name, and of the error. */
enum { NAME_MAX_BYTES = 200, ERROR_MAX_BYTES = 1000, BUILT_MAX_BYTES = 16 * 1024 };

static void put_masked(struct buf *out, struct str text, size_t max_bytes)
{
    mask_put(out, utf8_cut(text, max_bytes));
}

static bool is_full(const struct buf *out)
{
    return out->len >= DB_PATTERN_TEXT_MAX;
}

static void put_services(struct buf *out, const struct db_pattern_words *w)
{
    BUF_LITERAL(out, "services: ");
    for (size_t i = 0; i < w->n_services && !is_full(out); i++) {
        if (i > 0)
            BUF_LITERAL(out, ", ");
        buf_puts(out, utf8_cut(w->services[i], NAME_MAX_BYTES));
    }
    buf_putc(out, '\n');
}

static void put_operations(struct buf *out, const struct db_pattern_words *w)
{
    BUF_LITERAL(out, "operations: ");
    for (size_t i = 0; i < w->n_operations && !is_full(out); i++) {
        struct str name;
        const struct str service = str_split(w->operations[i], DB_OPERATION_SEPARATOR, &name);
        if (i > 0)
            BUF_LITERAL(out, "; ");
        buf_puts(out, utf8_cut(service, NAME_MAX_BYTES));
        buf_putc(out, ' ');
        buf_puts(out, utf8_cut(name, NAME_MAX_BYTES)); /* masked already */
    }
}

static struct str take(struct arena *arena, const struct buf *built)
{
    return buf_is_ok(built) ? arena_copy(arena, str_trim(utf8_cut(buf_str(built), DB_PATTERN_TEXT_MAX))) : (struct str){NULL, 0};
}

struct str db_pattern_text(struct arena *arena, const struct db_pattern_words *w)
{
    AUTO(buf) struct buf built;
    buf_init(&built, BUILT_MAX_BYTES);
    buf_puts(&built, utf8_cut(w->service, NAME_MAX_BYTES));
    buf_putc(&built, ' ');
    put_masked(&built, w->name, NAME_MAX_BYTES);
    buf_putc(&built, '\n');
    if (w->error_message.ptr != NULL) {
        BUF_LITERAL(&built, "error: ");
        put_masked(&built, w->error_message, ERROR_MAX_BYTES);
        buf_putc(&built, '\n');
    }
    put_services(&built, w);
    put_operations(&built, w);
    return take(arena, &built);
}

struct str db_pattern_text_of_query(struct arena *arena, struct str text)
{
    AUTO(buf) struct buf built;
    buf_init(&built, BUILT_MAX_BYTES);
    put_masked(&built, text, DB_PATTERN_TEXT_MAX);
    return take(arena, &built);
}
