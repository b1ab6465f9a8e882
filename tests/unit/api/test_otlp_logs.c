#include "tests/check_main.h"
#include "tests/otlp/decoded.h"
#include "tests/otlp/from_json.h"

#define TIME "\"timeUnixNano\":\"1767225500000000000\""
#define IN_REQUEST(records) "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[" records "]}]}]}"
#define BODY(value) IN_REQUEST("{" TIME ",\"body\":" value "}")
#define STRING(text) "{\"stringValue\":\"" text "\"}"
#define PAIR(key, value) "{\"key\":\"" key "\",\"value\":" value "}"
#define MAP(pairs) "{\"kvlistValue\":{\"values\":[" pairs "]}}"

static struct tests_otlp_decoded d;

static void end(void)
{
    tests_otlp_close(&d);
}

static void decode(const char *json)
{
    tests_otlp_decode_both(&d, DB_SIGNAL_LOGS, json);
}

static void has(const char *wanted)
{
    ck_assert_msg(strstr(d.text.data, wanted) != NULL, "no %s in\n%s", wanted, d.text.data);
}

START_TEST(every_field_arrives_from_both_encodings)
{
    decode("{\"resourceLogs\":[{\"resource\":{\"attributes\":[" PAIR("service.name", STRING("cart")) "]},\"schemaUrl\":\"u\","
           "\"scopeLogs\":[{\"scope\":{\"name\":\"lib\"},\"logRecords\":[{" TIME ",\"observedTimeUnixNano\":\"1767225500000000001\","
           "\"severityNumber\":18,\"severityText\":\"ERROR2\",\"body\":" STRING("it broke") ","
           "\"attributes\":[" PAIR("a", "{\"intValue\":\"1\"}") "],\"droppedAttributesCount\":2,\"flags\":1,"
           "\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"eee19b7ec3c1b174\",\"eventName\":\"exception\"}]}]}]}");
    has(" trace=5b8efff798038103d269b633813fc60c span=eee19b7ec3c1b174 time=1767225500000000000 observed=1767225500000000001 "
        "severity=18 severity_text=ERROR2 event=exception flags=1 dropped=2 resource=0 scope=0 body=it broke body_json=(absent) "
        "attributes={\"a\":1}\n");
}
END_TEST

static const struct {
    const char *record, *wanted;
} times[] = {
    {"{" TIME ",\"observedTimeUnixNano\":\"1767225500000000001\"}", " time=1767225500000000000 observed=1767225500000000001 "},
    {"{\"observedTimeUnixNano\":\"1767225500000000001\"}", " time=1767225500000000001 observed=1767225500000000001 "},
    {"{}", " time=1767225600000000000 observed=0 "},
    {"{" TIME ",\"observedTimeUnixNano\":\"9223372036854775808\"}", " time=1767225500000000000 observed=0 "},
};

START_TEST(the_observed_time_stands_in)
{
    struct buf json;
    buf_init(&json, 1 << 16);
    buf_printf(&json, IN_REQUEST("%s"), times[_i].record);
    buf_putc(&json, '\0');
    decode(json.data);
    has(times[_i].wanted);
    buf_close(&json);
}
END_TEST

static const struct {
    const char *text;
    int number;
} levels[] = {
    {"TRACE", 1}, {"debug", 5},  {"Info", 9},      {" INFORMATION ", 9}, {"notice", 9}, {"WARN", 13},  {"warning", 13}, {"err", 17},
    {"ERROR", 17}, {"crit", 18}, {"critical", 18}, {"alert", 19},        {"FATAL", 21}, {"emerg", 21}, {"panic", 21},   {"loud", 0},
};

START_TEST(severity_comes_from_the_text_when_there_is_no_number)
{
    struct buf json;
    buf_init(&json, 1 << 16);
    buf_printf(&json, IN_REQUEST("{" TIME ",\"severityText\":\"%s\"},{" TIME ",\"severityText\":\"%s\",\"severityNumber\":3}"),
               levels[_i].text, levels[_i].text);
    buf_putc(&json, '\0');
    decode(json.data);
    ck_assert_int_eq(d.batch.logs.items[0].severity, levels[_i].number);
    ck_assert_int_eq(d.batch.logs.items[1].severity, 3);
    ck_assert(str_equal(d.batch.logs.items[0].severity_text, str_of(levels[_i].text)));
    buf_close(&json);
}
END_TEST

START_TEST(severity_names_are_numbers_too)
{
    const char *json = IN_REQUEST("{" TIME ",\"severityNumber\":\"SEVERITY_NUMBER_WARN3\"},{" TIME ",\"severityNumber\":\"x\"},"
                                  "{" TIME ",\"severityNumber\":25},{" TIME ",\"severityNumber\":\"24\"}");
    static const int wanted[] = {15, 0, 0, 24};
    tests_otlp_decode(&d, DB_SIGNAL_LOGS, DB_ENCODING_JSON, str_of(json));
    ck_assert_int_eq(d.code, OK);
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        ck_assert_int_eq(d.batch.logs.items[i].severity, wanted[i]);
}
END_TEST

static const struct {
    const char *json, *wanted;
} bodies[] = {
    {BODY(STRING("plain")), " body=plain body_json=(absent) "},
    {BODY(STRING("")), " body= body_json=(absent) "},
    {BODY(STRING("a\\\"b\\nc\\u00e9")), " body=a\"b\nc\xc3\xa9 body_json=(absent) "},
    {BODY("{\"intValue\":\"5\"}"), " body=5 body_json=5 "},
    {BODY("{\"boolValue\":false}"), " body=false body_json=false "},
    {BODY("{\"arrayValue\":{\"values\":[" STRING("a") ",{\"intValue\":\"1\"}]}}"), " body=[\"a\",1] body_json=[\"a\",1] "},
    {BODY(MAP(PAIR("k", STRING("v")))), " body={\"k\":\"v\"} body_json={\"k\":\"v\"} "},
    {BODY(MAP(PAIR("message", STRING("it \\\"broke\\\"")) "," PAIR("k", STRING("v")))),
     " body=it \"broke\" body_json={\"message\":\"it \\\"broke\\\"\",\"k\":\"v\"} "},
    {BODY(MAP(PAIR("msg", STRING("short")))), " body=short body_json={\"msg\":\"short\"} "},
    {BODY(MAP(PAIR("message", STRING("long")) "," PAIR("msg", STRING("short")))), " body=long "},
    {BODY(MAP(PAIR("msg", STRING("short")) "," PAIR("message", STRING("long")))), " body=long "},
    {BODY(MAP(PAIR("message", "{\"intValue\":\"1\"}"))), " body={\"message\":1} "},
    {BODY(MAP(PAIR("a", MAP(PAIR("message", STRING("inner")))))), " body={\"a\":{\"message\":\"inner\"}} "},
    {BODY("{}"), " body= body_json=(absent) "},
    {IN_REQUEST("{" TIME "}"), " body= body_json=(absent) "},
};

START_TEST(a_body_has_a_text_whatever_it_is)
{
    decode(bodies[_i].json);
    has(bodies[_i].wanted);
}
END_TEST

static const struct {
    const char *record, *why;
} refused[] = {
    {"{" TIME ",\"traceId\":\"5b8e\"}", "trace id"},
    {"{" TIME ",\"spanId\":\"5b8e\"}", "span id"},
    {"{\"timeUnixNano\":\"1767312000000000001\"}", "in the future"},
    {"{\"observedTimeUnixNano\":\"1767312000000000001\"}", "in the future"},
};

START_TEST(a_bad_record_is_left_out_alone)
{
    struct buf json;
    buf_init(&json, 1 << 16);
    buf_printf(&json, IN_REQUEST("%s,{" TIME "}"), refused[_i].record);
    buf_putc(&json, '\0');
    decode(json.data);
    ck_assert_uint_eq(d.batch.logs.n, 1);
    ck_assert_int_eq(d.rejects.n_items, 1);
    ck_assert_msg(strstr(d.rejects.reasons, refused[_i].why) != NULL, "%s", d.rejects.reasons);
    buf_close(&json);
}
END_TEST

START_TEST(an_id_of_zeros_is_none)
{
    decode(IN_REQUEST("{" TIME ",\"traceId\":\"00000000000000000000000000000000\",\"spanId\":\"0000000000000000\"}"));
    has(" trace= span= time=");
    ck_assert_int_eq(d.rejects.n_items, 0);
}
END_TEST

#define EQUAL "{" TIME ",\"body\":" STRING("again") "}"

START_TEST(equal_records_of_a_request_are_told_apart)
{
    decode(IN_REQUEST(EQUAL ",{" TIME ",\"body\":" STRING("other") "}," EQUAL "," EQUAL));
    const struct db_log *const logs = d.batch.logs.items;
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++)
            ck_assert_mem_ne(logs[i].log_id, logs[j].log_id, sizeof logs[i].log_id);
}
END_TEST

START_TEST(the_same_request_gives_the_same_ids)
{
    struct tests_otlp_decoded again;
    const char *json = IN_REQUEST(EQUAL "," EQUAL ",{" TIME "}");
    decode(json);
    tests_otlp_decode(&again, DB_SIGNAL_LOGS, DB_ENCODING_JSON, str_of(json));
    ck_assert_str_eq(d.text.data, again.text.data);
    tests_otlp_close(&again);
}
END_TEST

/* Each differs from the first in one thing. */
START_TEST(whatever_differs_changes_the_id)
{
    static const char *const requests[] = {
        IN_REQUEST(EQUAL),
        IN_REQUEST("{\"timeUnixNano\":\"1767225500000000001\",\"body\":" STRING("again") "}"),
        IN_REQUEST("{" TIME ",\"body\":" STRING("Again") "}"),
        IN_REQUEST("{" TIME ",\"body\":" STRING("again") ",\"observedTimeUnixNano\":\"1\"}"),
        IN_REQUEST("{" TIME ",\"body\":" STRING("again") ",\"severityNumber\":1}"),
        IN_REQUEST("{" TIME ",\"body\":" STRING("again") ",\"severityText\":\"x\"}"),
        IN_REQUEST("{" TIME ",\"body\":" STRING("again") ",\"eventName\":\"x\"}"),
        IN_REQUEST("{" TIME ",\"body\":" STRING("again") ",\"flags\":1}"),
        IN_REQUEST("{" TIME ",\"body\":" STRING("again") ",\"spanId\":\"eee19b7ec3c1b174\"}"),
        IN_REQUEST("{" TIME ",\"body\":" STRING("again") ",\"attributes\":[" PAIR("a", STRING("b")) "]}"),
        "{\"resourceLogs\":[{\"resource\":{\"attributes\":[" PAIR("a", STRING("b")) "]},\"scopeLogs\":[{\"logRecords\":[" EQUAL "]}]}]}",
        "{\"resourceLogs\":[{\"scopeLogs\":[{\"scope\":{\"name\":\"s\"},\"logRecords\":[" EQUAL "]}]}]}",
    };
    uint8_t ids[ARRAY_LEN(requests)][sizeof d.batch.logs.items->log_id];
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        if (i > 0)
            end();
        decode(requests[i]);
        memcpy(ids[i], d.batch.logs.items[0].log_id, sizeof ids[i]);
        for (size_t j = 0; j < i; j++)
            ck_assert_mem_ne(ids[i], ids[j], sizeof ids[i]);
    }
}
END_TEST

START_TEST(many_equal_records_take_no_time)
{
    struct buf json;
    enum { N_RECORDS = 50000 };
    buf_init(&json, 64 << 20);
    buf_puts(&json, STR("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{}"));
    for (size_t i = 1; i < N_RECORDS; i++)
        buf_puts(&json, STR(",{}"));
    buf_puts(&json, STR("]}]}]}"));
    tests_otlp_decode(&d, DB_SIGNAL_LOGS, DB_ENCODING_JSON, buf_str(&json));
    ck_assert_uint_eq(d.batch.logs.n, N_RECORDS);
    buf_close(&json);
}
END_TEST

static TCase *log_cases(void)
{
    TCase *c = tcase_create("logs");
    tcase_add_checked_fixture(c, NULL, end);
    tcase_add_test(c, every_field_arrives_from_both_encodings);
    tcase_add_loop_test(c, the_observed_time_stands_in, 0, (int)ARRAY_LEN(times));
    tcase_add_loop_test(c, severity_comes_from_the_text_when_there_is_no_number, 0, (int)ARRAY_LEN(levels));
    tcase_add_test(c, severity_names_are_numbers_too);
    tcase_add_loop_test(c, a_body_has_a_text_whatever_it_is, 0, (int)ARRAY_LEN(bodies));
    tcase_add_loop_test(c, a_bad_record_is_left_out_alone, 0, (int)ARRAY_LEN(refused));
    tcase_add_test(c, an_id_of_zeros_is_none);
    tcase_add_test(c, equal_records_of_a_request_are_told_apart);
    tcase_add_test(c, the_same_request_gives_the_same_ids);
    tcase_add_test(c, whatever_differs_changes_the_id);
    tcase_add_test(c, many_equal_records_take_no_time);
    return c;
}

CHECK_MAIN("api/otlp logs", log_cases)
