#include "api/request/body.h"

#include "api/json/jsonload.h"
#include "api/request/syntax.h"

/* "application/json", with or without parameters. */
static bool is_json(struct str content_type)
{
    struct str parameters;
    return content_type.ptr == NULL || str_equal_nocase(str_trim(str_split(content_type, ';', &parameters)), STR("application/json"));
}

static bool is_plain(struct str content_encoding)
{
    return content_encoding.len == 0 || str_equal_nocase(content_encoding, STR("identity"));
}

enum err api_body_object(const struct api_req *req, size_t max_bytes, json_t **out, struct err_info *e)
{
    if (!is_json(req->content_type) || !is_plain(req->content_encoding))
        return ERR_SET(e, ERR_UNSUPPORTED, "the body must be sent as Content-Type: application/json, not compressed");
    if (req->body.len > max_bytes)
        return ERR_SET(e, ERR_TOO_LARGE, "the body may be at most %zu bytes here; send it in parts", max_bytes);
    json_error_t at;
    const struct str body = req->body.ptr == NULL ? STR("") : req->body;
    json_t *root = api_jsonload(body, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, req->memory, &at);
    if (root == NULL)
        return api_syntax_err(body, &at, e);
    if (!json_is_object(root)) {
        json_decref(root);
        return ERR_PARAM(e, "body", "the body must be a JSON object");
    }
    *out = root;
    return OK;
}

enum err api_body_text(const json_t *value, const char *name, struct str *out, struct err_info *e)
{
    if (!json_is_string(value) || json_string_length(value) == 0)
        return ERR_PARAM(e, name, "%s must be a text that is not empty", name);
    *out = (struct str){json_string_value(value), json_string_length(value)};
    return OK;
}

enum err api_body_embedding(const json_t *value, const char *name, float out[EMBEDDING_DIMENSIONS], struct err_info *e)
{
    if (!json_is_array(value))
        return ERR_PARAM(e, name, "%s must be " API_EMBEDDING_FORM, name);
    if (json_array_size(value) != EMBEDDING_DIMENSIONS)
        return ERR_PARAM(e, name, "%s must be " API_EMBEDDING_FORM "; there are %zu", name, json_array_size(value));
    float v[EMBEDDING_DIMENSIONS];
    for (size_t i = 0; i < EMBEDDING_DIMENSIONS; i++) {
        const json_t *number = json_array_get(value, i);
        if (!json_is_number(number))
            return ERR_PARAM(e, name, "%s must be " API_EMBEDDING_FORM "; number %zu is none", name, i + 1);
        v[i] = (float)json_number_value(number);
    }
    if (!embedding_has_direction(v))
        return ERR_PARAM(e, name, "%s must be " API_EMBEDDING_FORM ", neither too small nor too large for single precision", name);
    memcpy(out, v, sizeof v);
    return OK;
}

enum err api_body_scalar(const json_t *value, const char *name, struct arena *arena, struct str *out, struct err_info *e)
{
    struct str text;
    if (json_is_string(value))
        text = arena_copy(arena, (struct str){json_string_value(value), json_string_length(value)});
    else if (json_is_integer(value))
        text = arena_printf(arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        text = arena_printf(arena, "%.17g", json_real_value(value));
    else if (json_is_boolean(value))
        text = arena_copy(arena, json_is_true(value) ? STR("true") : STR("false"));
    else
        return ERR_PARAM(e, name, "%s must be a text, a number, true or false", name);
    if (text.ptr == NULL)
        return ERR_SET_NOMEM(e);
    *out = text;
    return OK;
}
