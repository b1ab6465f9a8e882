#include <limits.h>

#include "core/clock.h"
#include "db/session/conn.h"
#include "db/session/types.h"

enum { VECTOR_HEADER_BYTES = 4, ARRAY_HEADER_BYTES = 20, JSONB_VERSION = 1 };

void db_params_init(struct db_params *p, struct arena *arena)
{
    *p = (struct db_params){.arena = arena};
}

static void params_add(struct db_params *p, unsigned oid, const char *value, size_t len)
{
    if (p->n == DB_PARAMS_MAX || len > INT_MAX) {
        p->failed = true;
        return;
    }
    p->oids[p->n] = oid;
    p->values[p->n] = value;
    p->lengths[p->n] = (int)len;
    p->n++;
}

/* Room for an encoded value, NULL (failed) when the arena is full. */
static uint8_t *params_room(struct db_params *p, size_t n_bytes)
{
    uint8_t *const room = arena_alloc(p->arena, n_bytes);
    p->failed = p->failed || room == NULL;
    return room;
}

static void put_be(uint8_t *to, uint64_t value, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++)
        to[i] = (uint8_t)(value >> (8 * (n_bytes - 1 - i)));
}

static void put_number(struct db_params *p, unsigned oid, uint64_t value, size_t n_bytes)
{
    uint8_t *const room = params_room(p, n_bytes);
    if (room == NULL)
        return;
    put_be(room, value, n_bytes);
    params_add(p, oid, (const char *)room, n_bytes);
}

void db_put_null(struct db_params *p, unsigned oid)
{
    params_add(p, oid, NULL, 0);
}

void db_put_bool(struct db_params *p, bool value)
{
    put_number(p, DB_OID_BOOL, value, 1);
}

void db_put_i32(struct db_params *p, int32_t value)
{
    put_number(p, DB_OID_INT4, (uint32_t)value, sizeof value);
}

void db_put_i64(struct db_params *p, int64_t value)
{
    put_number(p, DB_OID_INT8, (uint64_t)value, sizeof value);
}

void db_put_f64(struct db_params *p, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_number(p, DB_OID_FLOAT8, bits, sizeof bits);
}

void db_put_text(struct db_params *p, struct str value)
{
    params_add(p, DB_OID_TEXT, value.ptr, value.len);
}

void db_put_bytes(struct db_params *p, struct str value)
{
    params_add(p, DB_OID_BYTEA, value.ptr, value.len);
}

void db_put_time(struct db_params *p, int64_t wall_ns)
{
    const int64_t floored_us = wall_ns / NS_PER_US - (wall_ns % NS_PER_US < 0);
    put_number(p, DB_OID_TIMESTAMPTZ, (uint64_t)(floored_us - DB_EPOCH_US), sizeof floored_us);
}

void db_put_json(struct db_params *p, struct str value)
{
    if (value.ptr == NULL) {
        db_put_null(p, DB_OID_JSONB);
        return;
    }
    uint8_t *const room = params_room(p, value.len + 1);
    if (room == NULL)
        return;
    room[0] = JSONB_VERSION;
    memcpy(room + 1, value.ptr, value.len);
    params_add(p, DB_OID_JSONB, (const char *)room, value.len + 1);
}

/* --- arrays: dimensions, has nulls, element type, then length and lower bound of the one dimension, then the elements */

static void put_array(struct db_params *p, unsigned oid, unsigned element_oid, const struct str *items, size_t n_items)
{
    size_t n_bytes = ARRAY_HEADER_BYTES;
    bool has_nulls = false;
    for (size_t i = 0; i < n_items; i++) {
        n_bytes += sizeof(int32_t) + items[i].len;
        has_nulls = has_nulls || items[i].ptr == NULL;
    }
    uint8_t *const room = n_bytes > INT_MAX ? NULL : params_room(p, n_bytes);
    p->failed = p->failed || room == NULL;
    if (room == NULL)
        return;
    const uint32_t header[] = {n_items > 0, has_nulls, element_oid, (uint32_t)n_items, 1};
    uint8_t *at = room;
    for (size_t i = 0; i < (n_items > 0 ? ARRAY_LEN(header) : 3); i++, at += sizeof(int32_t))
        put_be(at, header[i], sizeof(int32_t));
    for (size_t i = 0; i < n_items; i++) {
        put_be(at, items[i].ptr == NULL ? UINT32_MAX : items[i].len, sizeof(int32_t));
        at += sizeof(int32_t);
        if (items[i].len > 0)
            memcpy(at, items[i].ptr, items[i].len);
        at += items[i].len;
    }
    params_add(p, oid, (const char *)room, (size_t)(at - room));
}

void db_put_text_array(struct db_params *p, const struct str *items, size_t n_items)
{
    put_array(p, DB_OID_TEXT_ARRAY, DB_OID_TEXT, items, n_items);
}

void db_put_bytes_array(struct db_params *p, const struct str *items, size_t n_items)
{
    put_array(p, DB_OID_BYTEA_ARRAY, DB_OID_BYTEA, items, n_items);
}

void db_put_i32_array(struct db_params *p, const int32_t *items, size_t n_items)
{
    struct str *const fields = n_items > 0 ? arena_calloc(p->arena, n_items, sizeof *fields) : NULL;
    uint8_t *const bytes = n_items > 0 ? arena_calloc(p->arena, n_items, sizeof *items) : NULL;
    p->failed = p->failed || (n_items > 0 && (fields == NULL || bytes == NULL));
    for (size_t i = 0; !p->failed && i < n_items; i++) {
        put_be(bytes + i * sizeof *items, (uint32_t)items[i], sizeof *items);
        fields[i] = (struct str){(const char *)bytes + i * sizeof *items, sizeof *items};
    }
    if (!p->failed)
        put_array(p, DB_OID_INT4_ARRAY, DB_OID_INT4, fields, n_items);
}

void db_put_vector(struct db_params *p, const float *values, size_t n_values)
{
    const size_t size = VECTOR_HEADER_BYTES + n_values * sizeof(float);
    uint8_t *const room = params_room(p, size);
    if (room == NULL)
        return;
    put_be(room, n_values << 16, VECTOR_HEADER_BYTES);
    for (size_t i = 0; i < n_values; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        put_be(room + VECTOR_HEADER_BYTES + i * sizeof bits, bits, sizeof bits);
    }
    params_add(p, DB_OID_INFERRED, (const char *)room, size);
}
