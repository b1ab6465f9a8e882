/* api/json/jsonread.c, api/json/jsondecode.c, api/json/jsonwrite.c, api/json/jsontree.c, api/otlp/anyvalue.c, by the first byte:
 * JSON as jansson takes or refuses it, written again; a double; a text; attributes as OTLP. All that is written is read by jansson
 * as what it was. */
#include <math.h>
#include <stdlib.h>

#include "api/json/jsonread.h"
#include "api/json/jsontree.h"
#include "api/otlp/anyvalue.h"
#include "tests/fuzz/fuzz.h"

enum { ARENA_BYTES = 16 << 20 };

/* --- reading */

static void check_decoded(struct str text, const json_t *root)
{
    AUTO(arena) struct arena arena;
    struct api_jsonread r;
    struct api_json_string s;
    arena_init(&arena, ARENA_BYTES);
    api_jsonread_init(&r, text);
    FUZZ_CHECK(api_jsonread_string(&r, &s), "the string is none: %s", r.why);
    const struct str have = api_json_decode(&arena, &s), want = {json_string_value(root), json_string_length(root)};
    FUZZ_CHECK(str_equal(have, want), "'%.*s' is not '%.*s'", STR_ARG(have), STR_ARG(want));
}

static void check_written(json_t *root)
{
    AUTO(buf) struct buf out;
    struct api_json w;
    json_error_t error;
    buf_init(&out, SIZE_MAX);
    api_json_init(&w, &out);
    api_json_tree(&w, root);
    json_t *const back = json_loadb(out.data, out.len, JSON_DECODE_ANY, &error);
    FUZZ_CHECK(back != NULL, "%s, in %.*s", error.text, STR_ARG(buf_str(&out)));
    FUZZ_CHECK(json_equal(root, back), "another is read: %.*s", STR_ARG(buf_str(&out)));
    json_decref(back);
}

static void check_json(struct str text)
{
    struct api_jsonread r;
    json_error_t error;
    api_jsonread_init(&r, text);
    (void)api_jsonread_skip(&r);
    const bool is_json = api_jsonread_end(&r);
    json_t *root = json_loadb(text.ptr, text.len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);
    /* jansson takes a NUL for the end. */
    FUZZ_CHECK(root == NULL || is_json || memchr(text.ptr, '\0', text.len) != NULL, "jansson takes it: %s", r.why);
    FUZZ_CHECK(root != NULL || !is_json || fuzz_is_beyond_jansson(text, &error), "jansson refuses it: %s", error.text);
    if (json_is_string(root) && is_json)
        check_decoded(text, root);
    json_decref(root);
    root = json_loadb(text.ptr, text.len, JSON_DECODE_ANY, &error);
    if (root != NULL)
        check_written(root);
    json_decref(root);
}

/* --- writing */

static json_t *written(const struct buf *out)
{
    json_error_t error;
    json_t *const value = json_loadb(out->data, out->len, JSON_DECODE_ANY, &error);
    FUZZ_CHECK(value != NULL, "%s, in %.*s", error.text, STR_ARG(buf_str(out)));
    return value;
}

static void check_double(uint64_t bits)
{
    AUTO(buf) struct buf out;
    struct api_json w;
    double value;
    memcpy(&value, &bits, sizeof value);
    for (int is_real = 0; is_real < 2; is_real++) {
        buf_init(&out, SIZE_MAX);
        api_json_init(&w, &out);
        if (is_real)
            api_json_real(&w, value);
        else
            api_json_f64(&w, value);
        json_t *const back = written(&out);
        FUZZ_CHECK(isfinite(value) ? json_is_number(back) : json_is_null(back), "%.17g is %.*s", value, STR_ARG(buf_str(&out)));
        FUZZ_CHECK(!isfinite(value) || !is_real || json_is_real(back), "%.17g is an integer: %.*s", value, STR_ARG(buf_str(&out)));
        buf_putc(&out, '\0');
        if (isfinite(value))
            FUZZ_CHECK(strtod(out.data, NULL) == value, "%.17g is %s", value, out.data);
        json_decref(back);
        buf_close(&out);
    }
}

static void check_text(struct str text)
{
    if (!fuzz_is_clean(text))
        return;
    AUTO(buf) struct buf out;
    struct api_json w;
    buf_init(&out, SIZE_MAX);
    api_json_init(&w, &out);
    api_json_open(&w, '{');
    api_json_key_str(&w, text);
    api_json_str(&w, text);
    api_json_close(&w, '}');
    json_t *const back = written(&out);
    const char *key;
    json_t *value;
    json_object_foreach(back, key, value) {
        const struct str read = {json_string_value(value), json_string_length(value)};
        FUZZ_CHECK(str_equal(read, text) && str_equal(str_of(key), text), "another text is read");
    }
    json_decref(back);
}

/* What is stored is a jsonb, of which jansson reads all but numbers that are too large; and it overlooks a NUL here and there. */
static void check_attributes(struct str text)
{
    if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)
        return;
    json_t *const root = json_loadb(text.ptr, text.len, 0, NULL);
    if (root == NULL)
        return;
    AUTO(buf) struct buf out;
    struct api_json w;
    buf_init(&out, SIZE_MAX);
    api_json_init(&w, &out);
    if (json_is_object(root))
        api_put_attributes(&w, text);
    else
        api_put_span_parts(&w, text);
    json_t *const back = written(&out);
    FUZZ_CHECK(json_is_array(back), "no list: %.*s", STR_ARG(buf_str(&out)));
    json_decref(back);
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_input_of(data, size);
    switch (fuzz_byte(&in) % 4) {
    case 0: check_json(in.rest); break;
    case 1: check_double(fuzz_u64(&in)); break;
    case 2: check_text(in.rest); break;
    default: check_attributes(in.rest); break;
    }
    return 0;
}
