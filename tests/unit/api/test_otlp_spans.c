#include <inttypes.h>
#include <stdio.h>

#include "tests/check_main.h"
#include "tests/otlp/decoded.h"
#include "tests/otlp/from_json.h"

#define TRACE "5b8efff798038103d269b633813fc60c"
#define SPAN "eee19b7ec3c1b174"
#define START "\"startTimeUnixNano\":\"1767225500000000000\""
#define IN_REQUEST(spans)                                                                              \
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"          \
    "{\"stringValue\":\"cart\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"lib\"},\"spans\":[" spans "]}]}]}"
#define A_SPAN(more) "{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN "\"," START more "}"

static struct tests_otlp_decoded d;

static void end(void)
{
    tests_otlp_close(&d);
}

static void decode_json(const char *json)
{
    tests_otlp_decode(&d, DB_SIGNAL_TRACES, DB_ENCODING_JSON, str_of(json));
    ck_assert_msg(d.code == OK, "%s", d.e.message);
}

static void has(const char *wanted)
{
    ck_assert_msg(strstr(d.text.data, wanted) != NULL, "no %s in\n%s", wanted, d.text.data);
}

START_TEST(every_field_arrives_from_both_encodings)
{
    tests_otlp_decode_both(&d, DB_SIGNAL_TRACES,
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"cart\"}},"
        "{\"key\":\"n\",\"value\":{\"intValue\":\"-7\"}}],\"droppedAttributesCount\":3,"
        "\"entityRefs\":[{\"type\":\"service\",\"idKeys\":[\"service.name\"]}]},\"schemaUrl\":\"https://r\","
        "\"scopeSpans\":[{\"scope\":{\"name\":\"lib\",\"version\":\"1.2\",\"attributes\":[{\"key\":\"s\",\"value\":{\"boolValue\":true}}],"
        "\"droppedAttributesCount\":4},\"schemaUrl\":\"https://s\",\"spans\":[{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN "\","
        "\"traceState\":\"a=b\",\"parentSpanId\":\"0102030405060708\",\"name\":\"GET /cart\",\"kind\":2,"
        "\"startTimeUnixNano\":\"1767225500000000001\",\"endTimeUnixNano\":\"1767225500000000009\","
        "\"attributes\":[{\"key\":\"http.route\",\"value\":{\"stringValue\":\"/cart\"}}],\"droppedAttributesCount\":5,"
        "\"events\":[{\"timeUnixNano\":\"1767225500000000002\",\"name\":\"exception\",\"attributes\":[{\"key\":\"exception.type\","
        "\"value\":{\"stringValue\":\"E\"}}],\"droppedAttributesCount\":6},{\"timeUnixNano\":\"1767225500000000003\",\"name\":\"b\"}],"
        "\"droppedEventsCount\":7,\"links\":[{\"traceId\":\"" TRACE "\",\"spanId\":\"0102030405060708\",\"traceState\":\"x=y\","
        "\"attributes\":[{\"key\":\"l\",\"value\":{\"doubleValue\":0.5}}],\"droppedAttributesCount\":8,\"flags\":257}],"
        "\"droppedLinksCount\":9,\"status\":{\"message\":\"it broke\",\"code\":2},\"flags\":769}]}]}]}");
    has("resource id=");
    has(" service=cart attributes={\"service.name\":\"cart\",\"n\":-7} schema_url=https://r dropped=3\n");
    has(" name=lib version=1.2 attributes={\"s\":true} schema_url=https://s dropped=4\n");
    has("span trace=" TRACE " span=" SPAN " parent=0102030405060708 name=GET /cart kind=2 status=2 message=it broke state=a=b "
        "flags=769 dropped=5 dropped_events=7 dropped_links=9 start=1767225500000000001 end=1767225500000000009 resource=0 scope=0 "
        "attributes={\"http.route\":\"/cart\"} ");
    has(" events=[{\"time_unix_nano\":\"1767225500000000002\",\"name\":\"exception\",\"attributes\":{\"exception.type\":\"E\"},"
        "\"dropped_attributes_count\":6},{\"time_unix_nano\":\"1767225500000000003\",\"name\":\"b\",\"attributes\":{},"
        "\"dropped_attributes_count\":0}] ");
    has(" links=[{\"trace_id\":\"" TRACE "\",\"span_id\":\"0102030405060708\",\"trace_state\":\"x=y\",\"attributes\":{\"l\":0.5},"
        "\"dropped_attributes_count\":8,\"flags\":257}]\n");
}
END_TEST

START_TEST(what_is_not_sent_is_empty)
{
    tests_otlp_decode_both(&d, DB_SIGNAL_TRACES,
                           "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[" A_SPAN("") "]}]}]}");
    has(" service=unknown_service attributes={} schema_url= dropped=0\n");
    has(" parent= name= kind=0 status=0 message= state= flags=0 ");
    has(" start=1767225500000000000 end=1767225500000000000 ");
    has(" attributes={} events=(absent) links=(absent)\n");
}
END_TEST

static const char *const empties[] = {
    "{}",
    "{\"resourceSpans\":[]}",
    "{\"resourceSpans\":[{}]}",
    "{\"resourceSpans\":[{\"resource\":{},\"scopeSpans\":[]}]}",
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[]},\"scopeSpans\":[{},{\"scope\":{},\"spans\":[]}]}]}",
};

START_TEST(empty_requests_and_envelopes_bring_nothing)
{
    tests_otlp_decode_both(&d, DB_SIGNAL_TRACES, empties[_i]);
    ck_assert_str_eq(d.text.data, "");
    ck_assert_int_eq(d.rejects.n_items, 0);
}
END_TEST

START_TEST(names_may_be_snake_case_and_enums_names)
{
    decode_json("{\"resource_spans\":[{\"scope_spans\":[{\"spans\":[{\"trace_id\":\"" TRACE "\",\"span_id\":\"" SPAN "\","
                "\"parent_span_id\":\"0102030405060708\",\"start_time_unix_nano\":1767225500000000001,"
                "\"end_time_unix_nano\":1767225500000000002,\"kind\":\"SPAN_KIND_CONSUMER\",\"dropped_events_count\":\"3\","
                "\"attributes\":[{\"key\":\"k\",\"value\":{\"string_value\":\"v\"}}],"
                "\"status\":{\"code\":\"STATUS_CODE_ERROR\"}}]}]}]}");
    has(" parent=0102030405060708 name= kind=5 status=2 ");
    has(" dropped_events=3 ");
    has(" start=1767225500000000001 end=1767225500000000002 ");
    has(" attributes={\"k\":\"v\"} ");
}
END_TEST

START_TEST(unknown_and_null_members_are_skipped)
{
    decode_json(IN_REQUEST("{\"traceId\":\"" TRACE "\",\"x\":{\"a\":[1,{\"b\":\"]}\"}]},\"spanId\":\"" SPAN "\",\"name\":null,"
                           "\"status\":null,\"attributes\":null,\"events\":null,\"kind\":99,\"traceStat\":1," START "}"));
    has(" name= kind=0 status=0 ");
}
END_TEST

START_TEST(ids_are_hex_of_any_case)
{
    decode_json(IN_REQUEST("{\"traceId\":\"5B8EFFF798038103D269B633813FC60C\",\"spanId\":\"EEE19b7ec3c1B174\"," START "}"));
    has("span trace=" TRACE " span=" SPAN " parent= ");
}
END_TEST

static const struct {
    const char *span, *why;
} refused[] = {
    {"{\"traceId\":\"00000000000000000000000000000000\",\"spanId\":\"" SPAN "\"," START "}", "trace id"},
    {"{\"traceId\":\"" TRACE "\",\"spanId\":\"0000000000000000\"," START "}", "span id"},
    {"{\"traceId\":\"5b8efff798038103d269b633813fc6\",\"spanId\":\"" SPAN "\"," START "}", "trace id"},
    {"{\"traceId\":\"" TRACE "00\",\"spanId\":\"" SPAN "\"," START "}", "trace id"},
    {"{\"traceId\":\"" TRACE "\",\"spanId\":\"eee19b7ec3c1\"," START "}", "span id"},
    {"{\"spanId\":\"" SPAN "\"," START "}", "trace id"},
    {"{\"traceId\":\"" TRACE "\"," START "}", "span id"},
    {"{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN "\",\"parentSpanId\":\"01\"," START "}", "parent span id"},
    {"{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN "\"}", "missing or 0"},
    {"{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN "\",\"startTimeUnixNano\":\"1767312000000000001\"}", "in the future"},
    {"{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN "\",\"startTimeUnixNano\":\"9223372036854775808\"}", "in the future"},
    {"{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN "\",\"endTimeUnixNano\":\"1767312000000000001\"," START "}", "end"},
};

START_TEST(a_bad_span_is_left_out_alone)
{
    struct buf json;
    buf_init(&json, 1 << 16);
    buf_printf(&json, IN_REQUEST("%s,%s"), refused[_i].span, A_SPAN(",\"name\":\"good\""));
    buf_putc(&json, '\0');
    tests_otlp_decode_both(&d, DB_SIGNAL_TRACES, json.data);
    ck_assert_uint_eq(d.batch.spans.n, 1);
    has(" name=good ");
    ck_assert_int_eq(d.rejects.n_items, 1);
    ck_assert_msg(strstr(d.rejects.reasons, refused[_i].why) != NULL, "%s", d.rejects.reasons);
    buf_close(&json);
}
END_TEST

#define GOOD_LINK "{\"traceId\":\"" TRACE "\",\"spanId\":\"0102030405060708\"}"
#define LINKED(bad) IN_REQUEST(A_SPAN(",\"droppedLinksCount\":2,\"links\":[" bad "," GOOD_LINK "," bad "]"))

static const char *const badly_linked[] = {
    LINKED("{}"),
    LINKED("{\"spanId\":\"" SPAN "\"}"),
    LINKED("{\"traceId\":\"" TRACE "\"}"),
    LINKED("{\"traceId\":\"00000000000000000000000000000000\",\"spanId\":\"" SPAN "\"}"),
    LINKED("{\"traceId\":\"" TRACE "\",\"spanId\":\"0000000000000000\"}"),
    LINKED("{\"traceId\":\"" TRACE "\",\"spanId\":\"eee19b\"}"),
};

START_TEST(a_bad_link_is_dropped_and_counted)
{
    tests_otlp_decode_both(&d, DB_SIGNAL_TRACES, badly_linked[_i]);
    ck_assert_uint_eq(d.batch.spans.n, 1);
    has(" dropped_links=4 ");
    has(" links=[{\"trace_id\":\"" TRACE "\",\"span_id\":\"0102030405060708\",\"trace_state\":\"\",\"attributes\":{},"
        "\"dropped_attributes_count\":0,\"flags\":0}]\n");
    ck_assert_int_eq(d.rejects.n_items, 0);
    ck_assert_ptr_nonnull(strstr(d.rejects.reasons, "link"));
}
END_TEST

START_TEST(dropped_links_have_a_bound)
{
    tests_otlp_decode_both(&d, DB_SIGNAL_TRACES, IN_REQUEST(A_SPAN(",\"links\":[{}],\"droppedLinksCount\":4294967295")));
    has(" dropped_links=4294967295 ");
    has(" links=(absent)\n");
}
END_TEST

START_TEST(hex_that_is_not_hex_is_a_bad_id)
{
    decode_json(IN_REQUEST("{\"traceId\":\"5b8efff798038103d269b633813fc60g\",\"spanId\":\"" SPAN "\"," START "}"));
    ck_assert_int_eq(d.rejects.n_items, 1);
    ck_assert_uint_eq(d.batch.resources.n, 0);
    ck_assert_uint_eq(d.batch.scopes.n, 0);
}
END_TEST

START_TEST(a_reason_is_told_once)
{
    decode_json(IN_REQUEST("{},{},{},{\"traceId\":\"" TRACE "\"}"));
    ck_assert_int_eq(d.rejects.n_items, 4);
    const char *first = strstr(d.rejects.reasons, "trace id must");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(strstr(first + 1, "trace id must"));
    ck_assert_ptr_nonnull(strstr(d.rejects.reasons, "; a span's span id must"));
}
END_TEST

START_TEST(an_end_before_the_start_is_the_start)
{
    tests_otlp_decode_both(&d, DB_SIGNAL_TRACES, IN_REQUEST(A_SPAN(",\"endTimeUnixNano\":\"5\"")));
    has(" start=1767225500000000000 end=1767225500000000000 ");
}
END_TEST

START_TEST(a_day_ahead_and_any_past_are_welcome)
{
    tests_otlp_decode_both(&d, DB_SIGNAL_TRACES,
        IN_REQUEST("{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN "\",\"startTimeUnixNano\":\"1767312000000000000\"},"
                   "{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN "\",\"startTimeUnixNano\":\"1\"}"));
    ck_assert_uint_eq(d.batch.spans.n, 2);
}
END_TEST

START_TEST(days_past_the_bound_are_left_out)
{
    enum { N_DAYS = API_OTLP_DAYS_MAX + 3, ITEM_MAX = 160 };
    static char json[N_DAYS * 2 * ITEM_MAX] = "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[";
    /* Each day twice, the second time in another order: those taken stay welcome. */
    for (int i = 0; i < 2 * N_DAYS; i++) {
        const size_t n = strlen(json);
        const int day = i < N_DAYS ? i : 2 * N_DAYS - 1 - i;
        (void)snprintf(json + n, sizeof json - n, "%s{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN "\",\"startTimeUnixNano\":\"%" PRId64 "\"}",
                       i == 0 ? "" : ",", (INT64_C(19000) + day) * NS_PER_DAY + i);
    }
    (void)strcat(json, "]}]}]}");
    tests_otlp_decode_both(&d, DB_SIGNAL_TRACES, json);
    ck_assert_uint_eq(d.batch.spans.n, 2 * API_OTLP_DAYS_MAX);
    ck_assert_int_eq(d.rejects.n_items, 2 * (N_DAYS - API_OTLP_DAYS_MAX));
    ck_assert_ptr_nonnull(strstr(d.rejects.reasons, "more than 32 days"));
}
END_TEST

START_TEST(what_is_older_than_the_retention_is_left_out)
{
    const char *json = IN_REQUEST("{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN "\",\"startTimeUnixNano\":\"1767225499999999999\"}," A_SPAN(""));
    tests_otlp_decode_kept(&d, &(struct api_otlp_input){DB_SIGNAL_TRACES, DB_ENCODING_JSON, str_of(json), TESTS_OTLP_NOW_NS,
                                                        TESTS_OTLP_NOW_NS - INT64_C(1767225500000000000)});
    ck_assert_uint_eq(d.batch.spans.n, 1);
    ck_assert_int_eq(d.rejects.n_items, 1);
    ck_assert_ptr_nonnull(strstr(d.rejects.reasons, "TRACEKIN_RETENTION"));
}
END_TEST

START_TEST(a_resource_may_follow_its_spans)
{
    decode_json("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[" A_SPAN("") "],\"scope\":{\"name\":\"late\"}}],"
                "\"resource\":{\"attributes\":[{\"value\":{\"stringValue\":\"cart\"},\"key\":\"service.name\"}]}}]}");
    has(" service=cart attributes={\"service.name\":\"cart\"} ");
    has(" name=late ");
}
END_TEST

START_TEST(raw_slices_are_what_was_sent)
{
    decode_json(IN_REQUEST(A_SPAN("")));
    ck_assert(str_equal(d.batch.spans.items[0].raw, STR(A_SPAN(""))));
    ck_assert(str_equal(d.batch.scopes.items[0].raw, STR("{\"name\":\"lib\"}")));
    ck_assert(str_starts_with(d.batch.resources.items[0].raw, STR("{\"attributes\":[{\"key\":\"service.name\"")));
}
END_TEST

static TCase *span_cases(void)
{
    TCase *c = tcase_create("spans");
    tcase_add_checked_fixture(c, NULL, end);
    tcase_add_test(c, every_field_arrives_from_both_encodings);
    tcase_add_test(c, what_is_not_sent_is_empty);
    tcase_add_loop_test(c, empty_requests_and_envelopes_bring_nothing, 0, (int)ARRAY_LEN(empties));
    tcase_add_test(c, names_may_be_snake_case_and_enums_names);
    tcase_add_test(c, unknown_and_null_members_are_skipped);
    tcase_add_test(c, ids_are_hex_of_any_case);
    tcase_add_loop_test(c, a_bad_span_is_left_out_alone, 0, (int)ARRAY_LEN(refused));
    tcase_add_loop_test(c, a_bad_link_is_dropped_and_counted, 0, (int)ARRAY_LEN(badly_linked));
    tcase_add_test(c, dropped_links_have_a_bound);
    tcase_add_test(c, hex_that_is_not_hex_is_a_bad_id);
    tcase_add_test(c, a_reason_is_told_once);
    tcase_add_test(c, an_end_before_the_start_is_the_start);
    tcase_add_test(c, a_day_ahead_and_any_past_are_welcome);
    tcase_add_test(c, days_past_the_bound_are_left_out);
    tcase_add_test(c, what_is_older_than_the_retention_is_left_out);
    tcase_add_test(c, a_resource_may_follow_its_spans);
    tcase_add_test(c, raw_slices_are_what_was_sent);
    return c;
}

CHECK_MAIN("api/otlp spans", span_cases)
