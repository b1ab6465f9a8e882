#include "api/request/params.h"

#include <assert.h>
#include <stdio.h>

#include "api/request/values.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/hex.h"
#include "core/utf8.h"

enum { SPAN_ID_BYTES = 8, NAME_SHOWN_MAX = 40, ALLOWED_MAX = 384 };

/* What the parsing of one query string shares. */
struct parse {
    struct api_params *params;
    struct arena *arena;
    int64_t now_ns;
};

static bool parse_text(struct parse *p, const struct api_param_spec *spec, struct api_value *v)
{
    (void)p;
    (void)spec;
    return v->text.len > 0;
}

static bool parse_pattern(struct parse *p, const struct api_param_spec *spec, struct api_value *v)
{
    size_t n_backslashes = 0;
    while (n_backslashes < v->text.len && v->text.ptr[v->text.len - 1 - n_backslashes] == '\\')
        n_backslashes++;
    return n_backslashes % 2 == 0 && parse_text(p, spec, v);
}

static bool parse_limit(struct parse *p, const struct api_param_spec *spec, struct api_value *v)
{
    (void)p;
    int64_t number;
    if (!str_to_i64(v->text, &number) || number < 1)
        return false;
    v->is_clamped = number > spec->max;
    v->number = v->is_clamped ? spec->max : number;
    return true;
}

static bool parse_time(struct parse *p, const struct api_param_spec *spec, struct api_value *v)
{
    (void)spec;
    return api_time_parse(v->text, p->now_ns, &v->number);
}

static bool parse_duration(struct parse *p, const struct api_param_spec *spec, struct api_value *v)
{
    (void)p;
    (void)spec;
    return clock_parse_duration(v->text, &v->number);
}

static bool parse_since(struct parse *p, const struct api_param_spec *spec, struct api_value *v)
{
    int64_t ago_ns;
    if (parse_time(p, spec, v))
        return true;
    if (!clock_parse_duration(v->text, &ago_ns))
        return false;
    v->number = p->now_ns - ago_ns;
    return true;
}

static bool parse_enum(struct parse *p, const struct api_param_spec *spec, struct api_value *v)
{
    (void)p;
    for (int64_t i = 0; spec->values[i] != NULL; i++)
        if (str_equal(v->text, str_of(spec->values[i]))) {
            v->number = i;
            return true;
        }
    return false;
}

static bool parse_bool(struct parse *p, const struct api_param_spec *spec, struct api_value *v)
{
    (void)p;
    (void)spec;
    v->number = str_equal(v->text, STR("true"));
    return v->number == 1 || str_equal(v->text, STR("false"));
}

static bool parse_unit(struct parse *p, const struct api_param_spec *spec, struct api_value *v)
{
    (void)p;
    (void)spec;
    double real;
    if (!str_to_double(v->text, &real) || real < 0 || real > 1)
        return false;
    v->real = real;
    return true;
}

static bool parse_trace_id(struct parse *p, const struct api_param_spec *spec, struct api_value *v)
{
    (void)p;
    (void)spec;
    return hex_parse_padded(v->text, v->id, API_ID_BYTES);
}

static bool parse_span_id(struct parse *p, const struct api_param_spec *spec, struct api_value *v)
{
    (void)p;
    (void)spec;
    return hex_parse_padded(v->text, v->id, SPAN_ID_BYTES);
}

static bool parse_level(struct parse *p, const struct api_param_spec *spec, struct api_value *v)
{
    (void)p;
    (void)spec;
    return api_level_parse(v->text, &v->number);
}

static bool parse_attr(struct parse *p, const struct api_param_spec *spec, struct api_value *v)
{
    (void)spec;
    struct str value;
    const struct str key = str_split(v->text, ':', &value);
    if (key.len == 0 || value.ptr == NULL || p->params->n_attrs == API_ATTRS_MAX)
        return false;
    p->params->attr_keys[p->params->n_attrs] = key;
    p->params->attr_values[p->params->n_attrs++] = value;
    return true;
}

static const struct {
    bool (*parse)(struct parse *p, const struct api_param_spec *spec, struct api_value *v);
    const char *allowed; /* "must be ..."; NULL when it depends on the row */
} types[] = {
    [API_PARAM_TEXT] = {parse_text, "a text that is not empty"},
    [API_PARAM_PATTERN] = {parse_pattern, "a LIKE pattern: % is any text, _ any character, \\% and \\_ themselves; it may "
                                          "neither be empty nor end in a lone backslash"},
    [API_PARAM_LIMIT] = {parse_limit, NULL},
    [API_PARAM_TIME] = {parse_time, API_TIME_FORMS},
    [API_PARAM_DURATION] = {parse_duration, API_DURATION_FORMS},
    [API_PARAM_ENUM] = {parse_enum, NULL},
    [API_PARAM_BOOL] = {parse_bool, "true or false"},
    [API_PARAM_UNIT] = {parse_unit, "a number from 0 to 1"},
    [API_PARAM_TRACE_ID] = {parse_trace_id, API_TRACE_ID_FORMS},
    [API_PARAM_SPAN_ID] = {parse_span_id, API_SPAN_ID_FORMS},
    [API_PARAM_LEVEL] = {parse_level, API_LEVEL_FORMS},
    [API_PARAM_ATTR] = {parse_attr, "key:value, at most 8 times"},
    [API_PARAM_CURSOR] = {parse_text, "the next_cursor of an earlier answer"},
    [API_PARAM_SINCE] = {parse_since, API_TIME_FORMS ", or a duration before now such as 15m"},
};

/* Appends as much of the names as fits, separated by ", ". */
static void list_append(char *list, size_t size, const char *name)
{
    const size_t used = strlen(list);
    (void)snprintf(list + used, size - used, "%s%s", used == 0 ? "" : ", ", name);
}

static enum err value_err(const struct api_param_spec *spec, struct err_info *e)
{
    if (types[spec->type].allowed != NULL)
        return ERR_PARAM(e, spec->name, "%s must be %s", spec->name, types[spec->type].allowed);
    if (spec->type == API_PARAM_LIMIT)
        return ERR_PARAM(e, spec->name, "%s must be a whole number from 1 to %lld", spec->name, (long long)spec->max);
    char list[ALLOWED_MAX] = "";
    for (size_t i = 0; spec->values[i] != NULL; i++)
        list_append(list, sizeof list, spec->values[i]);
    return ERR_PARAM(e, spec->name, "%s must be one of: %s", spec->name, list);
}

static enum err unknown_err(struct str name, const struct api_param_spec *specs, struct err_info *e)
{
    char list[ALLOWED_MAX] = "";
    for (; specs != NULL && specs->name != NULL; specs++)
        list_append(list, sizeof list, specs->name);
    char shown[NAME_SHOWN_MAX + 1];
    (void)snprintf(shown, sizeof shown, "%.*s", STR_ARG(utf8_cut(name, NAME_SHOWN_MAX)));
    return ERR_PARAM(e, shown, "there is no parameter '%s' here; this endpoint takes %s", shown,
                     list[0] == '\0' ? "none" : list);
}

static const struct api_param_spec *spec_find(const struct api_param_spec *specs, struct str name)
{
    for (; specs != NULL && specs->name != NULL; specs++)
        if (str_equal(name, str_of(specs->name)))
            return specs;
    return NULL;
}

static enum err put(struct parse *p, const struct api_param_spec *spec, struct str text, struct err_info *e)
{
    struct api_value *v = &p->params->values[spec - p->params->specs];
    if (v->is_given && spec->type != API_PARAM_ATTR)
        return ERR_PARAM(e, spec->name, "%s is given twice; give it once", spec->name);
    v->is_given = true;
    v->text = text;
    return types[spec->type].parse(p, spec, v) ? OK : value_err(spec, e);
}

static enum err parse_pair(struct parse *p, struct str pair, struct err_info *e)
{
    struct str raw_value, name, text;
    const struct str raw_name = str_split(pair, '=', &raw_value);
    if (!api_url_decode(raw_name, true, p->arena, &name))
        return ERR_PARAM(e, "query", "a parameter's name is not percent-encoded UTF-8 without NUL");
    const struct api_param_spec *spec = spec_find(p->params->specs, name);
    if (spec == NULL)
        return unknown_err(name, p->params->specs, e);
    if (!api_url_decode(raw_value.ptr == NULL ? STR("") : raw_value, true, p->arena, &text))
        return ERR_PARAM(e, spec->name, "%s is not percent-encoded UTF-8 without NUL", spec->name);
    return put(p, spec, text, e);
}

static enum err check_required(const struct api_params *params, struct err_info *e)
{
    const struct api_param_spec *spec = params->specs;
    for (size_t i = 0; spec != NULL && spec[i].name != NULL; i++)
        if (spec[i].is_required && !params->values[i].is_given)
            return ERR_PARAM(e, spec[i].name, "%s is required", spec[i].name);
    return OK;
}

static void fill_defaults(struct api_params *params)
{
    const struct api_param_spec *spec = params->specs;
    for (size_t i = 0; spec != NULL && spec[i].name != NULL; i++) {
        assert(i < API_PARAMS_MAX);
        params->values[i].number = spec[i].by_default;
        params->values[i].real = spec[i].unit_default;
    }
}

enum err api_params_parse(struct str query, const struct api_param_spec *specs, int64_t now_ns, struct arena *arena,
                          const struct api_params **out, struct err_info *e)
{
    if (query.len > API_QUERY_MAX_BYTES)
        return ERR_PARAM(e, "query", "the query string is longer than %d bytes", API_QUERY_MAX_BYTES);
    struct api_params *params = arena_calloc(arena, 1, sizeof *params);
    if (params == NULL)
        return ERR_SET_NOMEM(e);
    params->specs = specs;
    fill_defaults(params);
    struct parse p = {params, arena, now_ns};
    for (struct str rest = query; rest.ptr != NULL;) {
        const struct str pair = str_split(rest, '&', &rest);
        if (pair.len > 0)
            TRY(parse_pair(&p, pair, e));
    }
    TRY(check_required(params, e));
    *out = params;
    return OK;
}

enum err api_params_put(struct api_params *params, struct str name, struct str text, int64_t now_ns, struct arena *arena,
                        struct err_info *e)
{
    struct parse p = {params, arena, now_ns};
    const struct api_param_spec *spec = spec_find(params->specs, name);
    return spec == NULL ? unknown_err(name, params->specs, e) : put(&p, spec, text, e);
}

const struct api_value *api_param_find(const struct api_params *p, const char *name)
{
    const struct api_param_spec *spec = spec_find(p->specs, str_of(name));
    return spec == NULL ? NULL : &p->values[spec - p->specs];
}

const struct api_value *api_param(const struct api_params *p, const char *name)
{
    const struct api_value *v = api_param_find(p, name);
    assert(v != NULL);
    return v;
}
