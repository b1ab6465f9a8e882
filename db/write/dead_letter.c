#include "db/write/dead_letter.h"

enum { PAYLOAD_MAX_BYTES = 256 << 20, PARAMS_MAX_BYTES = 4096, VARINT_MORE = 0x80, VARINT_BITS = 7 };

/* The three export requests have one form (opentelemetry-proto, collector/ * /v1): resource_x = 1 holds resource = 1,
 * scope_x = 2, schema_url = 3; scope_x holds scope = 1, items = 2, schema_url = 3. Tags are of wire type 2. */
enum { TAG_RESOURCE_ITEMS = 0x0a, TAG_HEAD = 0x0a, TAG_BODY = 0x12, TAG_SCHEMA_URL = 0x1a };

/* The names of the same fields in JSON. */
static const struct {
    const char *by_resource, *by_scope, *items;
} json_names[DB_STORES] = {
    [DB_SIGNAL_TRACES] = {"resourceSpans", "scopeSpans", "spans"},
    [DB_SIGNAL_LOGS] = {"resourceLogs", "scopeLogs", "logRecords"},
    [DB_SIGNAL_METRICS] = {"resourceMetrics", "scopeMetrics", "metrics"},
};

static const struct db_statement insert = {
    "store_dead_letter",
    "INSERT INTO dead_letters (signal, reason, sqlstate, trace_id, content_type, payload) VALUES ($1, $2, $3, $4, $5, $6)",
};

static void put_field(struct buf *out, char tag, struct str value)
{
    if (value.ptr == NULL)
        return;
    buf_putc(out, tag);
    size_t len = value.len;
    for (; len >= VARINT_MORE; len >>= VARINT_BITS)
        buf_putc(out, (char)(len | VARINT_MORE));
    buf_putc(out, (char)len);
    buf_puts(out, value);
}

/* Nested lengths come first, so each level is built before the one around it. */
static void put_protobuf(struct buf *out, const struct db_resource *resource, const struct db_scope *scope, struct str item)
{
    AUTO(buf) struct buf by_scope;
    AUTO(buf) struct buf by_resource;
    buf_init(&by_scope, PAYLOAD_MAX_BYTES);
    buf_init(&by_resource, PAYLOAD_MAX_BYTES);
    put_field(&by_scope, TAG_HEAD, scope->raw);
    put_field(&by_scope, TAG_BODY, item);
    put_field(&by_scope, TAG_SCHEMA_URL, scope->schema_url);
    put_field(&by_resource, TAG_HEAD, resource->raw);
    put_field(&by_resource, TAG_BODY, buf_str(&by_scope));
    put_field(&by_resource, TAG_SCHEMA_URL, resource->schema_url);
    put_field(out, TAG_RESOURCE_ITEMS, buf_str(&by_resource));
    out->failed = out->failed || !buf_is_ok(&by_scope) || !buf_is_ok(&by_resource);
}

static void put_json_url(struct buf *out, struct str url)
{
    if (url.len == 0)
        return;
    BUF_LITERAL(out, ",\"schemaUrl\":\"");
    for (size_t i = 0; i < url.len; i++) {
        const unsigned char c = (unsigned char)url.ptr[i];
        if (c == '"' || c == '\\' || c < ' ')
            buf_printf(out, "\\u%04x", c);
        else
            buf_putc(out, (char)c);
    }
    buf_putc(out, '"');
}

static void put_json(struct buf *out, enum db_signal signal, const struct db_resource *resource,
                     const struct db_scope *scope, struct str item)
{
    buf_printf(out, "{\"%s\":[{", json_names[signal].by_resource);
    if (resource->raw.len > 0)
        buf_printf(out, "\"resource\":%.*s,", STR_ARG(resource->raw));
    buf_printf(out, "\"%s\":[{", json_names[signal].by_scope);
    if (scope->raw.len > 0)
        buf_printf(out, "\"scope\":%.*s,", STR_ARG(scope->raw));
    buf_printf(out, "\"%s\":[%.*s]", json_names[signal].items, STR_ARG(item));
    put_json_url(out, scope->schema_url);
    BUF_LITERAL(out, "}]");
    put_json_url(out, resource->schema_url);
    BUF_LITERAL(out, "}]}");
}

void db_dead_letter_put_payload(struct buf *out, const struct db_store *store, const struct db_batch *batch, size_t i)
{
    const struct db_store_refs refs = store->refs(batch, i);
    const struct db_resource *const resource = &batch->resources.items[refs.resource];
    const struct db_scope *const scope = &batch->scopes.items[refs.scope];
    if (batch->encoding == DB_ENCODING_JSON)
        put_json(out, store->signal, resource, scope, store->raw(batch, i));
    else
        put_protobuf(out, resource, scope, store->raw(batch, i));
}

enum err db_dead_letter_add(struct db_conn *c, const struct db_wait *wait, const struct db_store *store,
                            const struct db_batch *batch, size_t i, const struct err_info *reason, struct err_info *e)
{
    AUTO(buf) struct buf payload;
    buf_init(&payload, PAYLOAD_MAX_BYTES);
    db_dead_letter_put_payload(&payload, store, batch, i);
    if (!buf_is_ok(&payload))
        return ERR_SET_NOMEM(e);
    const uint8_t *const trace_id = store->trace_id(batch, i);
    AUTO(arena) struct arena scratch;
    arena_init(&scratch, PARAMS_MAX_BYTES);
    struct db_params p;
    db_params_init(&p, &scratch);
    db_put_text(&p, str_of(store->signal_name));
    db_put_text(&p, str_of(reason->detail[0] == '\0' ? reason->message : reason->detail));
    db_put_text(&p, str_of(reason->sqlstate));
    db_put_bytes(&p, (struct str){(const char *)trace_id, trace_id == NULL ? 0 : DB_TRACE_ID_BYTES});
    db_put_text(&p, batch->encoding == DB_ENCODING_JSON ? STR("application/json") : STR("application/x-protobuf"));
    db_put_bytes(&p, buf_str(&payload));
    AUTO(db_result) struct db_result *r = NULL;
    return db_run(c, wait, &insert, &p, &r, e);
}
