/* What protobuf allows beyond what one encoder writes, and bytes that are no request at all. */
#include "api/otlp/wire.h"
#include "core/mem.h"
#include "tests/check_main.h"
#include "tests/otlp/decoded.h"
#include "tests/otlp/from_json.h"

enum { BYTES_MAX = 1 << 20, N_DAMAGES = 5000 };

static struct tests_otlp_decoded d;
static struct buf proto;

static void start(void)
{
    buf_init(&proto, BYTES_MAX);
}

static void end(void)
{
    tests_otlp_close(&d);
    buf_close(&proto);
}

static void has(const char *wanted)
{
    ck_assert_msg(strstr(d.text.data, wanted) != NULL, "no %s in\n%s", wanted, d.text.data);
}

static void put_field(struct buf *b, uint32_t number, struct str bytes)
{
    ck_assert(number < 16 && bytes.len < 128);
    buf_putc(b, (char)(number << 3 | API_WIRE_BYTES));
    buf_putc(b, (char)bytes.len);
    buf_puts(b, bytes);
}

/* Wraps what is in b into field number of an outer message. */
static void wrap(struct buf *b, uint32_t number)
{
    char inner[256];
    ck_assert(b->len < sizeof inner);
    const struct str bytes = {inner, b->len};
    memcpy(inner, b->data, b->len);
    buf_clear(b);
    put_field(b, number, bytes);
}

static enum err decode(enum db_signal signal)
{
    tests_otlp_decode(&d, signal, DB_ENCODING_PROTOBUF, buf_str(&proto));
    return d.code;
}

#define IDS "\x0a\x10" "0123456789abcdef" "\x12\x08" "01234567"
#define START "\x39\x00\x00\x00\x00\x00\x00\x00\x10"

START_TEST(unknown_fields_and_types_are_skipped)
{
    /* Field 15 as a number, field 5 (the name) as one, and a field of each type far out. */
    put_field(&proto, 2, STR(IDS START "\x78\x01" "\x28\x01" "\xa0\x3f\x01" "\xa1\x3f\x01\x02\x03\x04\x05\x06\x07\x08"
                             "\xa2\x3f\x02zz" "\xa5\x3f\x01\x02\x03\x04" "\x2a\x04name"));
    wrap(&proto, 2);
    wrap(&proto, 1);
    ck_assert_msg(decode(DB_SIGNAL_TRACES) == OK, "%s", d.e.message);
    has(" name=name kind=0 status=0 ");
}
END_TEST

START_TEST(sub_messages_merge_and_scalars_keep_the_last)
{
    /* Resource twice, scope twice, status in two halves, the name twice. */
    put_field(&proto, 2, STR(IDS START "\x2a\x01" "a" "\x7a\x04\x12\x02no" "\x2a\x01" "b" "\x7a\x02\x18\x02"));
    put_field(&proto, 1, STR("\x0a\x01s"));
    put_field(&proto, 1, STR("\x12\x01v"));
    wrap(&proto, 2);
    put_field(&proto, 1, STR("\x0a\x07\x0a\x01x\x12\x02\x18\x01"));
    put_field(&proto, 1, STR("\x0a\x07\x0a\x01y\x12\x02\x18\x02\x10\x03"));
    wrap(&proto, 1);
    ck_assert_msg(decode(DB_SIGNAL_TRACES) == OK, "%s", d.e.message);
    has(" service=unknown_service attributes={\"x\":1,\"y\":2} schema_url= dropped=3\n");
    has(" name=s version=v ");
    has(" name=b kind=0 status=2 message=no ");
}
END_TEST

#define POINT_TIME "\x19\x00\x00\x00\x00\x00\x00\x00\x10"
#define COUNT_1 "\x01\x00\x00\x00\x00\x00\x00\x00"
#define COUNT_2 "\x02\x00\x00\x00\x00\x00\x00\x00"

static void decode_histogram(struct str point)
{
    put_field(&proto, 1, point);
    wrap(&proto, 9);
    put_field(&proto, 1, STR("h"));
    wrap(&proto, 2);
    wrap(&proto, 2);
    wrap(&proto, 1);
    ck_assert_msg(decode(DB_SIGNAL_METRICS) == OK, "%s", d.e.message);
}

START_TEST(repeated_numbers_may_be_packed)
{
    decode_histogram(STR(POINT_TIME "\x32\x10" COUNT_1 COUNT_2 "\x3a\x08\x00\x00\x00\x00\x00\x00\xf0\x3f"));
    has(" detail={\"bucket_counts\":[1,2],\"explicit_bounds\":[1.0]} ");
}
END_TEST

START_TEST(repeated_numbers_may_come_one_by_one)
{
    decode_histogram(STR(POINT_TIME "\x31" COUNT_1 "\x31" COUNT_2 "\x39\x00\x00\x00\x00\x00\x00\xf0\x3f"));
    has(" detail={\"bucket_counts\":[1,2],\"explicit_bounds\":[1.0]} ");
}
END_TEST

START_TEST(repeated_numbers_may_come_both_ways)
{
    decode_histogram(STR(POINT_TIME "\x31" COUNT_1 "\x32\x10" COUNT_2 COUNT_1 "\x31" COUNT_2));
    has(" detail={\"bucket_counts\":[1,2,1,2],\"explicit_bounds\":[]} ");
}
END_TEST

START_TEST(the_last_kind_of_a_metric_counts)
{
    put_field(&proto, 1, STR("m"));
    put_field(&proto, 5, STR("\x0a\x09" POINT_TIME));
    put_field(&proto, 7, STR("\x0a\x09" POINT_TIME "\x18\x01"));
    wrap(&proto, 2);
    wrap(&proto, 2);
    wrap(&proto, 1);
    ck_assert_msg(decode(DB_SIGNAL_METRICS) == OK, "%s", d.e.message);
    ck_assert_uint_eq(d.batch.points.n, 1);
    has(" kind=2 temporality=0 monotonic=1 ");
}
END_TEST

static const struct str not_protobuf[] = {
    STR("{\"resourceSpans\":[]}"),
    STR("\x0a"),
    STR("\x0a\x05\x0a"),
    STR("\x0a\x02\x12\x01"),
    STR("\x0a\x04\x12\x02\x12\x01"),
    STR("\x0b\x0c"),
    STR("\x0a\x02\x0b\x0c"),
    STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
};

START_TEST(bytes_that_are_not_protobuf_fail_the_request)
{
    buf_puts(&proto, not_protobuf[_i]);
    ck_assert_int_eq(decode(DB_SIGNAL_TRACES), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(d.e.message, "the protobuf is wrong at byte "));
}
END_TEST

START_TEST(an_error_says_where_it_is)
{
    /* A span whose second field is cut: the fault is 4 bytes into it, 6 bytes into the request. */
    put_field(&proto, 2, STR("\x28\x01\x12\x09" "1234567"));
    wrap(&proto, 2);
    wrap(&proto, 1);
    ck_assert_int_eq(decode(DB_SIGNAL_TRACES), ERR_INVALID);
    ck_assert_str_eq(d.e.message, "the protobuf is wrong at byte 10, in Span: a length reaches past the end");
    tests_otlp_close(&d);
    const char *json = "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":5}]}]}]}";
    tests_otlp_decode(&d, DB_SIGNAL_TRACES, DB_ENCODING_JSON, str_of(json));
    ck_assert_str_eq(d.e.message, "the JSON is wrong at byte 51, in Span: here a string is due");
}
END_TEST

/* One request of each signal that uses every kind of field. */
static const char *const requests[] = {
    [DB_SIGNAL_TRACES] =
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"s\"}}]},"
        "\"scopeSpans\":[{\"scope\":{\"name\":\"n\"},\"spans\":[{\"traceId\":\"0102030405060708090a0b0c0d0e0f10\","
        "\"spanId\":\"0102030405060708\",\"name\":\"x\\u00e9\",\"startTimeUnixNano\":\"1\",\"attributes\":[{\"key\":\"a\",\"value\":"
        "{\"arrayValue\":{\"values\":[{\"boolValue\":true},{\"doubleValue\":1.5},{\"bytesValue\":\"AQI=\"},{\"kvlistValue\":"
        "{\"values\":[{\"key\":\"b\",\"value\":{\"intValue\":\"-1\"}}]}}]}}}],\"events\":[{\"name\":\"e\"}],\"links\":[{\"flags\":1}],"
        "\"status\":{\"code\":1}}]}]}]}",
    [DB_SIGNAL_LOGS] =
        "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"1\",\"severityNumber\":9,\"body\":{\"kvlistValue\":"
        "{\"values\":[{\"key\":\"message\",\"value\":{\"stringValue\":\"m\\n\"}}]}}},{\"timeUnixNano\":\"1\"},{\"timeUnixNano\":\"1\"}]}]}]}",
    [DB_SIGNAL_METRICS] =
        "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"h\",\"histogram\":{\"dataPoints\":[{\"timeUnixNano\":\"1\","
        "\"bucketCounts\":[\"1\"],\"explicitBounds\":[0.5],\"exemplars\":[{\"asDouble\":2.5,\"traceId\":\"0102030405060708090a0b0c0d0e0f10\"}]}]}},"
        "{\"name\":\"e\",\"exponentialHistogram\":{\"dataPoints\":[{\"timeUnixNano\":\"1\",\"scale\":-1,\"positive\":{\"offset\":-1,"
        "\"bucketCounts\":[\"300\"]}}]}},{\"name\":\"s\",\"summary\":{\"dataPoints\":[{\"timeUnixNano\":\"1\",\"quantileValues\":[{\"quantile\":1}]}]}}]}]}]}",
};

/* Decodes a copy of exactly n bytes, so that a read past them is seen. */
static enum err decode_exactly(enum db_signal signal, enum db_encoding encoding, const char *bytes, size_t n)
{
    char *copy = mem_alloc(n);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, n);
    tests_otlp_close(&d);
    tests_otlp_decode(&d, signal, encoding, (struct str){copy, n});
    mem_free(copy);
    return d.code;
}

START_TEST(no_prefix_of_json_is_a_request)
{
    const struct str json = str_of(requests[_i]);
    ck_assert_int_eq(decode_exactly((enum db_signal)_i, DB_ENCODING_JSON, json.ptr, json.len), OK);
    for (size_t n = 0; n < json.len; n++)
        ck_assert_int_eq(decode_exactly((enum db_signal)_i, DB_ENCODING_JSON, json.ptr, n), ERR_INVALID);
}
END_TEST

START_TEST(a_prefix_of_protobuf_is_one_only_when_it_is_empty)
{
    tests_otlp_from_json((enum db_signal)_i, requests[_i], &proto);
    ck_assert_int_eq(decode_exactly((enum db_signal)_i, DB_ENCODING_PROTOBUF, proto.data, proto.len), OK);
    ck_assert_int_eq(decode_exactly((enum db_signal)_i, DB_ENCODING_PROTOBUF, proto.data, 0), OK);
    for (size_t n = 1; n < proto.len; n++)
        ck_assert_int_eq(decode_exactly((enum db_signal)_i, DB_ENCODING_PROTOBUF, proto.data, n), ERR_INVALID);
}
END_TEST

/* Bytes changed at random: whatever comes of it, it is a batch or an error. */
static void damage(enum db_signal signal, enum db_encoding encoding, struct str whole)
{
    uint32_t random = 12345;
    char bytes[2048];
    ck_assert(whole.len < sizeof bytes);
    for (size_t i = 0; i < N_DAMAGES; i++) {
        memcpy(bytes, whole.ptr, whole.len);
        for (int n = 0; n < 3; n++) {
            random = random * 1664525 + 1013904223;
            bytes[(random >> 8) % whole.len] = (char)(random >> 24);
        }
        const enum err code = decode_exactly(signal, encoding, bytes, whole.len);
        ck_assert(code == OK || code == ERR_INVALID);
    }
}

START_TEST(damaged_requests_are_batches_or_errors)
{
    tests_otlp_from_json((enum db_signal)_i, requests[_i], &proto);
    damage((enum db_signal)_i, DB_ENCODING_PROTOBUF, buf_str(&proto));
    damage((enum db_signal)_i, DB_ENCODING_JSON, str_of(requests[_i]));
}
END_TEST

START_TEST(rows_beyond_the_arena_are_too_many)
{
    struct api_otlp_rejects rejects;
    struct db_batch batch;
    struct err_info e = {.code = OK};
    struct arena small;
    for (size_t i = 0; i < 20000; i++)
        buf_puts(&proto, STR("\x0a\x0f\x12\x0d\x12\x0b\x09\x00\x00\x00\x00\x00\x00\x00\x10\x10\x09"));
    arena_init(&small, 1 << 20);
    const struct api_otlp_input in = {DB_SIGNAL_LOGS, DB_ENCODING_PROTOBUF, buf_str(&proto), TESTS_OTLP_NOW_NS, 0};
    ck_assert_int_eq(api_otlp_decode(&in, &small, &batch, &rejects, &e), ERR_TOO_LARGE);
    arena_close(&small);
    ck_assert_int_eq(decode(DB_SIGNAL_LOGS), OK);
    ck_assert_uint_eq(d.batch.logs.n, 20000);
}
END_TEST

static TCase *malformed_cases(void)
{
    TCase *c = tcase_create("malformed");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, start, end);
    tcase_add_test(c, unknown_fields_and_types_are_skipped);
    tcase_add_test(c, sub_messages_merge_and_scalars_keep_the_last);
    tcase_add_test(c, repeated_numbers_may_be_packed);
    tcase_add_test(c, repeated_numbers_may_come_one_by_one);
    tcase_add_test(c, repeated_numbers_may_come_both_ways);
    tcase_add_test(c, the_last_kind_of_a_metric_counts);
    tcase_add_loop_test(c, bytes_that_are_not_protobuf_fail_the_request, 0, (int)ARRAY_LEN(not_protobuf));
    tcase_add_test(c, an_error_says_where_it_is);
    tcase_add_loop_test(c, no_prefix_of_json_is_a_request, 0, 3);
    tcase_add_loop_test(c, a_prefix_of_protobuf_is_one_only_when_it_is_empty, 0, 3);
    tcase_add_loop_test(c, damaged_requests_are_batches_or_errors, 0, 3);
    tcase_add_test(c, rows_beyond_the_arena_are_too_many);
    return c;
}

CHECK_MAIN("api/otlp malformed", malformed_cases)
