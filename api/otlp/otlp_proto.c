/* OTLP in protobuf: walks the request by the message tables. */
#include "api/otlp/otlp_schema.h"
#include "api/otlp/otlp_value.h"
#include "api/otlp/wire.h"

/* Fails the request where a message's bytes are wrong. */
static void check_wire(struct api_otlp_state *o, const struct api_wire *w)
{
    if (w->why == NULL || o->code != OK)
        return;
    const size_t at = (size_t)(w->at - o->in->body.ptr);
    o->code = ERR_SET(o->e, ERR_INVALID, "the protobuf is wrong at byte %zu, in %s: %s", at, o->message, w->why);
}

/* --- AnyValue (common.v1) */

enum any_field { ANY_STRING = 1, ANY_BOOL, ANY_INT, ANY_DOUBLE, ANY_ARRAY, ANY_KVLIST, ANY_BYTES };
enum pair_field { PAIR_KEY = 1, PAIR_VALUE };
enum { LIST_VALUES = 1 };

static void put_any(struct api_otlp_state *o, struct api_otlp_sink *s, struct str message);
static void put_pair(struct api_otlp_state *o, struct api_otlp_sink *s, struct str message, const char *watch,
                     struct str *watched);

static void put_values(struct api_otlp_state *o, struct api_otlp_sink *s, struct str message, bool is_list)
{
    struct api_wire w = api_wire_of(message);
    struct api_wire_field f;
    buf_putc(s->json, is_list ? '[' : '{');
    while (o->code == OK && api_wire_next(&w, &f)) {
        if (f.number != LIST_VALUES || f.type != API_WIRE_BYTES)
            continue;
        api_otlp_comma(s->json);
        if (is_list)
            put_any(o, s, f.bytes);
        else
            put_pair(o, s, f.bytes, NULL, NULL);
    }
    buf_putc(s->json, is_list ? ']' : '}');
    check_wire(o, &w);
}

/* The wire type of each kind; a field of another type is an unknown one. */
static bool is_any(const struct api_wire_field *f)
{
    static const enum api_wire_type types[] = {
        [ANY_STRING] = API_WIRE_BYTES,   [ANY_BOOL] = API_WIRE_VARINT, [ANY_INT] = API_WIRE_VARINT,
        [ANY_DOUBLE] = API_WIRE_FIXED64, [ANY_ARRAY] = API_WIRE_BYTES, [ANY_KVLIST] = API_WIRE_BYTES,
        [ANY_BYTES] = API_WIRE_BYTES,
    };
    return f->number >= ANY_STRING && f->number <= ANY_BYTES && f->type == types[f->number];
}

static void put_member(struct api_otlp_state *o, struct api_otlp_sink *s, const struct api_wire_field *f)
{
    switch ((enum any_field)f->number) {
    case ANY_STRING: api_otlp_sink_text(s, api_otlp_text(o, f->bytes, s->string_max)); return;
    case ANY_BOOL: buf_puts(s->json, f->value != 0 ? STR("true") : STR("false")); return;
    case ANY_INT: buf_put_i64(s->json, (int64_t)f->value); return;
    case ANY_DOUBLE: api_otlp_put_double(s->json, api_wire_double(f->value)); return;
    case ANY_ARRAY: put_values(o, s, f->bytes, true); return;
    case ANY_KVLIST: put_values(o, s, f->bytes, false); return;
    case ANY_BYTES: api_otlp_put_bytes(s->json, f->bytes); return;
    }
}

static void put_any(struct api_otlp_state *o, struct api_otlp_sink *s, struct str message)
{
    struct api_wire w = api_wire_of(message);
    struct api_wire_field f;
    const size_t start = s->json->len;
    bool has_value = false;
    const bool is_within = api_otlp_sink_enter(s);
    while (is_within && o->code == OK && api_wire_next(&w, &f))
        if (is_any(&f)) {
            api_otlp_sink_restart(s, start);
            put_member(o, s, &f);
            has_value = true;
        }
    if (is_within && !has_value)
        BUF_LITERAL(s->json, "null");
    api_otlp_sink_leave(s);
    check_wire(o, &w);
}

/* Writes a value whose string, if it is one, is also wanted by itself. */
static void put_watched(struct api_otlp_state *o, struct api_otlp_sink *s, struct str value, struct str *watched)
{
    *watched = (struct str){NULL, 0};
    s->text = watched;
    put_any(o, s, value);
    s->text = NULL;
    if (watched->ptr != NULL)
        api_otlp_put_text(s->json, *watched);
}

static void put_pair(struct api_otlp_state *o, struct api_otlp_sink *s, struct str message, const char *watch,
                     struct str *watched)
{
    struct api_wire w = api_wire_of(message);
    struct api_wire_field f;
    struct str key = STR(""), value = STR("");
    while (api_wire_next(&w, &f)) {
        if (f.type != API_WIRE_BYTES)
            continue;
        if (f.number == PAIR_KEY)
            key = f.bytes;
        else if (f.number == PAIR_VALUE)
            value = f.bytes;
    }
    check_wire(o, &w);
    key = api_otlp_text(o, key, API_OTLP_STRING_MAX_BYTES);
    api_otlp_put_text(s->json, key);
    buf_putc(s->json, ':');
    if (watch != NULL && str_equal(key, str_of(watch)))
        put_watched(o, s, value, watched);
    else
        put_any(o, s, value);
}

/* --- fields */

static enum api_wire_type wire_type_of(enum api_otlp_type type)
{
    static const enum api_wire_type types[] = {
        [API_OTLP_STRING] = API_WIRE_BYTES,         [API_OTLP_ID] = API_WIRE_BYTES,
        [API_OTLP_UINT32] = API_WIRE_VARINT,        [API_OTLP_FIXED32] = API_WIRE_FIXED32,
        [API_OTLP_FIXED64] = API_WIRE_FIXED64,      [API_OTLP_SINT32] = API_WIRE_VARINT,
        [API_OTLP_ENUM] = API_WIRE_VARINT,          [API_OTLP_BOOL] = API_WIRE_VARINT,
        [API_OTLP_DOUBLE] = API_WIRE_FIXED64,       [API_OTLP_SFIXED64] = API_WIRE_FIXED64,
        [API_OTLP_LIST_FIXED64] = API_WIRE_FIXED64, [API_OTLP_LIST_UINT64] = API_WIRE_VARINT,
        [API_OTLP_LIST_DOUBLE] = API_WIRE_FIXED64,  [API_OTLP_ATTRIBUTES] = API_WIRE_BYTES,
        [API_OTLP_ANY] = API_WIRE_BYTES,            [API_OTLP_MESSAGE] = API_WIRE_BYTES,
        [API_OTLP_MESSAGES] = API_WIRE_BYTES,
    };
    return types[type];
}

static bool is_list(enum api_otlp_type type)
{
    return type == API_OTLP_LIST_FIXED64 || type == API_OTLP_LIST_UINT64 || type == API_OTLP_LIST_DOUBLE;
}

static void put_list_item(struct buf *out, enum api_otlp_type type, uint64_t value)
{
    api_otlp_comma(out);
    if (type == API_OTLP_LIST_DOUBLE)
        api_otlp_put_double(out, api_wire_double(value));
    else
        buf_put_u64(out, value);
}

/* A repeated number, packed or one by one. */
static void read_list(struct api_otlp_state *o, struct buf *out, const struct api_otlp_field *f,
                      const struct api_wire_field *sent)
{
    if (sent->type != API_WIRE_BYTES) {
        put_list_item(out, f->type, sent->value);
        return;
    }
    struct api_wire w = api_wire_of(sent->bytes);
    uint64_t value;
    while (api_wire_packed(&w, wire_type_of(f->type), &value))
        put_list_item(out, f->type, value);
    check_wire(o, &w);
}

static void read_id(struct api_otlp_id *id, struct str bytes)
{
    id->n = bytes.len <= sizeof id->bytes ? (uint8_t)bytes.len : API_OTLP_ID_BAD;
    if (bytes.len > 0 && id->n != API_OTLP_ID_BAD)
        memcpy(id->bytes, bytes.ptr, bytes.len);
}

static void read_attribute(struct api_otlp_state *o, struct api_otlp_attributes *a, const char *watch, struct str pair)
{
    struct api_otlp_sink s = {&a->text, NULL, &a->too_deep, API_OTLP_STRING_MAX_BYTES, 0};
    api_otlp_comma(&a->text);
    put_pair(o, &s, pair, watch, &a->watched);
}

static void read_any(struct api_otlp_state *o, struct api_otlp_any *any, size_t max_bytes, struct str message)
{
    any->text = (struct str){NULL, 0};
    buf_clear(&any->json);
    struct api_otlp_sink s = {&any->json, &any->text, &any->too_deep, max_bytes, 0};
    put_any(o, &s, message);
}

static void read_message(struct api_otlp_state *o, const struct api_otlp_message *m, struct str message);

static void read_field(struct api_otlp_state *o, const struct api_otlp_field *f, const struct api_wire_field *sent)
{
    void *const place = (char *)o + f->offset;
    switch (f->type) {
    case API_OTLP_STRING: *(struct str *)place = api_otlp_text(o, sent->bytes, f->limit); return;
    case API_OTLP_ID: read_id(place, sent->bytes); return;
    case API_OTLP_UINT32:
    case API_OTLP_FIXED32: *(uint32_t *)place = (uint32_t)sent->value; return;
    case API_OTLP_FIXED64: *(uint64_t *)place = sent->value; return;
    case API_OTLP_SINT32: *(int32_t *)place = (int32_t)api_wire_zigzag((uint32_t)sent->value); return;
    case API_OTLP_ENUM: *(uint32_t *)place = sent->value < f->names->n ? (uint32_t)sent->value : 0; return;
    case API_OTLP_BOOL: *(bool *)place = sent->value != 0; return;
    case API_OTLP_DOUBLE:
        *(struct api_otlp_number *)place = (struct api_otlp_number){true, false, api_wire_double(sent->value), 0};
        return;
    case API_OTLP_SFIXED64:
        *(struct api_otlp_number *)place = (struct api_otlp_number){true, true, 0, (int64_t)sent->value};
        return;
    case API_OTLP_LIST_FIXED64:
    case API_OTLP_LIST_UINT64:
    case API_OTLP_LIST_DOUBLE: read_list(o, place, f, sent); return;
    case API_OTLP_ATTRIBUTES: read_attribute(o, place, f->watch, sent->bytes); return;
    case API_OTLP_ANY: read_any(o, place, f->limit, sent->bytes); return;
    case API_OTLP_MESSAGE:
    case API_OTLP_MESSAGES: read_message(o, f->message, sent->bytes); return;
    }
}

static bool is_of_type(const struct api_otlp_field *f, const struct api_wire_field *sent)
{
    return sent->type == wire_type_of(f->type) || (is_list(f->type) && sent->type == API_WIRE_BYTES);
}

static void read_message(struct api_otlp_state *o, const struct api_otlp_message *m, struct str message)
{
    struct api_wire w = api_wire_of(message);
    struct api_wire_field sent;
    const char *const outer = o->message;
    size_t hint = 0;
    o->message = m->name;
    if (m->begin != NULL)
        m->begin(o);
    while (o->code == OK && api_wire_next(&w, &sent)) {
        const struct api_otlp_field *const field = api_otlp_by_number(m, sent.number, &hint);
        if (field != NULL && is_of_type(field, &sent))
            read_field(o, field, &sent);
    }
    check_wire(o, &w);
    if (o->code != OK)
        return;
    if (m->raw_offset != 0)
        *(struct str *)((char *)o + m->raw_offset) = message;
    if (m->end != NULL)
        m->end(o);
    o->message = outer;
}

void api_otlp_read_proto(struct api_otlp_state *o, struct str text)
{
    read_message(o, &api_otlp_requests[o->in->signal], text);
}
