#include "api/json/jsontree.h"

static void put_object(struct api_json *w, json_t *object)
{
    const char *key;
    json_t *value;
    api_json_open(w, '{');
    json_object_foreach(object, key, value) {
        api_json_key_str(w, str_of(key));
        api_json_tree(w, value);
    }
    api_json_close(w, '}');
}

static void put_array(struct api_json *w, json_t *array)
{
    api_json_open(w, '[');
    for (size_t i = 0; i < json_array_size(array); i++)
        api_json_tree(w, json_array_get(array, i));
    api_json_close(w, ']');
}

void api_json_tree(struct api_json *w, json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: put_object(w, value); return;
    case JSON_ARRAY: put_array(w, value); return;
    case JSON_STRING: api_json_str(w, (struct str){json_string_value(value), json_string_length(value)}); return;
    case JSON_INTEGER: api_json_i64(w, json_integer_value(value)); return;
    case JSON_REAL: api_json_real(w, json_real_value(value)); return;
    case JSON_TRUE:
    case JSON_FALSE: api_json_bool(w, json_is_true(value)); return;
    case JSON_NULL: api_json_null(w); return;
    }
}
