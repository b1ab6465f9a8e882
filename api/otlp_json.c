/* OTLP/JSON: walks the request by the message tables. */
#include <math.h>

#include "api/otlp_schema.h"
#include "api/otlp_value.h"
#include "core/hex.h"

/* One past the largest value of each, exact as doubles. */
#define UINT64_END 18446744073709551616.0
#define INT64_END 9223372036854775808.0

/* --- scalars: proto3 JSON takes numbers as text too, and null as "not there" */

static bool is_null(struct api_otlp_state *o)
{
    return api_jsonread_peek(&o->json) == 'n' && api_jsonread_null(&o->json);
}

static struct str read_string(struct api_otlp_state *o, size_t max_bytes)
{
    struct api_json_string s;
    if (!api_jsonread_string(&o->json, &s))
        return STR("");
    if (!s.has_escape && !s.has_high && s.raw.len <= max_bytes)
        return s.raw;
    const struct str text = api_json_decode(o->arena, &s);
    if (text.ptr == NULL) {
        api_otlp_full(o);
        return STR("");
    }
    return api_otlp_text(o, text, max_bytes);
}

/* The text of a number, which may stand in quotes. */
static struct str read_digits(struct api_otlp_state *o)
{
    struct str digits = STR("0");
    struct api_json_string s;
    if (api_jsonread_peek(&o->json) != '"')
        (void)api_jsonread_number(&o->json, &digits);
    else if (api_jsonread_string(&o->json, &s))
        digits = s.raw;
    return digits;
}

static void bad_value(struct api_otlp_state *o, struct str at, const char *why)
{
    if (o->code != OK || o->json.why != NULL)
        return;
    o->json.at = at.ptr;
    (void)api_jsonread_fail(&o->json, why);
}

/* JavaScript writes large integers as 1.6e18. */
static bool is_whole(struct str digits, double *value)
{
    return str_to_double(digits, value) && *value == trunc(*value);
}

static uint64_t read_u64(struct api_otlp_state *o, uint64_t max)
{
    const struct str digits = read_digits(o);
    uint64_t value = 0;
    double real = 0;
    if (!str_to_u64(digits, &value)) {
        if (is_whole(digits, &real) && real >= 0 && real < UINT64_END)
            value = (uint64_t)real;
        else
            bad_value(o, digits, "here an integer that is not negative is due, as a number or in quotes");
    }
    if (value > max)
        bad_value(o, digits, "this integer is too large for its field");
    return value;
}

static int64_t read_i64(struct api_otlp_state *o, int64_t min, int64_t max)
{
    const struct str digits = read_digits(o);
    int64_t value = 0;
    double real = 0;
    if (!str_to_i64(digits, &value)) {
        if (is_whole(digits, &real) && real >= -INT64_END && real < INT64_END)
            value = (int64_t)real;
        else
            bad_value(o, digits, "here an integer of 64 bits is due, as a number or in quotes");
    }
    if (value < min || value > max)
        bad_value(o, digits, "this integer does not fit its field");
    return value;
}

static double read_double(struct api_otlp_state *o)
{
    const struct str digits = read_digits(o);
    double value = 0;
    if (str_to_double(digits, &value))
        return value;
    if (str_equal(digits, STR("NaN")))
        return (double)NAN;
    if (str_equal(digits, STR("Infinity")))
        return (double)INFINITY;
    if (str_equal(digits, STR("-Infinity")))
        return -(double)INFINITY;
    bad_value(o, digits, "here a number is due, or \"NaN\", \"Infinity\" or \"-Infinity\"");
    return 0;
}

static bool read_bool(struct api_otlp_state *o)
{
    bool value = false;
    struct api_json_string s;
    if (api_jsonread_peek(&o->json) != '"')
        (void)api_jsonread_bool(&o->json, &value);
    else if (api_jsonread_string(&o->json, &s))
        value = str_equal(s.raw, STR("true"));
    return value;
}

static uint32_t read_enum(struct api_otlp_state *o, const struct api_otlp_names *names)
{
    struct str text = {NULL, 0};
    struct api_json_string s;
    int64_t value = 0;
    if (api_jsonread_peek(&o->json) != '"')
        value = read_i64(o, INT32_MIN, INT32_MAX);
    else if (api_jsonread_string(&o->json, &s) && !str_to_i64(s.raw, &value))
        text = s.raw;
    if (text.ptr != NULL)
        return api_otlp_enum_of(names, text);
    return value > 0 && value < names->n ? (uint32_t)value : 0;
}

static void read_id(struct api_otlp_state *o, struct api_otlp_id *id, size_t n)
{
    struct api_json_string s;
    if (!api_jsonread_string(&o->json, &s))
        return;
    id->n = s.raw.len == 0 ? 0 : hex_parse(s.raw, id->bytes, n) ? (uint8_t)n : API_OTLP_ID_BAD;
}

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
        bad_value(o, s.raw, "here base64 is due");
    else if (!buf_is_ok(bytes))
        api_otlp_full(o);
    else
        api_otlp_put_bytes(out, buf_str(bytes));
}

/* --- AnyValue */

static void put_any(struct api_otlp_state *o, struct api_otlp_sink *s);

static void put_string(struct api_otlp_state *o, struct api_otlp_sink *s)
{
    api_otlp_sink_text(s, read_string(o, s->string_max));
}

static void put_bool(struct api_otlp_state *o, struct api_otlp_sink *s)
{
    buf_puts(s->json, read_bool(o) ? STR("true") : STR("false"));
}

static void put_int(struct api_otlp_state *o, struct api_otlp_sink *s)
{
    buf_put_i64(s->json, read_i64(o, INT64_MIN, INT64_MAX));
}

static void put_real(struct api_otlp_state *o, struct api_otlp_sink *s)
{
    api_otlp_put_double(s->json, read_double(o));
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
    if (!is_null(o) && api_jsonread_open(&o->json, '{'))
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
    if (!is_null(o) && api_jsonread_open(&o->json, '{'))
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
            key = read_string(o, API_OTLP_STRING_MAX_BYTES);
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

static void read_list(struct api_otlp_state *o, struct buf *out, enum api_otlp_type type)
{
    if (!api_jsonread_open(&o->json, '['))
        return;
    while (api_jsonread_element(&o->json)) {
        api_otlp_comma(out);
        if (type == API_OTLP_LIST_DOUBLE)
            api_otlp_put_double(out, read_double(o));
        else
            buf_put_u64(out, read_u64(o, UINT64_MAX));
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
    case API_OTLP_STRING: *(struct str *)place = read_string(o, f->limit); return;
    case API_OTLP_ID: read_id(o, place, f->limit); return;
    case API_OTLP_UINT32:
    case API_OTLP_FIXED32: *(uint32_t *)place = (uint32_t)read_u64(o, UINT32_MAX); return;
    case API_OTLP_FIXED64: *(uint64_t *)place = read_u64(o, UINT64_MAX); return;
    case API_OTLP_SINT32: *(int32_t *)place = (int32_t)read_i64(o, INT32_MIN, INT32_MAX); return;
    case API_OTLP_ENUM: *(uint32_t *)place = read_enum(o, f->names); return;
    case API_OTLP_BOOL: *(bool *)place = read_bool(o); return;
    case API_OTLP_DOUBLE: *(struct api_otlp_number *)place = (struct api_otlp_number){true, false, read_double(o), 0}; return;
    case API_OTLP_SFIXED64:
        *(struct api_otlp_number *)place = (struct api_otlp_number){true, true, 0, read_i64(o, INT64_MIN, INT64_MAX)};
        return;
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
