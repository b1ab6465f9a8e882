#include "api/otlp/otlp_scalar.h"

#include <math.h>

#include "core/hex.h"

/* One past the largest value of each, exact as doubles. */
#define UINT64_END 18446744073709551616.0
#define INT64_END 9223372036854775808.0

bool api_otlp_scalar_is_null(struct api_otlp_state *o)
{
    return api_jsonread_peek(&o->json) == 'n' && api_jsonread_null(&o->json);
}

struct str api_otlp_scalar_string(struct api_otlp_state *o, size_t max_bytes)
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

void api_otlp_scalar_bad(struct api_otlp_state *o, struct str at, const char *why)
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

uint64_t api_otlp_scalar_u64(struct api_otlp_state *o, uint64_t max)
{
    const struct str digits = read_digits(o);
    uint64_t value = 0;
    double real = 0;
    if (!str_to_u64(digits, &value)) {
        if (is_whole(digits, &real) && real >= 0 && real < UINT64_END)
            value = (uint64_t)real;
        else
            api_otlp_scalar_bad(o, digits, "here an integer that is not negative is due, as a number or in quotes");
    }
    if (value > max)
        api_otlp_scalar_bad(o, digits, "this integer is too large for its field");
    return value;
}

int64_t api_otlp_scalar_i64(struct api_otlp_state *o, int64_t min, int64_t max)
{
    const struct str digits = read_digits(o);
    int64_t value = 0;
    double real = 0;
    if (!str_to_i64(digits, &value)) {
        if (is_whole(digits, &real) && real >= -INT64_END && real < INT64_END)
            value = (int64_t)real;
        else
            api_otlp_scalar_bad(o, digits, "here an integer of 64 bits is due, as a number or in quotes");
    }
    if (value < min || value > max)
        api_otlp_scalar_bad(o, digits, "this integer does not fit its field");
    return value;
}

double api_otlp_scalar_double(struct api_otlp_state *o)
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
    api_otlp_scalar_bad(o, digits, "here a number is due, or \"NaN\", \"Infinity\" or \"-Infinity\"");
    return 0;
}

bool api_otlp_scalar_bool(struct api_otlp_state *o)
{
    bool value = false;
    struct api_json_string s;
    if (api_jsonread_peek(&o->json) != '"')
        (void)api_jsonread_bool(&o->json, &value);
    else if (api_jsonread_string(&o->json, &s))
        value = str_equal(s.raw, STR("true"));
    return value;
}

uint32_t api_otlp_scalar_enum(struct api_otlp_state *o, const struct api_otlp_names *names)
{
    struct str text = {NULL, 0};
    struct api_json_string s;
    int64_t value = 0;
    if (api_jsonread_peek(&o->json) != '"')
        value = api_otlp_scalar_i64(o, INT32_MIN, INT32_MAX);
    else if (api_jsonread_string(&o->json, &s) && !str_to_i64(s.raw, &value))
        text = s.raw;
    if (text.ptr != NULL)
        return api_otlp_enum_of(names, text);
    return value > 0 && value < names->n ? (uint32_t)value : 0;
}

void api_otlp_scalar_id(struct api_otlp_state *o, struct api_otlp_id *id, size_t n)
{
    struct api_json_string s;
    if (!api_jsonread_string(&o->json, &s))
        return;
    id->n = s.raw.len == 0 ? 0 : hex_parse(s.raw, id->bytes, n) ? (uint8_t)n : API_OTLP_ID_BAD;
}
