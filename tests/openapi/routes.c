/* Prints the route table as JSON lines, for contract.py to compare with openapi.yaml. */
#include <stdio.h>

#include "api/endpoint/routes.h"
#include "api/json/jsonwrite.h"
#include "api/request/params.h"

enum { LINE_MAX_BYTES = 1 << 16 };

static void put_values(struct api_json *w, const struct api_param_spec *spec)
{
    api_json_key(w, "values");
    api_json_open(w, '[');
    for (size_t i = 0; spec->values != NULL && spec->values[i] != NULL; i++)
        api_json_cstr(w, spec->values[i]);
    api_json_close(w, ']');
}

static void put_spec(struct api_json *w, const struct api_param_spec *spec)
{
    api_json_open(w, '{');
    api_json_key(w, "name");
    api_json_cstr(w, spec->name);
    api_json_key(w, "type");
    api_json_i64(w, spec->type);
    api_json_key(w, "is_required");
    api_json_bool(w, spec->is_required);
    api_json_key(w, "by_default");
    api_json_i64(w, spec->by_default);
    api_json_key(w, "max");
    api_json_i64(w, spec->max);
    api_json_key(w, "unit_default");
    api_json_f64(w, spec->unit_default);
    put_values(w, spec);
    api_json_close(w, '}');
}

static void put_route(struct api_json *w, const struct api_route *route)
{
    api_json_open(w, '{');
    api_json_key(w, "method");
    api_json_cstr(w, route->method);
    api_json_key(w, "path");
    api_json_cstr(w, route->path);
    api_json_key(w, "name");
    api_json_cstr(w, route->name);
    api_json_key(w, "scope");
    api_json_cstr(w, api_scope_name(route->scope));
    api_json_key(w, "params");
    api_json_open(w, '[');
    for (const struct api_param_spec *spec = route->params; spec != NULL && spec->name != NULL; spec++)
        put_spec(w, spec);
    api_json_close(w, ']');
    api_json_close(w, '}');
}

int main(void)
{
    AUTO(buf) struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    for (size_t i = 0; i < api_n_routes; i++) {
        struct api_json w;
        buf_clear(&line);
        api_json_init(&w, &line);
        put_route(&w, &api_routes[i]);
        if (!buf_is_ok(&line))
            return 1;
        printf("%.*s\n", STR_ARG(buf_str(&line)));
    }
    return 0;
}
