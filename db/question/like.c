#include "db/question/like.h"

struct str db_like_contains(struct str text, struct arena *arena)
{
    char *pattern = arena_alloc(arena, 2 * text.len + 2);
    if (pattern == NULL)
        return (struct str){NULL, 0};
    size_t n = 0;
    pattern[n++] = '%';
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        if (c == '%' || c == '_' || c == '\\')
            pattern[n++] = '\\';
        pattern[n++] = c;
    }
    pattern[n++] = '%';
    return (struct str){pattern, n};
}

void db_put_like_contains(struct db_params *p, struct str text)
{
    const struct str pattern = text.ptr == NULL ? text : db_like_contains(text, p->arena);
    if (text.ptr != NULL && pattern.ptr == NULL)
        p->failed = true;
    db_put_text(p, pattern);
}

static void want_literals(struct grams *g, struct buf *literals)
{
    if (buf_is_ok(literals))
        grams_add_part(g, buf_str(literals), false, false);
    buf_clear(literals);
}

void db_like_want(struct grams *g, struct str pattern)
{
    AUTO(buf) struct buf literals;
    buf_init(&literals, pattern.len);
    for (size_t i = 0; i < pattern.len; i++) {
        const bool is_escape = pattern.ptr[i] == '\\' && i + 1 < pattern.len;
        if (is_escape || (pattern.ptr[i] != '%' && pattern.ptr[i] != '_')) {
            buf_putc(&literals, pattern.ptr[is_escape ? ++i : i]);
            continue;
        }
        want_literals(g, &literals);
    }
    want_literals(g, &literals);
}
