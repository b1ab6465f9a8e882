#include "db/like.h"

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
