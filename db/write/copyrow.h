/* Rows in the binary form of COPY: a head, then for each row its number of fields and the fields, then a tail.
 *
 * Appended to a struct buf, whose failure is sticky: one check at the end. Values must be what the column takes (text in
 * clean UTF-8, JSON well formed): COPY refuses the whole stream otherwise. Pure functions. */
#ifndef TRACEKIN_DB_COPYROW_H
#define TRACEKIN_DB_COPYROW_H

#include "core/buf.h"

void db_copyrow_begin(struct buf *b);
void db_copyrow_end(struct buf *b);
/* Starts a row; exactly n_fields fields follow. */
void db_copyrow_start(struct buf *b, int n_fields);

void db_copyrow_null(struct buf *b);
void db_copyrow_bool(struct buf *b, bool value);
void db_copyrow_i16(struct buf *b, int16_t value);
void db_copyrow_i32(struct buf *b, int32_t value);
void db_copyrow_i64(struct buf *b, int64_t value);
void db_copyrow_f64(struct buf *b, double value);
/* A numeric column of no decimals. */
void db_copyrow_numeric(struct buf *b, uint64_t value);
/* text or bytea; absent: NULL. */
void db_copyrow_str(struct buf *b, struct str value);
/* A text column that is never NULL: absent is empty. */
static inline void db_copyrow_text(struct buf *b, struct str value)
{
    db_copyrow_str(b, value.ptr == NULL ? STR("") : value);
}
static inline void db_copyrow_bytes(struct buf *b, const uint8_t *bytes, size_t n)
{
    db_copyrow_str(b, (struct str){(const char *)bytes, n});
}
/* jsonb; absent: NULL. */
void db_copyrow_json(struct buf *b, struct str value);
/* timestamptz, cut down to the microsecond. */
void db_copyrow_time(struct buf *b, int64_t wall_ns);
/* date, of days since 1970-01-01. */
void db_copyrow_date(struct buf *b, int64_t day);
/* One-dimensional, without NULLs; n_items 0 gives an empty array. */
void db_copyrow_text_array(struct buf *b, const struct str *items, size_t n_items);
void db_copyrow_bytes_array(struct buf *b, const struct str *items, size_t n_items);
/* pgvector's vector; values NULL: NULL. */
void db_copyrow_vector(struct buf *b, const float *values, size_t n_values);

#endif
