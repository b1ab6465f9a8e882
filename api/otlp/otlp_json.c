/* OTLP/JSON: walks the request by the message tables. */
#include "api/otlp/otlp_scalar.h"
#include "api/otlp/otlp_value.h"
#include "core/hex.h"

static void read_bytes(struct api_otlp_state *o, struct buf *out)
{
    struct api_json_string s;
    if (!api_jsonread_string(&o->json, &s))
        return;
    struct buf *const bytes = &o->scratch;
    buf_clear(bytes);
    /* The one escape that base64 text may have is "\/". */
    const struct str text = api_json_decode(o->arena, &s);
    if (text.ptr == NULL)
        api_otlp_full(o);
    else if (!base64_parse(text, bytes))
        api_otlp_scalar_bad(o, s.raw, "here base64 is due");
    else if (!buf_is_ok(bytes))
        api_otlp_full(o);
    else
        api_otlp_put_bytes(out, buf_str(bytes));
}

/* --- AnyValue */

static void put_any(struct api_otlp_state *o, struct api_otlp_sink *s);

static void put_string(struct api_otlp_state *o, struct api_otlp_sink *s)
{
    api_otlp_sink_text(s, api_otlp_scalar_string(o, s->string_max));
}

static void put_bool(struct api_otlp_state *o, struct api_otlp_sink *s)
{
    buf_puts(s->json, api_otlp_scalar_bool(o) ? STR("true") : STR("false"));
}

static void put_int(struct api_otlp_state *o, struct api_otlp_sink *s)
{
    buf_put_i64(s->json, api_otlp_scalar_i64(o, INT64_MIN, INT64_MAX));
}

static void put_real(struct api_otlp_state *o, struct api_otlp_sink *s)
{
    api_otlp_put_double(s->json, api_otlp_scalar_double(o));
}

static void put_base64(struct api_otlp_state *o, struct api_otlp_sink *s)
{
    read_bytes(o, s->json);
}

static void put_attribute(struct api_otlp_state *o, struct api_otlp_sink *s, const char *watch, struct str *watched);

static void put_element(struct api_otlp_state *o, struct api_otlp_sink *s, bool is_list)
{
    api_otlp_comma(s->json);
    if (is_list)
        put_any(o, s);
    else
        put_attribute(o, s, NULL, NULL);
}

/* {"values":[...]} of an ArrayValue or a KeyValueList. */
static void put_values(struct api_otlp_state *o, struct api_otlp_sink *s, bool is_list)
{
    struct str key;
    buf_putc(s->json, is_list ? '[' : '{');
    if (!api_otlp_scalar_is_null(o) && api_jsonread_open(&o->json, '{'))
        while (api_jsonread_member(&o->json, &key)) {
            if (!str_equal(key, STR("values")) || api_jsonread_peek(&o->json) == 'n')
                (void)api_jsonread_skip(&o->json);
            else if (api_jsonread_open(&o->json, '['))
                while (api_jsonread_element(&o->json))
                    put_element(o, s, is_list);
        }
    buf_putc(s->json, is_list ? ']' : '}');
}

static void put_array(struct api_otlp_state *o, struct api_otlp_sink *s)
{
    put_values(o, s, true);
}

static void put_kvlist(struct api_otlp_state *o, struct api_otlp_sink *s)
{
    put_values(o, s, false);
}

static const struct any_kind {
    struct str name;
    void (*put)(struct api_otlp_state *o, struct api_otlp_sink *s);
} any_kinds[] = {
    {{"stringValue", 11}, put_string}, {{"intValue", 8}, put_int},       {{"boolValue", 9}, put_bool},
    {{"doubleValue", 11}, put_real},   {{"arrayValue", 10}, put_array}, {{"kvlistValue", 11}, put_kvlist},
    {{"bytesValue", 10}, put_base64},
};

/* Compares without the underscore of snake_case. */
static bool is_kind(struct str sent, struct str name)
{
    if (str_equal(sent, name))
        return true;
    const size_t n_first = name.len - (sizeof "Value" - 1);
    return sent.len == name.len + 1 && sent.ptr[n_first] == '_' && memcmp(sent.ptr, name.ptr, n_first) == 0 &&
           memcmp(sent.ptr + n_first + 1, "value", sizeof "value" - 1) == 0;
}

static const struct any_kind *any_kind_of(struct str sent)
{
    for (size_t i = 0; i < ARRAY_LEN(any_kinds); i++)
        if (is_kind(sent, any_kinds[i].name))
            return &any_kinds[i];
    return NULL;
}

static void put_any_members(struct api_otlp_state *o, struct api_otlp_sink *s)
{
    const size_t start = s->json->len;
    bool has_value = false;
    struct str key;
    if (!api_otlp_scalar_is_null(o) && api_jsonread_open(&o->json, '{'))
        while (api_jsonread_member(&o->json, &key)) {
            const struct any_kind *const kind = any_kind_of(key);
            if (kind == NULL || api_jsonread_peek(&o->json) == 'n') {
                (void)api_jsonread_skip(&o->json);
                continue;
            }
            api_otlp_sink_restart(s, start);
            kind->put(o, s);
            has_value = true;
        }
    if (!has_value)
        BUF_LITERAL(s->json, "null");
}

static void put_any(struct api_otlp_state *o, struct api_otlp_sink *s)
{
    if (api_otlp_sink_enter(s))
        put_any_members(o, s);
    else
        (void)api_jsonread_skip(&o->json);
    api_otlp_sink_leave(s);
}

/* Writes a value whose string, if it is one, is also wanted by itself. */
static void put_watched(struct api_otlp_state *o, struct api_otlp_sink *s, struct str *watched)
{
    *watched = (struct str){NULL, 0};
    s->text = watched;
    put_any(o, s);
    s->text = NULL;
    if (watched->ptr != NULL)
        api_otlp_put_text(s->json, *watched);
}

static void put_pair(struct api_otlp_state *o, struct api_otlp_sink *s, struct str key, const char *watch,
                     struct str *watched)
{
    api_otlp_put_text(s->json, key);
    buf_putc(s->json, ':');
    if (watch != NULL && str_equal(key, str_of(watch)))
        put_watched(o, s, watched);
    else
        put_any(o, s);
}

/* Writes the pair whose value was met before its key, or not at all. */
static void put_late(struct api_otlp_state *o, struct api_otlp_sink *s, struct str key, struct str value,
                     const char *watch, struct str *watched)
{
    const char *const at = o->json.at;
    if (value.ptr == NULL) {
        api_otlp_put_text(s->json, key);
        BUF_LITERAL(s->json, ":null");
        return;
    }
    o->json.at = value.ptr;
    put_pair(o, s, key, watch, watched);
    if (o->json.why == NULL)
        o->json.at = at;
}

static void put_attribute(struct api_otlp_state *o, struct api_otlp_sink *s, const char *watch, struct str *watched)
{
    struct str member, key = {NULL, 0}, late = {NULL, 0};
    bool is_done = false;
    if (!api_jsonread_open(&o->json, '{'))
        return;
    while (api_jsonread_member(&o->json, &member)) {
        if (str_equal(member, STR("key")) && api_jsonread_peek(&o->json) == '"')
            key = api_otlp_scalar_string(o, API_OTLP_STRING_MAX_BYTES);
        else if (str_equal(member, STR("value")) && key.ptr != NULL && !is_done) {
            put_pair(o, s, key, watch, watched);
            is_done = true;
        } else if (str_equal(member, STR("value")))
            late = api_jsonread_skip(&o->json);
        else
            (void)api_jsonread_skip(&o->json);
    }
    if (!is_done)
        put_late(o, s, key.ptr == NULL ? STR("") : key, late, watch, watched);
}

/* --- fields */

static void read_attributes(struct api_otlp_state *o, struct api_otlp_attributes *a, const char *watch)
{
    struct api_otlp_sink s = {&a->text, NULL, &a->too_deep, API_OTLP_STRING_MAX_BYTES, 0};
    if (!api_jsonread_open(&o->json, '['))
        return;
    while (api_jsonread_element(&o->json)) {
        api_otlp_comma(&a->text);
        put_attribute(o, &s, watch, &a->watched);
    }
}

static void read_any(struct api_otlp_state *o, struct api_otlp_any *any, size_t max_bytes)
{
    any->text = (struct str){NULL, 0};
    buf_clear(&any->json);
    struct api_otlp_sink s = {&any->json, &any->text, &any->too_deep, max_bytes, 0};
    put_any(o, &s);
}

static void read_number(struct api_otlp_state *o, struct api_otlp_number *n, bool is_int)
{
    *n = (struct api_otlp_number){.has = true, .is_int = is_int};
    if (is_int)
        n->integer = api_otlp_scalar_i64(o, INT64_MIN, INT64_MAX);
    else
        n->real = api_otlp_scalar_double(o);
}

static void read_list(struct api_otlp_state *o, struct buf *out, enum api_otlp_type type)
{
    if (!api_jsonread_open(&o->json, '['))
        return;
    while (api_jsonread_element(&o->json)) {
        api_otlp_comma(out);
        if (type == API_OTLP_LIST_DOUBLE)
            api_otlp_put_double(out, api_otlp_scalar_double(o));
        else
            buf_put_u64(out, api_otlp_scalar_u64(o, UINT64_MAX));
    }
}

static void read_message(struct api_otlp_state *o, const struct api_otlp_message *m);

static void read_messages(struct api_otlp_state *o, const struct api_otlp_message *m)
{
    if (!api_jsonread_open(&o->json, '['))
        return;
    while (api_jsonread_element(&o->json))
        read_message(o, m);
}

static void read_field(struct api_otlp_state *o, const struct api_otlp_field *f)
{
    void *const place = (char *)o + f->offset;
    switch (f->type) {
    case API_OTLP_STRING: *(struct str *)place = api_otlp_scalar_string(o, f->limit); return;
    case API_OTLP_ID: api_otlp_scalar_id(o, place, f->limit); return;
    case API_OTLP_UINT32:
    case API_OTLP_FIXED32: *(uint32_t *)place = (uint32_t)api_otlp_scalar_u64(o, UINT32_MAX); return;
    case API_OTLP_FIXED64: *(uint64_t *)place = api_otlp_scalar_u64(o, UINT64_MAX); return;
    case API_OTLP_SINT32: *(int32_t *)place = (int32_t)api_otlp_scalar_i64(o, INT32_MIN, INT32_MAX); return;
    case API_OTLP_ENUM: *(uint32_t *)place = api_otlp_scalar_enum(o, f->names); return;
    case API_OTLP_BOOL: *(bool *)place = api_otlp_scalar_bool(o); return;
    case API_OTLP_DOUBLE: read_number(o, place, false); return;
    case API_OTLP_SFIXED64: read_number(o, place, true); return;
    case API_OTLP_LIST_FIXED64:
    case API_OTLP_LIST_UINT64:
    case API_OTLP_LIST_DOUBLE: read_list(o, place, f->type); return;
    case API_OTLP_ATTRIBUTES: read_attributes(o, place, f->watch); return;
    case API_OTLP_ANY: read_any(o, place, f->limit); return;
    case API_OTLP_MESSAGE: read_message(o, f->message); return;
    case API_OTLP_MESSAGES: read_messages(o, f->message); return;
    }
}

static void read_members(struct api_otlp_state *o, const struct api_otlp_message *m)
{
    size_t hint = 0;
    struct str key;
    if (!api_jsonread_open(&o->json, '{'))
        return;
    while (api_jsonread_member(&o->json, &key)) {
        const struct api_otlp_field *const field = api_otlp_by_name(m, key, &hint);
        if (field == NULL || api_jsonread_peek(&o->json) == 'n') {
            (void)api_jsonread_skip(&o->json);
            continue;
        }
        read_field(o, field);
        hint++;
    }
}

static void read_message(struct api_otlp_state *o, const struct api_otlp_message *m)
{
    const char *const outer = o->message;
    const char first = api_jsonread_peek(&o->json);
    const char *const start = o->json.at;
    o->message = m->name;
    if (m->begin != NULL)
        m->begin(o);
    if (first == 'n')
        (void)api_jsonread_null(&o->json);
    else
        read_members(o, m);
    if (o->json.why != NULL || o->code != OK)
        return;
    if (m->raw_offset != 0)
        *(struct str *)((char *)o + m->raw_offset) = (struct str){start, (size_t)(o->json.at - start)};
    if (m->end != NULL)
        m->end(o);
    o->message = outer;
}

void api_otlp_read_json(struct api_otlp_state *o, struct str text)
{
    api_jsonread_init(&o->json, text);
    read_message(o, &api_otlp_requests[o->in->signal]);
    if (o->json.why == NULL)
        (void)api_jsonread_end(&o->json);
    if (o->json.why == NULL || o->code != OK)
        return;
    o->code = ERR_SET(o->e, ERR_INVALID, "the JSON is wrong at byte %zu, in %s: %s", (size_t)(o->json.at - o->json.start),
                      o->message, o->json.why);
}
