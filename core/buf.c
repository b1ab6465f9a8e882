#include "core/buf.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/mem.h"

enum { BUF_CAP_MIN = 256, BUF_DIGITS_MAX = 20 };

void buf_init(struct buf *b, size_t max_bytes)
{
    buf_init_share(b, max_bytes, NULL);
}

void buf_init_share(struct buf *b, size_t max_bytes, struct budget_share *share)
{
    /* One byte is kept for printf's NUL. */
    *b = (struct buf){.max = max_bytes < SIZE_MAX ? max_bytes : SIZE_MAX - 1, .share = share};
}

void buf_close(struct buf *b)
{
    mem_free(b->data);
    budget_give(b->share, b->cap);
    buf_init_share(b, b->max, b->share);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = b->is_full = false;
}

static size_t grown_cap(const struct buf *b, size_t need)
{
    size_t cap = b->cap > b->max / 2 ? b->max : b->cap * 2;
    if (cap < BUF_CAP_MIN)
        cap = BUF_CAP_MIN;
    if (cap < need)
        cap = need;
    return cap < b->max ? cap : b->max;
}

static bool resize(struct buf *b, size_t cap)
{
    if (!budget_take(b->share, cap - b->cap))
        return false;
    char *const data = mem_resize(b->data, cap + 1, 1);
    if (data == NULL) {
        budget_give(b->share, cap - b->cap);
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

char *buf_grow(struct buf *b, size_t n)
{
    b->is_full = b->is_full || n > b->max - b->len;
    b->failed = b->failed || b->is_full || !resize(b, grown_cap(b, b->len + n));
    return b->failed ? NULL : b->data + b->len;
}

void buf_put(struct buf *b, const void *bytes, size_t n)
{
    char *const out = n == 0 ? NULL : buf_reserve(b, n);
    if (out == NULL)
        return;
    memcpy(out, bytes, n);
    b->len += n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    char *out = buf_reserve(b, 0);
    const size_t room = out == NULL ? 0 : b->cap - b->len;
    const int n = out == NULL ? 0 : vsnprintf(out, room + 1, fmt, args);
    if (n < 0)
        b->failed = true;
    else if ((size_t)n > room && (out = buf_reserve(b, (size_t)n)) != NULL)
        (void)vsnprintf(out, (size_t)n + 1, fmt, again);
    if (!b->failed)
        b->len += (size_t)n;
    va_end(again);
    va_end(args);
}

/* Writes value's digits so that they end before end; returns where they start. */
static char *digits_before(char *end, uint64_t value)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    while (value >= 100) {
        end -= 2;
        memcpy(end, pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value < 10) {
        *--end = (char)('0' + value);
        return end;
    }
    return memcpy(end - 2, pairs + value * 2, 2);
}

void buf_put_u64(struct buf *b, uint64_t value)
{
    char text[BUF_DIGITS_MAX];
    const char *start = digits_before(text + sizeof text, value);
    buf_put(b, start, (size_t)(text + sizeof text - start));
}

void buf_put_i64(struct buf *b, int64_t value)
{
    if (value < 0)
        buf_putc(b, '-');
    buf_put_u64(b, value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value);
}

void buf_put_be16(struct buf *b, uint16_t value)
{
    const uint16_t wire = htobe16(value);
    buf_put(b, &wire, sizeof wire);
}

void buf_put_be32(struct buf *b, uint32_t value)
{
    const uint32_t wire = htobe32(value);
    buf_put(b, &wire, sizeof wire);
}

void buf_put_be64(struct buf *b, uint64_t value)
{
    const uint64_t wire = htobe64(value);
    buf_put(b, &wire, sizeof wire);
}
