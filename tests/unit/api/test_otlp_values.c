/* AnyValue, attributes and text: as attributes of a log record, or as its body. */
#include "tests/check_main.h"
#include "tests/otlp/decoded.h"
#include "tests/otlp/from_json.h"

#define TIME "\"timeUnixNano\":\"1767225500000000000\""
#define IN_REQUEST(records) "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[" records "]}]}]}"
#define ATTRIBUTES(pairs) IN_REQUEST("{" TIME ",\"attributes\":[" pairs "]}")
#define PAIR(value) "{\"key\":\"k\",\"value\":" value "}"
#define LIST(values) "{\"arrayValue\":{\"values\":[" values "]}}"
#define MAP(pairs) "{\"kvlistValue\":{\"values\":[" pairs "]}}"

enum { JSON_BYTES = 4 << 20 };

static struct tests_otlp_decoded d;
static struct buf json;

static void start(void)
{
    buf_init(&json, JSON_BYTES);
}

static void end(void)
{
    tests_otlp_close(&d);
    buf_close(&json);
}

static struct str attributes(void)
{
    ck_assert_uint_eq(d.batch.logs.n, 1);
    return d.batch.logs.items[0].attributes;
}

static void attributes_are(const char *wanted)
{
    ck_assert_msg(str_equal(attributes(), str_of(wanted)), "%.*s instead of %s", STR_ARG(attributes()), wanted);
}

static void decode_json(struct str text)
{
    tests_otlp_decode(&d, DB_SIGNAL_LOGS, DB_ENCODING_JSON, text);
    ck_assert_msg(d.code == OK, "%s", d.e.message);
}

static const struct {
    const char *json, *wanted;
} kinds[] = {
    {ATTRIBUTES(""), "{}"},
    {ATTRIBUTES(PAIR("{\"stringValue\":\"v\"}")), "{\"k\":\"v\"}"},
    {ATTRIBUTES(PAIR("{\"stringValue\":\"\"}")), "{\"k\":\"\"}"},
    {ATTRIBUTES(PAIR("{\"stringValue\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\"}")), "{\"k\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\"}"},
    {ATTRIBUTES(PAIR("{\"stringValue\":\"\\u00e9\\ud83d\\ude00\"}")), "{\"k\":\"\xc3\xa9\xf0\x9f\x98\x80\"}"},
    {ATTRIBUTES(PAIR("{\"stringValue\":\"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\"}")),
     "{\"k\":\"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\"}"},
    {ATTRIBUTES(PAIR("{\"boolValue\":true}") "," PAIR("{\"boolValue\":false}")), "{\"k\":true,\"k\":false}"},
    {ATTRIBUTES(PAIR("{\"intValue\":\"-9223372036854775808\"}")), "{\"k\":-9223372036854775808}"},
    {ATTRIBUTES(PAIR("{\"intValue\":9223372036854775807}")), "{\"k\":9223372036854775807}"},
    {ATTRIBUTES(PAIR("{\"intValue\":0}")), "{\"k\":0}"},
    {ATTRIBUTES(PAIR("{\"doubleValue\":1}")), "{\"k\":1.0}"},
    {ATTRIBUTES(PAIR("{\"doubleValue\":-0.25}")), "{\"k\":-0.25}"},
    {ATTRIBUTES(PAIR("{\"doubleValue\":0.1}")), "{\"k\":0.1}"},
    {ATTRIBUTES(PAIR("{\"doubleValue\":12.050}")), "{\"k\":12.05}"},
    {ATTRIBUTES(PAIR("{\"doubleValue\":1e300}")), "{\"k\":1e+300}"},
    {ATTRIBUTES(PAIR("{\"doubleValue\":5e-324}")), "{\"k\":4.94065645841247e-324}"},
    {ATTRIBUTES(PAIR("{\"doubleValue\":9007199254740993.0}")), "{\"k\":9007199254740992.0}"},
    {ATTRIBUTES(PAIR("{\"doubleValue\":1e17}")), "{\"k\":100000000000000000.0}"},
    {ATTRIBUTES(PAIR("{\"doubleValue\":-9223372036854775808.0}")), "{\"k\":-9223372036854775808.0}"},
    {ATTRIBUTES(PAIR("{\"doubleValue\":9223372036854775808.0}")), "{\"k\":9223372036854775808.0}"},
    {ATTRIBUTES(PAIR("{\"doubleValue\":9223372036854777856.0}")), "{\"k\":9.223372036854778e+18}"},
    {ATTRIBUTES(PAIR("{\"doubleValue\":\"NaN\"}")), "{\"k\":{\"doubleValue\":\"NaN\"}}"},
    {ATTRIBUTES(PAIR("{\"doubleValue\":\"Infinity\"}")), "{\"k\":{\"doubleValue\":\"Infinity\"}}"},
    {ATTRIBUTES(PAIR("{\"doubleValue\":\"-Infinity\"}")), "{\"k\":{\"doubleValue\":\"-Infinity\"}}"},
    {ATTRIBUTES(PAIR("{\"bytesValue\":\"AAEC/w==\"}")), "{\"k\":{\"bytesValue\":\"AAEC/w==\"}}"},
    {ATTRIBUTES(PAIR("{\"bytesValue\":\"\"}")), "{\"k\":{\"bytesValue\":\"\"}}"},
    {ATTRIBUTES(PAIR("{}")), "{\"k\":null}"},
    {ATTRIBUTES("{\"key\":\"k\"}"), "{\"k\":null}"},
    {ATTRIBUTES("{\"value\":{\"intValue\":1}}"), "{\"\":1}"},
    {ATTRIBUTES("{\"value\":{\"intValue\":1},\"key\":\"late\"}," PAIR("{\"intValue\":2}")), "{\"late\":1,\"k\":2}"},
    {ATTRIBUTES(PAIR(LIST(""))), "{\"k\":[]}"},
    {ATTRIBUTES(PAIR(LIST("{\"intValue\":1},{},{\"stringValue\":\"{\"},{\"stringValue\":\"[\"}," LIST("") "," MAP("")))),
     "{\"k\":[1,null,\"{\",\"[\",[],{}]}"},
    {ATTRIBUTES(PAIR(MAP("{\"key\":\"a\",\"value\":" LIST("{\"boolValue\":true}") "},{\"key\":\"b\",\"value\":{\"intValue\":1}}"))),
     "{\"k\":{\"a\":[true],\"b\":1}}"},
    {ATTRIBUTES("{\"key\":\"a\\\"b\",\"value\":{\"intValue\":1}}"), "{\"a\\\"b\":1}"},
};

START_TEST(each_kind_of_value_becomes_json)
{
    tests_otlp_decode_both(&d, DB_SIGNAL_LOGS, kinds[_i].json);
    attributes_are(kinds[_i].wanted);
}
END_TEST

static const struct {
    const char *json, *wanted;
} tolerated[] = {
    {ATTRIBUTES(PAIR("{\"int_value\":\"1\"}")), "{\"k\":1}"},
    {ATTRIBUTES(PAIR("{\"array_value\":{\"values\":[{\"bool_value\":true}]}}")), "{\"k\":[true]}"},
    {ATTRIBUTES(PAIR("{\"kvlist_value\":{\"values\":[]}}")), "{\"k\":{}}"},
    {ATTRIBUTES(PAIR("{\"bytes_value\":\"AA\"}")), "{\"k\":{\"bytesValue\":\"AA==\"}}"},
    {ATTRIBUTES(PAIR("{\"intValue\":1e3}")), "{\"k\":1000}"},
    {ATTRIBUTES(PAIR("{\"intValue\":\"1.0\"}")), "{\"k\":1}"},
    {ATTRIBUTES(PAIR("{\"doubleValue\":\"2.5\"}")), "{\"k\":2.5}"},
    {ATTRIBUTES(PAIR("{\"boolValue\":\"true\"}")), "{\"k\":true}"},
    {ATTRIBUTES(PAIR("null")), "{\"k\":null}"},
    {ATTRIBUTES(PAIR("{\"stringValue\":null}")), "{\"k\":null}"},
    {ATTRIBUTES(PAIR("{\"arrayValue\":{}}")), "{\"k\":[]}"},
    {ATTRIBUTES(PAIR("{\"arrayValue\":{\"values\":null}}")), "{\"k\":[]}"},
    {ATTRIBUTES(PAIR("{\"newValue\":{\"a\":[1]}}")), "{\"k\":null}"},
    {ATTRIBUTES(PAIR("{\"stringValue\":\"first\",\"intValue\":\"2\"}")), "{\"k\":2}"},
    {ATTRIBUTES("{\"value\":" LIST("{\"intValue\":1}") ",\"key\":\"late\",\"x\":1}"), "{\"late\":[1]}"},
};

START_TEST(loose_json_is_understood)
{
    decode_json(str_of(tolerated[_i].json));
    attributes_are(tolerated[_i].wanted);
}
END_TEST

static const char *const wrong[] = {
    ATTRIBUTES(PAIR("{\"intValue\":\"x\"}")),
    ATTRIBUTES(PAIR("{\"intValue\":9223372036854775808}")),
    ATTRIBUTES(PAIR("{\"intValue\":1.5}")),
    ATTRIBUTES(PAIR("{\"intValue\":true}")),
    ATTRIBUTES(PAIR("{\"stringValue\":5}")),
    ATTRIBUTES(PAIR("{\"boolValue\":1}")),
    ATTRIBUTES(PAIR("{\"doubleValue\":\"nan\"}")),
    ATTRIBUTES(PAIR("{\"bytesValue\":\"A\"}")),
    ATTRIBUTES(PAIR("{\"bytesValue\":\"?\"}")),
    ATTRIBUTES(PAIR("5")),
    ATTRIBUTES("5"),
    IN_REQUEST("{\"timeUnixNano\":-1}"),
    IN_REQUEST("{\"timeUnixNano\":\"18446744073709551616\"}"),
    IN_REQUEST("{\"flags\":4294967296}"),
    IN_REQUEST("{\"traceId\":5}"),
    IN_REQUEST("{\"attributes\":{}}"),
    "{\"resourceLogs\":{}}",
    "[]",
    "",
    "null,",
};

START_TEST(json_of_another_type_fails_the_request)
{
    tests_otlp_decode(&d, DB_SIGNAL_LOGS, DB_ENCODING_JSON, str_of(wrong[_i]));
    ck_assert_int_eq(d.code, ERR_INVALID);
    ck_assert_int_eq(d.e.code, ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(d.e.message, "the JSON is wrong at byte "));
}
END_TEST

/* A value within n lists. */
static void put_nested(struct buf *b, size_t n, bool is_map)
{
    for (size_t i = 0; i < n; i++)
        buf_puts(b, is_map ? STR("{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":") : STR("{\"arrayValue\":{\"values\":["));
    buf_puts(b, STR("{\"intValue\":1}"));
    for (size_t i = 0; i < n; i++)
        buf_puts(b, is_map ? STR("}]}}") : STR("]}}"));
}

static void put_request(size_t n, bool is_map, const char *before, const char *after)
{
    buf_puts(&json, str_of(before));
    put_nested(&json, n, is_map);
    buf_puts(&json, str_of(after));
    buf_putc(&json, '\0');
}

#define BEFORE "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{" TIME "},{" TIME ",\"attributes\":[{\"key\":\"k\",\"value\":"
#define AFTER "}]}]}]}]}"

START_TEST(the_deepest_value_allowed_passes)
{
    put_request(API_OTLP_DEPTH_MAX - 1, _i != 0, BEFORE, AFTER);
    tests_otlp_decode_both(&d, DB_SIGNAL_LOGS, json.data);
    ck_assert_uint_eq(d.batch.logs.n, 2);
    ck_assert_int_eq(d.rejects.n_items, 0);
}
END_TEST

START_TEST(one_level_more_costs_the_item)
{
    put_request(API_OTLP_DEPTH_MAX, _i != 0, BEFORE, AFTER);
    tests_otlp_decode_both(&d, DB_SIGNAL_LOGS, json.data);
    ck_assert_uint_eq(d.batch.logs.n, 1);
    ck_assert_int_eq(d.rejects.n_items, 1);
    ck_assert_ptr_nonnull(strstr(d.rejects.reasons, "deeper than 64"));
}
END_TEST

START_TEST(a_body_too_deep_costs_the_item)
{
    put_request(API_OTLP_DEPTH_MAX, false, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{" TIME ",\"body\":", "}]}]}]}");
    tests_otlp_decode_both(&d, DB_SIGNAL_LOGS, json.data);
    ck_assert_uint_eq(d.batch.logs.n, 0);
    ck_assert_int_eq(d.rejects.n_items, 1);
}
END_TEST

START_TEST(a_resource_too_deep_costs_its_items)
{
    put_request(API_OTLP_DEPTH_MAX, false,
                "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{" TIME "},{" TIME "}]}],\"resource\":{\"attributes\":["
                "{\"key\":\"k\",\"value\":",
                "}]}},{\"scopeLogs\":[{\"logRecords\":[{" TIME "}]}]}]}");
    tests_otlp_decode_both(&d, DB_SIGNAL_LOGS, json.data);
    ck_assert_uint_eq(d.batch.logs.n, 1);
    ck_assert_uint_eq(d.batch.resources.n, 1);
    ck_assert_uint_eq(d.batch.logs.items[0].resource, 0);
    ck_assert_int_eq(d.rejects.n_items, 2);
}
END_TEST

START_TEST(a_bomb_of_brackets_is_survived)
{
    put_request(1000, _i != 0, BEFORE, AFTER);
    tests_otlp_decode(&d, DB_SIGNAL_LOGS, DB_ENCODING_JSON, (struct str){json.data, json.len - 1});
    ck_assert(d.code == OK ? d.batch.logs.n == 1 && d.rejects.n_items == 1 : d.code == ERR_INVALID);
    tests_otlp_close(&d);
    buf_clear(&json);
    put_request(30000, _i != 0, BEFORE, AFTER);
    tests_otlp_decode(&d, DB_SIGNAL_LOGS, DB_ENCODING_JSON, (struct str){json.data, json.len - 1});
    ck_assert_int_eq(d.code, ERR_INVALID);
}
END_TEST

START_TEST(bad_text_is_repaired_in_its_field)
{
    decode_json(STR(IN_REQUEST("{" TIME ",\"body\":{\"stringValue\":\"a\xff\xfe b\"},\"severityText\":\"\\u0000x\\ud800\","
                               "\"attributes\":[{\"key\":\"\xc3(\",\"value\":{\"stringValue\":\"\xed\xa0\x80\"}}]}")));
    const struct db_log *const log = &d.batch.logs.items[0];
    ck_assert(str_equal(log->body, STR("a\xef\xbf\xbd\xef\xbf\xbd b")));
    ck_assert(str_equal(log->severity_text, STR("\xef\xbf\xbdx\xef\xbf\xbd")));
    attributes_are("{\"\xef\xbf\xbd(\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}");
}
END_TEST

START_TEST(bad_text_is_repaired_in_protobuf)
{
    static const char body[] = "\x0a\x1a\x12\x18\x12\x16\x09\x00\x00\x00\x00\x00\x00\x00\x10\x1a\x04"
                               "a\x00\xff"
                               "b\x2a\x05\x0a\x03\xe2\x82z";
    tests_otlp_decode(&d, DB_SIGNAL_LOGS, DB_ENCODING_PROTOBUF, (struct str){body, sizeof body - 1});
    ck_assert_msg(d.code == OK, "%s", d.e.message);
    ck_assert_uint_eq(d.batch.logs.n, 1);
    ck_assert(str_equal(d.batch.logs.items[0].severity_text, STR("a\xef\xbf\xbd\xef\xbf\xbd"
                                                                 "b")));
    ck_assert(str_equal(d.batch.logs.items[0].body, STR("\xef\xbf\xbdz")));
}
END_TEST

START_TEST(long_strings_are_cut_and_counted)
{
    buf_puts(&json, STR("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{" TIME ",\"severityText\":\""));
    for (size_t i = 0; i < API_OTLP_STRING_MAX_BYTES / 2; i++)
        buf_puts(&json, STR("\\u00e9"));
    buf_puts(&json, STR("x\",\"body\":{\"stringValue\":\""));
    for (size_t i = 0; i <= API_OTLP_BODY_MAX_BYTES; i++)
        buf_putc(&json, 'b');
    buf_puts(&json, STR("\"}}]}]}]}"));
    buf_putc(&json, '\0');
    tests_otlp_decode_both(&d, DB_SIGNAL_LOGS, json.data);
    ck_assert_uint_eq(d.batch.logs.items[0].severity_text.len, API_OTLP_STRING_MAX_BYTES);
    ck_assert_uint_eq(d.batch.logs.items[0].body.len, API_OTLP_BODY_MAX_BYTES);
    ck_assert_int_eq(d.rejects.n_cut, 2);
    ck_assert_int_eq(d.rejects.n_items, 0);
}
END_TEST

static TCase *value_cases(void)
{
    TCase *c = tcase_create("values");
    tcase_add_checked_fixture(c, start, end);
    tcase_add_loop_test(c, each_kind_of_value_becomes_json, 0, (int)ARRAY_LEN(kinds));
    tcase_add_loop_test(c, loose_json_is_understood, 0, (int)ARRAY_LEN(tolerated));
    tcase_add_loop_test(c, json_of_another_type_fails_the_request, 0, (int)ARRAY_LEN(wrong));
    tcase_add_loop_test(c, the_deepest_value_allowed_passes, 0, 2);
    tcase_add_loop_test(c, one_level_more_costs_the_item, 0, 2);
    tcase_add_test(c, a_body_too_deep_costs_the_item);
    tcase_add_test(c, a_resource_too_deep_costs_its_items);
    tcase_add_loop_test(c, a_bomb_of_brackets_is_survived, 0, 2);
    tcase_add_test(c, bad_text_is_repaired_in_its_field);
    tcase_add_test(c, bad_text_is_repaired_in_protobuf);
    tcase_add_test(c, long_strings_are_cut_and_counted);
    return c;
}

CHECK_MAIN("api/otlp values", value_cases)
