/* The handlers up to the writer, and what they answer. What reaches the database is tested with a database. */
#include "api/otlp/otlp_reply.h"

#include <jansson.h>
#include <zlib.h>

#include "api/endpoint/dispatch.h"
#include "api/endpoint/problem.h"
#include "api/endpoint/routes.h"
#include "api/request/status.h"
#include "otlp.pb-c.h"
#include "tests/check_main.h"
#include "tests/otlp/decoded.h"

enum { BODY_MAX = 1 << 16, ARENA_BYTES = 1 << 20 };

static int64_t fixed_now(void)
{
    return TESTS_OTLP_NOW_NS;
}

static struct arena arena;
static const struct api_world world = {.body_max_bytes = BODY_MAX, .wall_ns = fixed_now};
static struct api_req req;
static struct api_reply reply;

static void start(void)
{
    arena_init(&arena, ARENA_BYTES);
    req = (struct api_req){.world = &world, .method = STR("POST"), .target = STR("/v1/traces"), .arena = &arena,
                           .content_type = STR("application/json"), .body = STR("{}")};
    reply = (struct api_reply){.status = 0};
    buf_init(&reply.body, BODY_MAX);
}

static void end(void)
{
    arena_close(&arena);
    buf_close(&reply.body);
}

static void dispatch(void)
{
    struct str allow = STR("");
    struct err_info e = {.code = OK};
    if (api_route_find(&req, &allow, &e) == OK)
        api_dispatch(&req, &reply);
    else
        api_reply_error(&req, &reply, &e);
}

static const char *header(const char *name)
{
    for (size_t i = 0; i < reply.n_headers; i++)
        if (strcmp(reply.headers[i].name, name) == 0)
            return reply.headers[i].value.ptr;
    return NULL;
}

static void is_status(int code, const char *part)
{
    json_error_t error;
    json_t *root = json_loadb(reply.body.data, reply.body.len, 0, &error);
    ck_assert_msg(root != NULL, "%s", error.text);
    ck_assert_int_eq(json_integer_value(json_object_get(root, "code")), code);
    const char *message = json_string_value(json_object_get(root, "message"));
    ck_assert_msg(strstr(message, part) != NULL, "%s", message);
    ck_assert(json_is_array(json_object_get(root, "details")));
    ck_assert_str_eq(reply.content_type, "application/json");
    json_decref(root);
}

static const char *const paths[] = {"/v1/traces", "/v1/logs", "/v1/metrics"};

START_TEST(an_empty_request_succeeds_in_json)
{
    req.target = str_of(paths[_i]);
    req.content_type = STR(" Application/JSON ; charset=utf-8");
    dispatch();
    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply.content_type, "application/json");
    ck_assert(str_equal(buf_str(&reply.body), STR("{}")));
}
END_TEST

START_TEST(an_empty_request_succeeds_in_protobuf)
{
    req.target = str_of(paths[_i]);
    req.content_type = STR("application/x-protobuf");
    req.content_encoding = STR("identity");
    req.body = STR("");
    dispatch();
    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply.content_type, "application/x-protobuf");
    ck_assert_uint_eq(reply.body.len, 0);
}
END_TEST

static const struct {
    const char *path, *json, *member;
} bad_items[] = {
    {"/v1/traces", "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{},{}]}]}]}", "rejectedSpans"},
    {"/v1/logs", "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"spanId\":\"1\"},{\"spanId\":\"1\"}]}]}]}", "rejectedLogRecords"},
    {"/v1/metrics", "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"gauge\":{\"dataPoints\":[{},{}]}}]}]}]}", "rejectedDataPoints"},
};

START_TEST(rejected_items_are_told_in_json)
{
    json_error_t error;
    req.target = str_of(bad_items[_i].path);
    req.body = str_of(bad_items[_i].json);
    dispatch();
    ck_assert_int_eq(reply.status, 200);
    json_t *root = json_loadb(reply.body.data, reply.body.len, 0, &error);
    const json_t *partial = json_object_get(root, "partialSuccess");
    ck_assert_str_eq(json_string_value(json_object_get(partial, bad_items[_i].member)), "2");
    ck_assert_uint_gt(json_string_length(json_object_get(partial, "errorMessage")), 10);
    json_decref(root);
}
END_TEST

START_TEST(rejected_items_are_told_in_protobuf)
{
    req.content_type = STR("application/x-protobuf");
    req.body = STR("\x0a\x06\x12\x04\x12\x00\x12\x00");
    dispatch();
    ck_assert_int_eq(reply.status, 200);
    Otlp__ExportResponse *response = otlp__export_response__unpack(NULL, reply.body.len, (const uint8_t *)reply.body.data);
    ck_assert_ptr_nonnull(response);
    ck_assert_int_eq(response->partial_success->rejected, 2);
    ck_assert_ptr_nonnull(strstr(response->partial_success->error_message, "trace id"));
    otlp__export_response__free_unpacked(response, NULL);
}
END_TEST

START_TEST(a_warning_rejects_nothing)
{
    api_otlp_reply_done(&reply, DB_SIGNAL_LOGS, DB_ENCODING_JSON, 0, STR("a \"warning\""));
    ck_assert(str_equal(buf_str(&reply.body), STR("{\"partialSuccess\":{\"errorMessage\":\"a \\\"warning\\\"\"}}")));
    buf_clear(&reply.body);
    api_otlp_reply_done(&reply, DB_SIGNAL_LOGS, DB_ENCODING_PROTOBUF, 0, STR("warning"));
    ck_assert(str_equal(buf_str(&reply.body), STR("\x0a\x09\x12\x07warning")));
}
END_TEST

static const struct {
    struct str content_type, content_encoding, body;
    int status;
    const char *part;
} failures[] = {
    {STR("application/json"), {NULL, 0}, STR("{\"resourceSpans\":"), 400, "the JSON is wrong at byte 17"},
    {STR("application/json"), {NULL, 0}, STR("{} x"), 400, "in the request: "},
    {STR("application/json"), {NULL, 0}, STR(""), 400, "byte 0"},
    {STR("application/json"), STR("gzip"), STR("{}"), 400, "gzip"},
    {STR("application/json"), STR("gzip"), STR(""), 400, "cut short"},
    {STR("application/json"), STR("zstd"), STR("{}"), 415, "gzip"},
    {STR("text/plain"), {NULL, 0}, STR("{}"), 415, "application/x-protobuf"},
    {STR("application/jsonx"), {NULL, 0}, STR("{}"), 415, "application/json"},
    {{NULL, 0}, {NULL, 0}, STR("{}"), 415, "application/json"},
};

START_TEST(a_failure_is_a_status)
{
    req.content_type = failures[_i].content_type;
    req.content_encoding = failures[_i].content_encoding;
    req.body = failures[_i].body;
    dispatch();
    ck_assert_int_eq(reply.status, failures[_i].status);
    is_status(3, failures[_i].part);
}
END_TEST

START_TEST(a_failure_in_protobuf_is_a_status_in_protobuf)
{
    req.content_type = STR("application/x-protobuf; x=y");
    req.body = STR("\x0a\x05");
    dispatch();
    ck_assert_int_eq(reply.status, 400);
    ck_assert_str_eq(reply.content_type, "application/x-protobuf");
    Otlp__RpcStatus *status = otlp__rpc_status__unpack(NULL, reply.body.len, (const uint8_t *)reply.body.data);
    ck_assert_ptr_nonnull(status);
    ck_assert_int_eq(status->code, 3);
    ck_assert_ptr_nonnull(strstr(status->message, "the protobuf is wrong at byte 2"));
    ck_assert_uint_eq(status->n_details, 1);
    Otlp__BadRequest *bad = otlp__bad_request__unpack(NULL, status->details[0]->value.len, status->details[0]->value.data);
    ck_assert_str_eq(status->details[0]->type_url, "type.googleapis.com/google.rpc.BadRequest");
    ck_assert_str_eq(bad->field_violations[0]->description, status->message);
    otlp__bad_request__free_unpacked(bad, NULL);
    otlp__rpc_status__free_unpacked(status, NULL);
}
END_TEST

START_TEST(another_method_is_405)
{
    req.method = STR("GET");
    dispatch();
    ck_assert_int_eq(reply.status, 405);
    is_status(12, "POST");
}
END_TEST

/* n blanks before "{}", compressed. */
static void set_gzip(size_t n_blanks)
{
    static char plain[BODY_MAX * 2];
    static unsigned char gzip[BODY_MAX];
    memset(plain, ' ', sizeof plain);
    memcpy(plain + n_blanks, "{}", 2);
    z_stream z = {.avail_in = (unsigned)n_blanks + 2, .next_out = gzip, .avail_out = sizeof gzip};
    z.next_in = (unsigned char *)plain;
    ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    req.content_encoding = STR("GZIP");
    req.body = (struct str){(const char *)gzip, z.total_out};
    deflateEnd(&z);
}

START_TEST(gzip_is_unpacked_up_to_the_bound)
{
    set_gzip(BODY_MAX - 2);
    dispatch();
    ck_assert_int_eq(reply.status, 200);
    buf_clear(&reply.body);
    set_gzip(BODY_MAX - 1);
    dispatch();
    ck_assert_int_eq(reply.status, 413);
    is_status(3, "larger than 65536 bytes");
}
END_TEST

static const struct {
    enum err code;
    int status, grpc_code;
    const char *retry_after, *says;
} troubles[] = {
    {ERR_BUSY, 503, 14, "1", "the reason"},      {ERR_UNAVAILABLE, 503, 14, "5", "the reason"},
    {ERR_NOMEM, 503, 14, "5", "the reason"},     {ERR_TIMEOUT, 503, 14, "5", "send it again"},
    {ERR_OUTCOME_UNKNOWN, 503, 4, "1", "the reason"},
    {ERR_INTERNAL, 500, 13, NULL, "the reason"}, {ERR_TOO_LARGE, 413, 3, NULL, "the reason"},
};

START_TEST(trouble_of_ours_can_be_tried_again)
{
    struct err_info e = {.code = OK};
    (void)ERR_SET(&e, troubles[_i].code, "the reason");
    reply.status = api_status_of(e.code); /* as an error of any route gets it first */
    api_otlp_reply_error(&req, &reply, &e);
    ck_assert_int_eq(reply.status, troubles[_i].status);
    is_status(troubles[_i].grpc_code, troubles[_i].says);
    const char *retry_after = header("Retry-After");
    if (troubles[_i].retry_after == NULL)
        ck_assert_ptr_null(retry_after);
    else
        ck_assert_str_eq(retry_after, troubles[_i].retry_after);
}
END_TEST

static TCase *reply_cases(void)
{
    TCase *c = tcase_create("reply");
    tcase_add_checked_fixture(c, start, end);
    tcase_add_loop_test(c, an_empty_request_succeeds_in_json, 0, (int)ARRAY_LEN(paths));
    tcase_add_loop_test(c, an_empty_request_succeeds_in_protobuf, 0, (int)ARRAY_LEN(paths));
    tcase_add_loop_test(c, rejected_items_are_told_in_json, 0, (int)ARRAY_LEN(bad_items));
    tcase_add_test(c, rejected_items_are_told_in_protobuf);
    tcase_add_test(c, a_warning_rejects_nothing);
    tcase_add_loop_test(c, a_failure_is_a_status, 0, (int)ARRAY_LEN(failures));
    tcase_add_test(c, a_failure_in_protobuf_is_a_status_in_protobuf);
    tcase_add_test(c, another_method_is_405);
    tcase_add_test(c, gzip_is_unpacked_up_to_the_bound);
    tcase_add_loop_test(c, trouble_of_ours_can_be_tried_again, 0, (int)ARRAY_LEN(troubles));
    return c;
}

CHECK_MAIN("api/otlp reply", reply_cases)
