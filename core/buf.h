/* A growable byte buffer with a bound and a sticky failure bit.
 *
 * The caller owns the struct; one thread at a time. Appends return nothing: when memory is out, or the bound is reached or that
 * of the budget whose share it is lent, the buffer fails, ignores what follows, and the one check is at the end (buf_is_ok). */
#ifndef TRACEKIN_CORE_BUF_H
#define TRACEKIN_CORE_BUF_H

#include "core/attr.h"
#include "core/budget.h"
#include "core/str.h"

struct buf {
    char *data; /* NULL until the first append */
    size_t len;
    size_t cap;
    size_t max;
    bool failed;
    bool is_full; /* what failed first was an append past max */
    struct budget_share *share; /* borrowed; pays for cap; NULL: nothing is asked */
};

/* Without a share. */
void buf_init(struct buf *b, size_t max_bytes);
void buf_init_share(struct buf *b, size_t max_bytes, struct budget_share *share);
/* Leaves it empty, to be used again. */
void buf_close(struct buf *b);
static inline void buf_auto(struct buf *b) { buf_close(b); }

static inline bool buf_is_ok(const struct buf *b) { return !b->failed; }
/* borrowed until the next append. */
static inline struct str buf_str(const struct buf *b) { return (struct str){b->data == NULL ? "" : b->data, b->len}; }
/* Forgets the content, and the failure; keeps the memory. */
void buf_clear(struct buf *b);

/* The slow half of buf_reserve. */
char *buf_grow(struct buf *b, size_t n);
/* Makes room for n bytes and returns where to write them, or NULL (failed); buf_advance(b, n_written) follows. */
static inline char *buf_reserve(struct buf *b, size_t n)
{
    const bool has_room = !b->failed && b->data != NULL && b->cap - b->len >= n;
    return has_room ? b->data + b->len : buf_grow(b, n);
}
static inline void buf_advance(struct buf *b, size_t n) { b->len += n; }

void buf_put(struct buf *b, const void *bytes, size_t n);
/* Inline, as replies are made of such. */
static inline void buf_putc(struct buf *b, char c)
{
    char *const out = buf_reserve(b, 1);
    if (out == NULL)
        return;
    *out = c;
    b->len++;
}
static inline void buf_puts(struct buf *b, struct str s) { buf_put(b, s.ptr, s.len); }
#define BUF_LITERAL(b, literal) buf_put((b), "" literal, sizeof(literal) - 1)
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_put_i64(struct buf *b, int64_t value);
void buf_put_u64(struct buf *b, uint64_t value);

/* Network order, for PostgreSQL's binary formats. */
void buf_put_be16(struct buf *b, uint16_t value);
void buf_put_be32(struct buf *b, uint32_t value);
void buf_put_be64(struct buf *b, uint64_t value);

#endif
