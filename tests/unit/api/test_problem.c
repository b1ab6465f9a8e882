/* Dispatch, and errors as problem documents: read back by jansson. */
#include <jansson.h>

#include "api/endpoint/dispatch.h"
#include "api/endpoint/problem.h"
#include "api/request/params.h"
#include "api/request/route.h"
#include "api/request/status.h"
#include "core/log.h"
#include "tests/check_main.h"

static struct arena arena;
static struct api_reply reply;
static struct api_req req;
static struct err_info to_fail_with;

static int64_t stopped_clock(void)
{
    return INT64_C(1674981729000000000);
}

static const struct api_world world = {.wall_ns = stopped_clock};

/* Writes half an answer, then fails: none of it may be seen. */
static enum err give_up(struct api_req *r, struct api_reply *out, struct err_info *e)
{
    (void)r;
    buf_puts(&out->body, STR("{\"items\":["));
    out->status = 200;
    (void)api_reply_header(out, "X-Half", STR("yes"));
    *e = to_fail_with;
    return to_fail_with.code;
}

/* Fails without a word. */
static enum err fall_silent(struct api_req *r, struct api_reply *out, struct err_info *e)
{
    (void)r;
    (void)out;
    (void)e;
    return to_fail_with.code;
}

enum { FLOOD_BYTES = 4 * BUDGET_FREE_BYTES };

static enum err flood(struct api_req *r, struct api_reply *out, struct err_info *e)
{
    (void)r;
    (void)e;
    for (int n = 0; n < FLOOD_BYTES; n += 16)
        buf_puts(&out->body, STR("0123456789abcdef"));
    return OK;
}

static enum err greet(struct api_req *r, struct api_reply *out, struct err_info *e)
{
    (void)r;
    (void)e;
    buf_puts(&out->body, STR("{}"));
    return OK;
}

static const struct api_route failing = {.method = "GET", .path = "/fail", .name = "fail", .handler = give_up};
static const struct api_route silent = {.method = "GET", .path = "/silent", .name = "silent", .handler = fall_silent};
static const struct api_route flooding = {.method = "GET", .path = "/flood", .name = "flood", .handler = flood};
static const struct api_route greeting = {.method = "GET", .path = "/greet", .name = "greet", .handler = greet};

static void setup(void)
{
    log_set_fd(-1);
    arena_init(&arena, 1 << 20);
    reply = (struct api_reply){0};
    buf_init(&reply.body, 512);
    req = (struct api_req){.world = &world, .route = &failing, .arena = &arena, .target = STR("/fail"),
                           .request_id = STR("r1")};
    to_fail_with = (struct err_info){0};
}

static void teardown(void)
{
    buf_close(&reply.body);
    arena_close(&arena);
}

static json_t *problem(void)
{
    json_t *root = json_loadb(reply.body.data, reply.body.len, 0, NULL);
    ck_assert_msg(root != NULL, "%.*s", (int)reply.body.len, reply.body.data);
    return root;
}

static bool has_header(const char *name)
{
    for (size_t i = 0; i < reply.n_headers; i++)
        if (strcmp(reply.headers[i].name, name) == 0)
            return true;
    return false;
}

START_TEST(an_error_replaces_half_an_answer)
{
    (void)ERR_PARAM(&to_fail_with, "limit", "limit must be \"%d\"", 7);
    api_dispatch(&req, &reply);
    ck_assert_int_eq(reply.status, 400);
    ck_assert_str_eq(reply.content_type, "application/problem+json");
    ck_assert(!has_header("X-Half"));
    json_t *root = problem();
    ck_assert_str_eq(json_string_value(json_object_get(root, "type")), "urn:tracekin:problem:invalid");
    ck_assert_str_eq(json_string_value(json_object_get(root, "title")), "Bad Request");
    ck_assert_str_eq(json_string_value(json_object_get(root, "detail")), "limit must be \"7\"");
    ck_assert_str_eq(json_string_value(json_object_get(root, "parameter")), "limit");
    ck_assert_str_eq(json_string_value(json_object_get(root, "request_id")), "r1");
    ck_assert_int_eq(json_integer_value(json_object_get(root, "status")), 400);
    json_decref(root);
}
END_TEST

START_TEST(every_code_has_its_status)
{
    static const struct {
        enum err code;
        int status;
        bool may_retry;
    } cases[] = {
        {ERR_INVALID, 400, false},  {ERR_NOT_FOUND, 404, false}, {ERR_TOO_LARGE, 413, false}, {ERR_UNSUPPORTED, 415, false},
        {ERR_BUSY, 503, true},      {ERR_TIMEOUT, 504, false},   {ERR_CANCELLED, 503, true},  {ERR_UNAVAILABLE, 503, true},
        {ERR_NOMEM, 503, true},     {ERR_INTERNAL, 500, false},  {ERR_FORBIDDEN, 403, false},  {ERR_UNAUTHENTICATED, 401, false},
        {ERR_OUTCOME_UNKNOWN, 503, true},
        {ERR_RATE, 429, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        to_fail_with = (struct err_info){0};
        (void)ERR_SET(&to_fail_with, cases[i].code, "no");
        api_dispatch(&req, &reply);
        ck_assert_int_eq(reply.status, cases[i].status);
        ck_assert_int_eq(api_status_of(cases[i].code), cases[i].status);
        ck_assert_int_eq(has_header("Retry-After"), cases[i].may_retry);
        json_decref(problem());
    }
}
END_TEST

/* RFC 6750 section 3, in both dialects. */
START_TEST(what_key_is_wanted)
{
    static const struct { enum err code; const char *parameter, *challenge; } cases[] = {
        {ERR_UNAUTHENTICATED, "", "Bearer realm=\"tracekin\", scope=\"ingest\""},
        {ERR_UNAUTHENTICATED, "X-API-Key", "Bearer realm=\"tracekin\", error=\"invalid_token\", scope=\"ingest\""},
        {ERR_FORBIDDEN, "Authorization", "Bearer realm=\"tracekin\", error=\"insufficient_scope\", scope=\"ingest\""},
        {ERR_FORBIDDEN, "", NULL},
        {ERR_RATE, "", NULL},
    };
    for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
        const struct api_route route = {.scope = API_SCOPE_INGEST, .dialect = i % 2 == 0 ? API_DIALECT_PROBLEM : API_DIALECT_OTLP};
        const char *const want = cases[i / 2].challenge;
        struct err_info e = {.code = cases[i / 2].code, .message = "no"};
        (void)strcpy(e.parameter, cases[i / 2].parameter);
        req.route = &route;
        reply.n_headers = 0;
        api_reply_error(&req, &reply, &e);
        ck_assert_int_eq(has_header("WWW-Authenticate"), want != NULL);
        ck_assert(want == NULL || str_equal(reply.headers[0].value, str_of(want)));
        ck_assert_int_eq(has_header("Retry-After"), e.code == ERR_RATE);
    }
}
END_TEST

START_TEST(the_servers_own_words_stay_inside)
{
    (void)ERR_SET(&to_fail_with, ERR_INTERNAL, "the database refused");
    (void)strcpy(to_fail_with.detail, "relation secret does not exist");
    api_dispatch(&req, &reply);
    ck_assert(!str_contains(buf_str(&reply.body), STR("secret")));
}
END_TEST

START_TEST(a_character_cut_in_two_is_mended)
{
    (void)ERR_PARAM(&to_fail_with, "\xc3", "bad \xe2\x82");
    api_dispatch(&req, &reply);
    json_t *root = problem();
    ck_assert_str_eq(json_string_value(json_object_get(root, "detail")), "bad \xef\xbf\xbd");
    json_decref(root);
}
END_TEST

START_TEST(a_wrong_method_is_405)
{
    struct err_info e = {.code = ERR_UNSUPPORTED, .message = "GET only", .parameter = "method"};
    req.route = NULL;
    api_reply_error(&req, &reply, &e);
    ck_assert_int_eq(reply.status, 405);
    json_decref(problem());
}
END_TEST

START_TEST(an_answer_past_the_bound_is_no_half_answer)
{
    req.route = &flooding;
    api_dispatch(&req, &reply);
    ck_assert_int_eq(reply.status, 422);
    json_decref(problem());
}
END_TEST

/* A failure that says nothing was stored would be a lie. */
START_TEST(no_room_for_the_answer_of_a_write_leaves_its_outcome_open)
{
    static const struct api_route writing = {.method = "POST", .path = "/flood", .lane = API_LANE_INGEST, .handler = flood};
    req.route = &writing;
    api_dispatch(&req, &reply);
    ck_assert_int_eq(reply.status, 503);
    json_t *root = problem();
    ck_assert_str_eq(json_string_value(json_object_get(root, "type")), "urn:tracekin:problem:outcome_unknown");
    json_decref(root);
}
END_TEST

/* What a request may have is too little for its answer, whoever asks again; what all may have is not, in a moment. */
START_TEST(the_memory_of_a_request_bounds_its_answer)
{
    static const struct { size_t whole_bytes, share_bytes; enum api_lane lane; int status; const char *detail; } cases[] = {
        {SIZE_MAX, FLOOD_BYTES / 2, API_LANE_SEARCH, 422, "ask for less"},
        {SIZE_MAX, FLOOD_BYTES / 2, API_LANE_INGEST, 503, "may be stored"},
        {FLOOD_BYTES / 2, SIZE_MAX, API_LANE_SEARCH, 503, "the memory for requests is in use"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct api_route route = {.method = "GET", .path = "/flood", .lane = cases[i].lane, .handler = flood};
        struct budget whole;
        struct budget_share share;
        budget_init(&whole, cases[i].whole_bytes);
        budget_share_init(&share, &whole, cases[i].share_bytes);
        buf_init_share(&reply.body, SIZE_MAX, &share);
        req.memory = &share;
        req.route = &route;
        api_dispatch(&req, &reply);
        ck_assert_int_eq(reply.status, cases[i].status);
        json_t *root = problem();
        ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(root, "detail")), cases[i].detail));
        json_decref(root);
        buf_close(&reply.body);
        budget_share_close(&share);
    }
    req.memory = NULL;
    buf_init(&reply.body, SIZE_MAX);
}
END_TEST

START_TEST(an_error_without_a_word_is_an_error)
{
    req.route = &silent;
    for (enum err code = ERR_INVALID; code <= ERR_INTERNAL; code++) {
        to_fail_with.code = code;
        api_dispatch(&req, &reply);
        ck_assert_int_eq(reply.status, api_status_of(code));
        json_t *root = problem();
        ck_assert_int_eq(json_integer_value(json_object_get(root, "status")), api_status_of(code));
        ck_assert_uint_gt(json_string_length(json_object_get(root, "detail")), 0);
        json_decref(root);
    }
}
END_TEST

/* Room for every beginning of a document, in each dialect: none may be sent. */
START_TEST(an_error_without_memory_has_no_document)
{
    static const struct api_route exporting = {.method = "POST", .path = "/fail", .name = "fail", .dialect = API_DIALECT_OTLP,
                                               .handler = give_up};
    const struct api_route *const routes[] = {&failing, &exporting, &exporting};
    const char *const types[] = {NULL, "application/json", "application/x-protobuf"};
    (void)ERR_SET(&to_fail_with, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        for (size_t room = 0; room < 15; room++) {
            buf_close(&reply.body);
            buf_init(&reply.body, room);
            req.route = routes[i];
            req.content_type = str_of(types[i]);
            api_dispatch(&req, &reply);
            ck_assert_int_eq(reply.status, 503);
            ck_assert_uint_eq(reply.body.len, 0);
            ck_assert(buf_is_ok(&reply.body) && reply.content_type == NULL);
        }
}
END_TEST

START_TEST(a_document_needs_no_memory_for_its_type)
{
    json_t *root = NULL;
    arena_close(&arena);
    arena_init(&arena, 0);
    (void)ERR_SET(&to_fail_with, ERR_NOMEM, "out of memory");
    api_dispatch(&req, &reply);
    root = problem();
    ck_assert_str_eq(json_string_value(json_object_get(root, "type")), "urn:tracekin:problem:nomem");
    ck_assert_str_eq(json_string_value(json_object_get(root, "detail")), "out of memory");
    json_decref(root);
}
END_TEST

START_TEST(an_answer_and_an_unknown_parameter)
{
    req.route = &greeting;
    req.target = STR("/greet");
    api_dispatch(&req, &reply);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply.content_type, "application/json");
    ck_assert(str_equal(buf_str(&reply.body), STR("{}")));
    req.target = STR("/greet?loud=1");
    api_dispatch(&req, &reply);
    ck_assert_int_eq(reply.status, 400);
    json_t *root = problem();
    ck_assert_str_eq(json_string_value(json_object_get(root, "parameter")), "loud");
    json_decref(root);
}
END_TEST

static TCase *problem_case(void)
{
    TCase *tc = tcase_create("problem");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, an_error_replaces_half_an_answer);
    tcase_add_test(tc, every_code_has_its_status);
    tcase_add_test(tc, what_key_is_wanted);
    tcase_add_test(tc, the_servers_own_words_stay_inside);
    tcase_add_test(tc, a_character_cut_in_two_is_mended);
    tcase_add_test(tc, a_wrong_method_is_405);
    tcase_add_test(tc, an_answer_past_the_bound_is_no_half_answer);
    tcase_add_test(tc, no_room_for_the_answer_of_a_write_leaves_its_outcome_open);
    tcase_add_test(tc, the_memory_of_a_request_bounds_its_answer);
    tcase_add_test(tc, an_error_without_a_word_is_an_error);
    tcase_add_test(tc, an_error_without_memory_has_no_document);
    tcase_add_test(tc, a_document_needs_no_memory_for_its_type);
    tcase_add_test(tc, an_answer_and_an_unknown_parameter);
    return tc;
}

CHECK_MAIN("api/problem", problem_case)
