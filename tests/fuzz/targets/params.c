/* api/request/params.c, api/request/values.c: query strings. A table of texts takes exactly what a second parser takes, with the
 * same texts; of a route's own table, chosen by the first byte, every value that is taken is what was sent and within its bounds. */
#include "api/request/params.h"

#include <math.h>

#include "api/endpoint/routes.h"
#include "tests/fuzz/support/query.h"

enum { ARENA_BYTES = 16 << 20 };

static const struct api_param_spec texts[] = {
    {.name = "a", .type = API_PARAM_TEXT, .is_required = true},
    {.name = "b", .type = API_PARAM_TEXT},
    {.name = "attr", .type = API_PARAM_ATTR},
    {0},
};

static size_t count(const struct query *q, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < q->n; i++)
        n += q->pairs[i].is_decoded && strcmp(q->pairs[i].name, name) == 0;
    return n;
}

static const char *last(const struct query *q, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < q->n; i++)
        if (q->pairs[i].is_decoded && strcmp(q->pairs[i].name, name) == 0)
            value = q->pairs[i].value;
    return value;
}

/* Whether the table of texts takes the pair by itself. */
static bool is_taken(const struct query_pair *p)
{
    if (!p->is_decoded)
        return false;
    if (strcmp(p->name, "attr") == 0)
        return strchr(p->value, ':') != NULL && p->value[0] != ':';
    return (strcmp(p->name, "a") == 0 || strcmp(p->name, "b") == 0) && p->value[0] != '\0';
}

static bool are_taken(const struct query *q)
{
    for (size_t i = 0; i < q->n; i++)
        if (!is_taken(&q->pairs[i]))
            return false;
    return count(q, "a") == 1 && count(q, "b") <= 1 && count(q, "attr") <= API_ATTRS_MAX;
}

static void check_value(const struct api_param_spec *spec, const struct api_value *v, const struct query *q)
{
    FUZZ_CHECK(v->is_given == (count(q, spec->name) > 0), "%s", spec->name);
    FUZZ_CHECK(v->is_given || !spec->is_required, "%s is missing", spec->name);
    if (v->is_given)
        FUZZ_CHECK(str_equal(v->text, str_of(last(q, spec->name))), "%s is %.*s", spec->name, STR_ARG(v->text));
    if (v->is_given && spec->type != API_PARAM_ATTR)
        FUZZ_CHECK(count(q, spec->name) == 1, "%s is taken twice", spec->name);
    if (spec->type == API_PARAM_LIMIT)
        FUZZ_CHECK(v->number >= 1 && v->number <= spec->max, "%s is %lld", spec->name, (long long)v->number);
    if (spec->type == API_PARAM_UNIT)
        FUZZ_CHECK(isfinite(v->real) && v->real >= 0 && v->real <= 1, "%s is %g", spec->name, v->real);
    if (spec->type == API_PARAM_DURATION)
        FUZZ_CHECK(v->number >= 0, "%s is %lld", spec->name, (long long)v->number);
}

static void parse(struct str text, const struct api_param_spec *specs, const struct query *q)
{
    AUTO(arena) struct arena arena;
    arena_init(&arena, ARENA_BYTES);
    const struct api_params *params = NULL;
    struct err_info e = {0};
    const enum err code = api_params_parse(text, specs, FUZZ_NOW_NS, &arena, &params, &e);
    const bool is_named = e.parameter[0] != '\0' || strstr(e.message, "there is no parameter ''") != NULL;
    FUZZ_CHECK(code == OK || (code == ERR_INVALID && is_named), "the code is %d, of '%s'", (int)code, e.parameter);
    FUZZ_CHECK(code == OK || fuzz_is_clean(str_of(e.message)), "the message is no text");
    if (specs == texts && !q->is_cut)
        FUZZ_CHECK((code == OK) == (are_taken(q) && text.len <= API_QUERY_MAX_BYTES), "%s", e.message);
    if (code != OK || q->is_cut)
        return;
    for (size_t i = 0; specs != NULL && specs[i].name != NULL; i++)
        check_value(&specs[i], &params->values[i], q);
    FUZZ_CHECK(specs != NULL || q->n == 0, "parameters of a route that has none");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct query q;
    struct fuzz_input in = fuzz_input_of(data, size);
    const struct api_route *const route = &api_routes[fuzz_byte(&in) % api_n_routes];
    query_split(&q, in.rest);
    parse(in.rest, texts, &q);
    parse(in.rest, route->params, &q);
    query_close(&q);
    return 0;
}
