#include "api/otlp/anyvalue.h"

#include "core/hex.h"

enum { DEPTH_MAX = 128 };

/* What is left of well-formed JSON text. */
struct scan {
    const char *at, *end;
    int depth;
};

static void skip_space(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r'))
        s->at++;
}

static char next(struct scan *s)
{
    skip_space(s);
    return s->at < s->end ? *s->at : '\0';
}

/* Consumes c if it is next. */
static bool take(struct scan *s, char c)
{
    if (next(s) != c)
        return false;
    s->at++;
    return true;
}

/* A string with its quotes. */
static struct str take_string(struct scan *s)
{
    skip_space(s);
    const char *start = s->at++;
    while (s->at < s->end && *s->at != '"')
        s->at += *s->at == '\\' && s->at + 1 < s->end ? 2 : 1;
    s->at += s->at < s->end;
    return (struct str){start, (size_t)(s->at - start)};
}

/* A number, true, false or null. */
static struct str take_word(struct scan *s)
{
    skip_space(s);
    const char *start = s->at;
    while (s->at < s->end && strchr(",]} \n\t\r", *s->at) == NULL)
        s->at++;
    return (struct str){start, (size_t)(s->at - start)};
}

/* A value of any kind. */
static struct str take_any(struct scan *s)
{
    const char c = next(s);
    if (c == '"')
        return take_string(s);
    if (c != '{' && c != '[')
        return take_word(s);
    const char *start = s->at;
    size_t n_open = 0;
    do {
        if (*s->at == '"') {
            (void)take_string(s);
            continue;
        }
        n_open += *s->at == '{' || *s->at == '[';
        n_open -= *s->at == '}' || *s->at == ']';
        s->at++;
    } while (n_open > 0 && s->at < s->end);
    return (struct str){start, (size_t)(s->at - start)};
}

static void put_raw(struct api_json *w, const char *key, struct str json)
{
    api_json_open(w, '{');
    api_json_key(w, key);
    api_json_raw(w, json);
    api_json_close(w, '}');
}

/* An integer is text in JSON; what is no int64 came from a double. */
static void put_number(struct api_json *w, struct str number)
{
    int64_t integer;
    if (!str_to_i64(number, &integer)) {
        put_raw(w, "doubleValue", number);
        return;
    }
    api_json_open(w, '{');
    api_json_key(w, "intValue");
    api_json_i64_text(w, integer);
    api_json_close(w, '}');
}

static void put_word(struct api_json *w, struct str word)
{
    if (str_equal(word, STR("null"))) {
        api_json_raw(w, STR("{}"));
        return;
    }
    if (str_equal(word, STR("true")) || str_equal(word, STR("false")))
        put_raw(w, "boolValue", word);
    else
        put_number(w, word);
}

static void put_value(struct api_json *w, struct scan *s);

static void put_array(struct api_json *w, struct scan *s)
{
    api_json_open(w, '{');
    api_json_key(w, "arrayValue");
    api_json_open(w, '{');
    api_json_key(w, "values");
    api_json_open(w, '[');
    s->at++;
    while (s->at < s->end && !take(s, ']')) {
        put_value(w, s);
        (void)take(s, ',');
    }
    api_json_close(w, ']');
    api_json_close(w, '}');
    api_json_close(w, '}');
}

/* The members of an object, whose bracket is next. */
static void put_members(struct api_json *w, struct scan *s)
{
    api_json_open(w, '[');
    s->at++;
    while (s->at < s->end && !take(s, '}')) {
        api_json_open(w, '{');
        api_json_key(w, "key");
        api_json_raw(w, take_string(s));
        (void)take(s, ':');
        api_json_key(w, "value");
        put_value(w, s);
        api_json_close(w, '}');
        (void)take(s, ',');
    }
    api_json_close(w, ']');
}

static bool is_no_number(struct str quoted)
{
    return str_equal(quoted, STR("\"NaN\"")) || str_equal(quoted, STR("\"Infinity\"")) ||
           str_equal(quoted, STR("\"-Infinity\""));
}

/* Bytes, and doubles that JSON has no number for, are stored as their own AnyValue. A sender's map may have such a key too,
 * but then hardly such a text: taken for an AnyValue, it would be one that no reader accepts. */
static bool is_stored_as_any_value(struct scan s)
{
    s.at++;
    if (next(&s) != '"')
        return false;
    const struct str key = take_string(&s);
    if (!take(&s, ':') || next(&s) != '"')
        return false;
    const struct str value = take_string(&s);
    if (next(&s) != '}')
        return false;
    if (str_equal(key, STR("\"bytesValue\"")))
        return base64_is_canonical((struct str){value.ptr + 1, value.len - 2});
    return str_equal(key, STR("\"doubleValue\"")) && is_no_number(value);
}

static void put_object(struct api_json *w, struct scan *s)
{
    const bool is_raw = is_stored_as_any_value(*s);
    if (is_raw) {
        const char *start = s->at++;
        (void)take_string(s);
        (void)take(s, ':');
        (void)take_string(s);
        (void)take(s, '}');
        api_json_raw(w, (struct str){start, (size_t)(s->at - start)});
        return;
    }
    api_json_open(w, '{');
    api_json_key(w, "kvlistValue");
    api_json_open(w, '{');
    api_json_key(w, "values");
    put_members(w, s);
    api_json_close(w, '}');
    api_json_close(w, '}');
}

static void put_value(struct api_json *w, struct scan *s)
{
    const char c = next(s);
    if (s->depth == DEPTH_MAX) {
        (void)take_any(s);
        api_json_raw(w, STR("{}"));
        return;
    }
    s->depth++;
    if (c == '"')
        put_raw(w, "stringValue", take_string(s));
    else if (c == '[')
        put_array(w, s);
    else if (c == '{')
        put_object(w, s);
    else
        put_word(w, take_word(s));
    s->depth--;
}

void api_put_attributes(struct api_json *w, struct str object)
{
    struct scan s = {object.ptr, object.ptr + object.len, 0};
    if (object.ptr == NULL || next(&s) != '{')
        api_json_raw(w, STR("[]"));
    else
        put_members(w, &s);
}

/* Members of stored events and links that OTLP calls otherwise. */
static struct str otlp_name(struct str quoted)
{
    static const struct {
        const char *stored, *otlp;
    } names[] = {
        {"\"time_unix_nano\"", "timeUnixNano"},
        {"\"trace_id\"", "traceId"},
        {"\"span_id\"", "spanId"},
        {"\"trace_state\"", "traceState"},
        {"\"dropped_attributes_count\"", "droppedAttributesCount"},
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_equal(quoted, str_of(names[i].stored)))
            return str_of(names[i].otlp);
    return (struct str){quoted.ptr + 1, quoted.len - 2};
}

static void put_part(struct api_json *w, struct scan *s)
{
    api_json_open(w, '{');
    s->at++;
    while (s->at < s->end && !take(s, '}')) {
        const struct str name = otlp_name(take_string(s));
        (void)take(s, ':');
        const struct str value = take_any(s);
        api_json_key_str(w, name);
        if (str_equal(name, STR("attributes")))
            api_put_attributes(w, value);
        else
            api_json_raw(w, value);
        (void)take(s, ',');
    }
    api_json_close(w, '}');
}

void api_put_span_parts(struct api_json *w, struct str array)
{
    struct scan s = {array.ptr, array.ptr + array.len, 0};
    api_json_open(w, '[');
    if (array.ptr != NULL && take(&s, '['))
        while (next(&s) == '{') {
            put_part(w, &s);
            (void)take(&s, ',');
        }
    api_json_close(w, ']');
}
