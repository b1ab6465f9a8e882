#include "db/write/copyrow.h"

#include "core/clock.h"

/* PostgreSQL counts time from 2000-01-01. */
#define EPOCH_DAYS INT64_C(10957)
#define EPOCH_US (EPOCH_DAYS * INT64_C(86400000000))

enum { NUMERIC_BASE = 10000, NUMERIC_DIGITS_MAX = 5 };
enum { OID_BYTEA = 17, OID_TEXT = 25 };
enum { JSONB_VERSION = 1 };

static const char signature[] = "PGCOPY\n\377\r\n";

void db_copyrow_begin(struct buf *b)
{
    buf_put(b, signature, sizeof signature); /* its NUL is part of it */
    buf_put_be32(b, 0);                      /* no flags */
    buf_put_be32(b, 0);                      /* no extension */
}

void db_copyrow_end(struct buf *b)
{
    buf_put_be16(b, UINT16_MAX);
}

void db_copyrow_start(struct buf *b, int n_fields)
{
    buf_put_be16(b, (uint16_t)n_fields);
}

void db_copyrow_null(struct buf *b)
{
    buf_put_be32(b, UINT32_MAX);
}

void db_copyrow_bool(struct buf *b, bool value)
{
    buf_put_be32(b, 1);
    buf_putc(b, value ? 1 : 0);
}

void db_copyrow_i16(struct buf *b, int16_t value)
{
    buf_put_be32(b, sizeof value);
    buf_put_be16(b, (uint16_t)value);
}

void db_copyrow_i32(struct buf *b, int32_t value)
{
    buf_put_be32(b, sizeof value);
    buf_put_be32(b, (uint32_t)value);
}

void db_copyrow_i64(struct buf *b, int64_t value)
{
    buf_put_be32(b, sizeof value);
    buf_put_be64(b, (uint64_t)value);
}

void db_copyrow_f64(struct buf *b, double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    buf_put_be32(b, sizeof bits);
    buf_put_be64(b, bits);
}

void db_copyrow_numeric(struct buf *b, uint64_t value)
{
    uint16_t digits[NUMERIC_DIGITS_MAX];
    int n = 0;
    for (uint64_t left = value; left > 0; left /= NUMERIC_BASE)
        digits[n++] = (uint16_t)(left % NUMERIC_BASE);
    buf_put_be32(b, (uint32_t)(8 + 2 * n));
    buf_put_be16(b, (uint16_t)n);
    buf_put_be16(b, (uint16_t)(n > 0 ? n - 1 : 0)); /* the power of the first digit */
    buf_put_be16(b, 0);                             /* positive */
    buf_put_be16(b, 0);                             /* no decimals */
    while (n > 0)
        buf_put_be16(b, digits[--n]);
}

void db_copyrow_str(struct buf *b, struct str value)
{
    if (value.ptr == NULL) {
        db_copyrow_null(b);
        return;
    }
    buf_put_be32(b, (uint32_t)value.len);
    buf_puts(b, value);
}

void db_copyrow_json(struct buf *b, struct str value)
{
    if (value.ptr == NULL) {
        db_copyrow_null(b);
        return;
    }
    buf_put_be32(b, (uint32_t)value.len + 1);
    buf_putc(b, JSONB_VERSION);
    buf_puts(b, value);
}

void db_copyrow_time(struct buf *b, int64_t wall_ns)
{
    const int64_t cut_us = wall_ns / NS_PER_US - (wall_ns % NS_PER_US < 0 ? 1 : 0);
    db_copyrow_i64(b, cut_us - EPOCH_US);
}

void db_copyrow_date(struct buf *b, int64_t day)
{
    db_copyrow_i32(b, (int32_t)(day - EPOCH_DAYS));
}

static void array_put(struct buf *b, uint32_t oid, const struct str *items, size_t n_items)
{
    uint32_t len = 12 + (n_items > 0 ? 8 : 0);
    for (size_t i = 0; i < n_items; i++)
        len += 4 + (uint32_t)items[i].len;
    buf_put_be32(b, len);
    buf_put_be32(b, n_items > 0 ? 1 : 0); /* dimensions */
    buf_put_be32(b, 0);                   /* no NULLs */
    buf_put_be32(b, oid);
    if (n_items > 0) {
        buf_put_be32(b, (uint32_t)n_items);
        buf_put_be32(b, 1); /* the first index */
    }
    for (size_t i = 0; i < n_items; i++) {
        buf_put_be32(b, (uint32_t)items[i].len);
        buf_puts(b, items[i]);
    }
}

void db_copyrow_text_array(struct buf *b, const struct str *items, size_t n_items)
{
    array_put(b, OID_TEXT, items, n_items);
}

void db_copyrow_bytes_array(struct buf *b, const struct str *items, size_t n_items)
{
    array_put(b, OID_BYTEA, items, n_items);
}

void db_copyrow_vector(struct buf *b, const float *values, size_t n_values)
{
    if (values == NULL) {
        db_copyrow_null(b);
        return;
    }
    buf_put_be32(b, (uint32_t)(4 + 4 * n_values));
    buf_put_be16(b, (uint16_t)n_values);
    buf_put_be16(b, 0);
    for (size_t i = 0; i < n_values; i++) {
        uint32_t bits = 0;
        memcpy(&bits, &values[i], sizeof bits);
        buf_put_be32(b, bits);
    }
}
