#include "core/clock.h"
#include "db/session/conn.h"
#include "db/session/types.h"
#include "tests/check_main.h"

enum { ARENA_BYTES = 64 * 1024 };

static struct arena arena;
static struct db_params params;

static void setup(void)
{
    arena_init(&arena, ARENA_BYTES);
    db_params_init(&params, &arena);
}

static void teardown(void)
{
    arena_close(&arena);
}

/* The parameter just added has this type and these bytes. */
static void expect(unsigned oid, const void *bytes, size_t len)
{
    const int last = params.n - 1;
    ck_assert(!params.failed);
    ck_assert_uint_eq(params.oids[last], oid);
    ck_assert_uint_eq((size_t)params.lengths[last], len);
    ck_assert_mem_eq(params.values[last], bytes, len);
}

START_TEST(numbers_are_in_network_order)
{
    db_put_bool(&params, true);
    expect(DB_OID_BOOL, "\1", 1);
    db_put_i32(&params, -2);
    expect(DB_OID_INT4, "\xff\xff\xff\xfe", 4);
    db_put_i64(&params, INT64_C(0x0102030405060708));
    expect(DB_OID_INT8, "\1\2\3\4\5\6\7\x08", 8);
    db_put_f64(&params, -2.0);
    expect(DB_OID_FLOAT8, "\xc0\0\0\0\0\0\0\0", 8);
    ck_assert_int_eq(params.n, 4);
}
END_TEST

START_TEST(text_is_borrowed_and_absent_is_null)
{
    const struct str text = STR("caf\xc3\xa9");
    db_put_text(&params, text);
    expect(DB_OID_TEXT, text.ptr, text.len);
    ck_assert_ptr_eq(params.values[0], text.ptr);
    db_put_bytes(&params, STR("a\0b"));
    expect(DB_OID_BYTEA, "a\0b", 3);
    db_put_text(&params, STR(""));
    ck_assert_ptr_nonnull(params.values[2]);
    db_put_text(&params, (struct str){NULL, 0});
    db_put_bytes(&params, (struct str){NULL, 0});
    db_put_json(&params, (struct str){NULL, 0});
    db_put_null(&params, DB_OID_INT8);
    for (int i = 3; i < params.n; i++)
        ck_assert_ptr_null(params.values[i]);
    ck_assert_uint_eq(params.oids[5], DB_OID_JSONB);
}
END_TEST

START_TEST(json_has_its_version)
{
    db_put_json(&params, STR("{}"));
    expect(DB_OID_JSONB, "\1{}", 3);
}
END_TEST

START_TEST(times_are_cut_down_to_the_microsecond)
{
    static const struct {
        int64_t wall_ns;
        const char *bytes;
    } cases[] = {
        {INT64_C(946684800) * NS_PER_S, "\0\0\0\0\0\0\0\0"},
        {INT64_C(946684800) * NS_PER_S + 1999, "\0\0\0\0\0\0\0\1"},
        {INT64_C(946684800) * NS_PER_S - 1, "\xff\xff\xff\xff\xff\xff\xff\xff"},
        {-1, "\xff\xfc\xa2\xfe\xc4\xc8\x1f\xff"}, /* 1969-12-31 23:59:59.999999 */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        db_put_time(&params, cases[i].wall_ns);
        expect(DB_OID_TIMESTAMPTZ, cases[i].bytes, 8);
    }
}
END_TEST

START_TEST(arrays_know_nulls_and_may_be_empty)
{
    static const char two[] = "\0\0\0\1\0\0\0\1\0\0\0\x19\0\0\0\3\0\0\0\1"
                              "\0\0\0\2hi\xff\xff\xff\xff\0\0\0\0";
    static const char none[] = "\0\0\0\0\0\0\0\0\0\0\0\x11";
    const struct str items[] = {STR("hi"), {NULL, 0}, STR("")};
    db_put_text_array(&params, items, ARRAY_LEN(items));
    expect(DB_OID_TEXT_ARRAY, two, sizeof two - 1);
    db_put_bytes_array(&params, NULL, 0);
    expect(DB_OID_BYTEA_ARRAY, none, sizeof none - 1);
    static const char numbers[] = "\0\0\0\1\0\0\0\0\0\0\0\x17\0\0\0\2\0\0\0\1"
                                  "\0\0\0\4\0\0\0\7\0\0\0\4\xff\xff\xff\xfe";
    db_put_i32_array(&params, (const int32_t[]){7, -2}, 2);
    expect(DB_OID_INT4_ARRAY, numbers, sizeof numbers - 1);
}
END_TEST

START_TEST(a_vector_is_its_size_and_its_numbers)
{
    static const char bytes[] = "\0\x2\0\0\x3f\x80\0\0\xbd\xcc\xcc\xcd";
    const float values[] = {1.0F, -0.1F};
    db_put_vector(&params, values, ARRAY_LEN(values));
    expect(DB_OID_INFERRED, bytes, sizeof bytes - 1);
}
END_TEST

START_TEST(too_many_parameters_fail)
{
    for (int i = 0; i < DB_PARAMS_MAX; i++)
        db_put_i32(&params, i);
    ck_assert(!params.failed);
    db_put_i32(&params, 0);
    ck_assert(params.failed);
    ck_assert_int_eq(params.n, DB_PARAMS_MAX);
}
END_TEST

START_TEST(a_full_arena_fails)
{
    arena_close(&arena);
    arena_init(&arena, 1);
    db_put_text(&params, STR("needs no room"));
    ck_assert(!params.failed);
    db_put_i64(&params, 1);
    ck_assert(params.failed);
}
END_TEST

static TCase *encodings(void)
{
    TCase *tc = tcase_create("encodings");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, numbers_are_in_network_order);
    tcase_add_test(tc, text_is_borrowed_and_absent_is_null);
    tcase_add_test(tc, json_has_its_version);
    tcase_add_test(tc, times_are_cut_down_to_the_microsecond);
    tcase_add_test(tc, arrays_know_nulls_and_may_be_empty);
    tcase_add_test(tc, a_vector_is_its_size_and_its_numbers);
    return tc;
}

static TCase *bounds(void)
{
    TCase *tc = tcase_create("bounds");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, too_many_parameters_fail);
    tcase_add_test(tc, a_full_arena_fails);
    return tc;
}

CHECK_MAIN("params", encodings, bounds)
