/* Lists: which rows are shown, and when the keys of the last one are kept. */
#include "api/request/list.h"
#include "api/request/params.h"
#include "api/request/route.h"
#include "tests/check_main.h"

static const struct api_param_spec specs[] = {API_PARAMS_WINDOW, API_PARAMS_PAGE(2, 100), {0}};
static const struct api_route route = {.method = "GET", .path = "/a", .name = "list_a", .params = specs};
static const struct api_world world;
static struct arena arena, full;
static struct api_reply reply;
static struct api_req req;
static struct err_info e;
static struct api_list l;

static void setup(void)
{
    arena_init(&arena, 1 << 20);
    arena_init(&full, 1);
    reply = (struct api_reply){0};
    buf_init(&reply.body, 1 << 20);
    req = (struct api_req){.world = &world, .route = &route, .arena = &arena};
    e = (struct err_info){0};
    ck_assert_int_eq(api_params_parse(STR("start=1&end=2"), specs, 0, &arena, &req.params, NULL), OK);
    ck_assert_int_eq(api_list_begin(&l, &req, &reply, API_WINDOW_ALL, &e), OK);
}

static void teardown(void)
{
    buf_close(&reply.body);
    arena_close(&full);
    arena_close(&arena);
}

START_TEST(only_the_last_of_a_full_page_is_marked)
{
    ck_assert(api_list_take(&l) && !api_list_is_full(&l));
    ck_assert_int_eq(api_list_mark(&l, 1, STR("first")), OK);
    ck_assert_ptr_null(l.last.key.ptr);
    ck_assert(api_list_take(&l) && api_list_is_full(&l));
    ck_assert_int_eq(api_list_mark(&l, 2, STR("second")), OK);
    ck_assert(str_equal(l.last.key, STR("second")));
    ck_assert(!l.has_more);
    ck_assert(!api_list_take(&l));
    ck_assert(l.has_more);
}
END_TEST

START_TEST(a_key_that_finds_no_room_is_told)
{
    req.arena = &full;
    ck_assert(api_list_take(&l) && api_list_take(&l));
    ck_assert_int_eq(api_list_mark(&l, 2, STR("second")), ERR_NOMEM);
    ck_assert_int_eq(e.code, ERR_NOMEM);
}
END_TEST

static TCase *list_case(void)
{
    TCase *tc = tcase_create("list");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, only_the_last_of_a_full_page_is_marked);
    tcase_add_test(tc, a_key_that_finds_no_room_is_told);
    return tc;
}

CHECK_MAIN("api/list", list_case)
