#include "tests/fuzz/support/query.h"

#include <ctype.h>
#include <stdlib.h>

/* new: NUL-terminated; NULL when it is not what a client may send. */
static char *decode(const char *text, size_t len)
{
    char *const out = malloc(len + 1);
    size_t n = 0;
    bool is_good = true;
    FUZZ_CHECK(out != NULL, "out of memory");
    for (size_t i = 0; i < len && is_good; i++) {
        if (text[i] != '%') {
            out[n++] = text[i] == '+' ? ' ' : text[i];
            continue;
        }
        is_good = i + 2 < len && isxdigit((unsigned char)text[i + 1]) && isxdigit((unsigned char)text[i + 2]);
        if (is_good) {
            const char digits[] = {text[i + 1], text[i + 2], '\0'};
            out[n++] = (char)strtoul(digits, NULL, 16);
            i += 2;
        }
    }
    out[n] = '\0';
    if (is_good && fuzz_is_clean((struct str){out, n}))
        return out;
    free(out);
    return NULL;
}

static void add(struct query *q, const char *pair, size_t len)
{
    struct query_pair *const p = &q->pairs[q->n];
    const char *const equals = memchr(pair, '=', len);
    const size_t n_name = equals == NULL ? len : (size_t)(equals - pair);
    p->name = decode(pair, n_name);
    p->value = equals == NULL ? decode("", 0) : decode(equals + 1, len - n_name - 1);
    p->is_decoded = p->name != NULL && p->value != NULL;
    q->n++;
}

void query_split(struct query *q, struct str text)
{
    q->n = 0;
    q->is_cut = false;
    for (size_t from = 0, i = 0; i <= text.len; i++) {
        if (i < text.len && text.ptr[i] != '&')
            continue;
        if (i > from && q->n < QUERY_PAIRS_MAX)
            add(q, text.ptr + from, i - from);
        else if (i > from)
            q->is_cut = true;
        from = i + 1;
    }
}

void query_close(struct query *q)
{
    for (size_t i = 0; i < q->n; i++) {
        free(q->pairs[i].name);
        free(q->pairs[i].value);
    }
    q->n = 0;
}
