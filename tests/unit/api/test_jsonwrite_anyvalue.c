/* Stored attributes, events and spans as OTLP/JSON again. */
#include <jansson.h>

#include "api/otlp/anyvalue.h"
#include "api/otlp/span_otlp.h"
#include "tests/check_main.h"

static struct buf out;

static void setup(void)
{
    buf_init(&out, 1 << 22);
}

static void teardown(void)
{
    buf_close(&out);
}

/* Compares what put writes of stored with the expected JSON, both as values. */
static void assert_writes(void (*put)(struct api_json *w, struct str stored), const char *stored, const char *expected)
{
    struct api_json w;
    buf_clear(&out);
    api_json_init(&w, &out);
    put(&w, str_of(stored));
    json_t *have = json_loadb(out.data, out.len, 0, NULL);
    json_t *want = json_loads(expected, 0, NULL);
    ck_assert_msg(have != NULL && want != NULL && json_equal(have, want), "%s gives %.*s", stored, (int)out.len, out.data);
    json_decref(have);
    json_decref(want);
}

START_TEST(attributes)
{
    static const struct {
        const char *stored, *otlp;
    } cases[] = {
        {NULL, "[]"},
        {"{}", "[]"},
        {"{\"a\": \"x\\\"}\", \"b\": 1}",
         "[{\"key\":\"a\",\"value\":{\"stringValue\":\"x\\\"}\"}},{\"key\":\"b\",\"value\":{\"intValue\":\"1\"}}]"},
        {"{\"a\":-9223372036854775808}", "[{\"key\":\"a\",\"value\":{\"intValue\":\"-9223372036854775808\"}}]"},
        {"{\"a\":1.0}", "[{\"key\":\"a\",\"value\":{\"doubleValue\":1.0}}]"},
        {"{\"a\":100000000000000000000.0}", "[{\"key\":\"a\",\"value\":{\"doubleValue\":1e20}}]"},
        {"{\"a\":true,\"b\":null}", "[{\"key\":\"a\",\"value\":{\"boolValue\":true}},{\"key\":\"b\",\"value\":{}}]"},
        {"{\"a\":[1, \"x\", [], {}]}",
         "[{\"key\":\"a\",\"value\":{\"arrayValue\":{\"values\":[{\"intValue\":\"1\"},{\"stringValue\":\"x\"},"
         "{\"arrayValue\":{\"values\":[]}},{\"kvlistValue\":{\"values\":[]}}]}}}]"},
        {"{\"a\":{\"b\":{\"c\":false}}}",
         "[{\"key\":\"a\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"b\",\"value\":{\"kvlistValue\":{\"values\":"
         "[{\"key\":\"c\",\"value\":{\"boolValue\":false}}]}}}]}}}]"},
        {"{\"a\":{\"bytesValue\": \"AAEC\"}}", "[{\"key\":\"a\",\"value\":{\"bytesValue\":\"AAEC\"}}]"},
        {"{\"a\":{\"doubleValue\":\"NaN\"}}", "[{\"key\":\"a\",\"value\":{\"doubleValue\":\"NaN\"}}]"},
        {"{\"a\":{\"bytesValue\":\"\"}}", "[{\"key\":\"a\",\"value\":{\"bytesValue\":\"\"}}]"},
        {"{\"a\":{\"doubleValue\":\"-Infinity\"}}", "[{\"key\":\"a\",\"value\":{\"doubleValue\":\"-Infinity\"}}]"},
        {"{\"a\":{\"bytesValue\":\"zz zz\"}}",
         "[{\"key\":\"a\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"bytesValue\",\"value\":{\"stringValue\":\"zz zz\"}}]}}}]"},
        {"{\"a\":{\"bytesValue\":\"AA\"}}",
         "[{\"key\":\"a\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"bytesValue\",\"value\":{\"stringValue\":\"AA\"}}]}}}]"},
        {"{\"a\":{\"bytesValue\":\"AA\\n=\"}}",
         "[{\"key\":\"a\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"bytesValue\",\"value\":{\"stringValue\":\"AA\\n=\"}}]}}}]"},
        {"{\"a\":{\"doubleValue\":\"many\"}}",
         "[{\"key\":\"a\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"doubleValue\",\"value\":{\"stringValue\":\"many\"}}]}}}]"},
        {"{\"a\":{\"doubleValue\":\"nan\"}}",
         "[{\"key\":\"a\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"doubleValue\",\"value\":{\"stringValue\":\"nan\"}}]}}}]"},
        {"{\"a\":{\"bytesValue\":\"AA\",\"b\":1}}",
         "[{\"key\":\"a\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"bytesValue\",\"value\":{\"stringValue\":\"AA\"}},"
         "{\"key\":\"b\",\"value\":{\"intValue\":\"1\"}}]}}}]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_writes(api_put_attributes, cases[i].stored, cases[i].otlp);
}
END_TEST

START_TEST(events_and_links)
{
    assert_writes(api_put_span_parts, NULL, "[]");
    assert_writes(api_put_span_parts, "[]", "[]");
    assert_writes(api_put_span_parts,
                  "[{\"name\": \"exception\", \"attributes\": {\"a\": \"]}\"}, \"time_unix_nano\": \"5\","
                  " \"dropped_attributes_count\": 1}, {\"trace_id\": \"0a\", \"span_id\": \"0b\", \"trace_state\": \"\","
                  " \"flags\": 1, \"attributes\": {}}]",
                  "[{\"name\":\"exception\",\"attributes\":[{\"key\":\"a\",\"value\":{\"stringValue\":\"]}\"}}],"
                  "\"timeUnixNano\":\"5\",\"droppedAttributesCount\":1},{\"traceId\":\"0a\",\"spanId\":\"0b\","
                  "\"traceState\":\"\",\"flags\":1,\"attributes\":[]}]");
}
END_TEST

START_TEST(nesting_past_the_bound_ends)
{
    enum { DEPTH = 300 };
    AUTO(buf) struct buf deep;
    buf_init(&deep, 1 << 16);
    BUF_LITERAL(&deep, "{\"a\":");
    for (int i = 0; i < DEPTH; i++)
        BUF_LITERAL(&deep, "[");
    for (int i = 0; i < DEPTH; i++)
        BUF_LITERAL(&deep, "]");
    BUF_LITERAL(&deep, ",\"b\":1}");
    struct api_json w;
    api_json_init(&w, &out);
    api_put_attributes(&w, buf_str(&deep));
    json_t *have = json_loadb(out.data, out.len, 0, NULL);
    ck_assert_uint_eq(json_array_size(have), 2);
    json_decref(have);
}
END_TEST

START_TEST(spans_are_grouped_by_resource_and_scope)
{
    static const struct {
        int64_t resource_id, scope_id;
    } rows[] = {{1, 1}, {1, 1}, {1, 2}, {2, 2}};
    static const size_t n_scopes[] = {2, 1};
    struct api_span_otlp o;
    api_span_otlp_begin(&o, &out);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct db_span_row row = {.trace_id = {"0123456789abcdef", 16}, .span_id = {"01234567", 8},
                                        .resource_id = rows[i].resource_id, .scope_id = rows[i].scope_id, .name = STR("n")};
        api_span_otlp_put(&o, &row);
    }
    api_span_otlp_end(&o);
    json_t *root = json_loadb(out.data, out.len, 0, NULL);
    const json_t *resources = json_object_get(root, "resourceSpans");
    ck_assert_uint_eq(json_array_size(resources), 2);
    for (size_t i = 0; i < 2; i++)
        ck_assert_uint_eq(json_array_size(json_object_get(json_array_get(resources, i), "scopeSpans")), n_scopes[i]);
    json_decref(root);
}
END_TEST

START_TEST(no_spans_are_an_empty_request)
{
    struct api_span_otlp o;
    api_span_otlp_begin(&o, &out);
    api_span_otlp_end(&o);
    ck_assert(str_equal(buf_str(&out), STR("{\"resourceSpans\":[]}")));
}
END_TEST

static TCase *anyvalue_case(void)
{
    TCase *tc = tcase_create("anyvalue");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, attributes);
    tcase_add_test(tc, events_and_links);
    tcase_add_test(tc, nesting_past_the_bound_ends);
    tcase_add_test(tc, spans_are_grouped_by_resource_and_scope);
    tcase_add_test(tc, no_spans_are_an_empty_request);
    return tc;
}

CHECK_MAIN("api/anyvalue", anyvalue_case)
