#include "db/assemble/assemble_attrs.h"

#include "core/hash.h"

static struct str after(struct str s, size_t n)
{
    return (struct str){s.ptr + n, s.len - n};
}

static size_t string_len(struct str s)
{
    size_t i = 1;
    while (i < s.len && s.ptr[i] != '"')
        i += s.ptr[i] == '\\' ? 2 : 1;
    return i + 1 < s.len ? i + 1 : s.len;
}

/* Up to the comma or bracket that ends the value on this level. */
static size_t value_len(struct str s)
{
    int depth = 0;
    size_t i = 0;
    while (i < s.len) {
        const char c = s.ptr[i];
        if (c == '"') {
            i += string_len(after(s, i));
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}'))
            break;
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        i++;
    }
    return i;
}

static struct str skip_to(struct str s, char c)
{
    size_t i = 0;
    while (i < s.len && s.ptr[i] != c)
        i++;
    return after(s, i);
}

static struct db_assemble_attr *attr_of(struct db_assemble_attrs *a, struct str key)
{
    for (size_t i = 0; i < a->n_items; i++)
        if (str_equal(a->items[i].key, key))
            return &a->items[i];
    if (a->n_items == DB_ASSEMBLE_KEYS_MAX || key.len > DB_ASSEMBLE_VALUE_MAX_BYTES)
        return NULL;
    a->items[a->n_items] = (struct db_assemble_attr){.key = key};
    return &a->items[a->n_items++];
}

static void add_value(struct db_assemble_attrs *a, struct str key, struct str value)
{
    if (value.len > DB_ASSEMBLE_VALUE_MAX_BYTES || a->n_bytes + key.len + value.len > DB_ASSEMBLE_ATTRS_MAX_BYTES)
        return;
    struct db_assemble_attr *const attr = attr_of(a, key);
    if (attr == NULL || attr->n_values == DB_ASSEMBLE_VALUES_MAX)
        return;
    for (size_t i = 0; i < attr->n_values; i++)
        if (str_equal(attr->values[i], value))
            return;
    a->n_bytes += value.len + (attr->n_values == 0 ? key.len : 0);
    attr->values[attr->n_values++] = value;
}

/* A slot forgets what it held: adding an object twice only costs time. */
static bool was_seen(struct db_assemble_attrs *a, struct str object)
{
    const uint64_t hash = hash64(object, 0);
    uint64_t *const slot = &a->seen[hash % DB_ASSEMBLE_SEEN_SLOTS];
    const bool seen = *slot == hash;
    *slot = hash;
    return seen;
}

void db_assemble_attrs_add(struct db_assemble_attrs *a, struct str object)
{
    if (object.len == 0 || object.ptr[0] != '{' || was_seen(a, object))
        return;
    for (struct str s = skip_to(object, '"'); s.len > 0; s = skip_to(s, '"')) {
        const struct str key = {s.ptr, string_len(s)};
        s = skip_to(after(s, key.len), ':');
        if (s.len == 0)
            return;
        s = after(s, 1);
        const size_t len = value_len(s);
        add_value(a, key, str_trim((struct str){s.ptr, len}));
        s = after(s, len);
    }
}

static void put_values(struct buf *out, const struct db_assemble_attr *attr)
{
    if (attr->n_values > 1)
        buf_putc(out, '[');
    for (size_t i = 0; i < attr->n_values; i++) {
        if (i > 0)
            buf_putc(out, ',');
        buf_puts(out, attr->values[i]);
    }
    if (attr->n_values > 1)
        buf_putc(out, ']');
}

void db_assemble_attrs_put(struct buf *out, const struct db_assemble_attrs *a)
{
    buf_putc(out, '{');
    for (size_t i = 0; i < a->n_items; i++) {
        if (i > 0)
            buf_putc(out, ',');
        buf_puts(out, a->items[i].key);
        buf_putc(out, ':');
        put_values(out, &a->items[i]);
    }
    buf_putc(out, '}');
}
