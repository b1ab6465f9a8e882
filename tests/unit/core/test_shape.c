#include "core/shape.h"

#include "tests/check_main.h"

enum { SCRATCH_MAX = 1 << 20 };

#define SPAN(s, o, p, k) {.service = STR(s), .operation = STR(o), .parent = (p), .kind = (k)}
#define FAILED(s, o, p, k, message) \
    {.service = STR(s), .operation = STR(o), .parent = (p), .kind = (k), .status = SHAPE_STATUS_ERROR, \
     .error_message = STR(message)}

static uint64_t fingerprint(const struct shape_span *spans, size_t n_spans)
{
    AUTO(arena) struct arena scratch;
    arena_init(&scratch, SCRATCH_MAX);
    const struct shape_trace trace = {.spans = spans, .n_spans = n_spans};
    uint64_t out = 0;
    ck_assert_int_eq(shape_fingerprint(&trace, &scratch, &out, NULL), OK);
    return out;
}

#define FINGERPRINT(spans) fingerprint((spans), ARRAY_LEN(spans))

static const struct shape_span BASE[] = {
    SPAN("shop", "GET /cart", SHAPE_NO_PARENT, 2),
    SPAN("stock", "SELECT item", 0, 3),
    FAILED("stock", "reserve", 0, 1, "item 17 of order 6a0a95df-5f72-495b-8675-47160f984e6d is gone"),
};

START_TEST(test_order_of_spans_does_not_count)
{
    const struct shape_span turned[] = {
        FAILED("stock", "reserve", 2, 1, "item 17 of order 6a0a95df-5f72-495b-8675-47160f984e6d is gone"),
        SPAN("stock", "SELECT item", 2, 3),
        SPAN("shop", "GET /cart", SHAPE_NO_PARENT, 2),
    };
    ck_assert_uint_eq(FINGERPRINT(turned), FINGERPRINT(BASE));
}
END_TEST

START_TEST(test_repetition_and_ids_do_not_count)
{
    const struct shape_span more[] = {
        BASE[0], BASE[1], SPAN("stock", "SELECT item", 0, 3), SPAN("stock", "SELECT item", 0, 3),
        FAILED("stock", "reserve", 0, 1, "item 4 of order db443ca7-2ebc-4fe8-a80d-3b881feb905e is gone"),
    };
    ck_assert_uint_eq(FINGERPRINT(more), FINGERPRINT(BASE));
}
END_TEST

START_TEST(test_ids_in_operations_do_not_count)
{
    const struct shape_span one[] = {SPAN("shop", "GET /cart/17", SHAPE_NO_PARENT, 2)};
    const struct shape_span other[] = {SPAN("shop", "GET /cart/4242", SHAPE_NO_PARENT, 2)};
    ck_assert_uint_eq(FINGERPRINT(one), FINGERPRINT(other));
}
END_TEST

static const struct {
    const char *what;
    struct shape_span last; /* in place of the failed span of BASE */
} CHANGES[] = {
    {"the message", FAILED("stock", "reserve", 0, 1, "item 17 of order 3 is locked")},
    {"no error", SPAN("stock", "reserve", 0, 1)},
    {"the service", FAILED("stock2", "reserve", 0, 1, "item 17 of order 3 is gone")},
    {"the operation", FAILED("stock", "release", 0, 1, "item 17 of order 3 is gone")},
    {"the parent", FAILED("stock", "reserve", 1, 1, "item 17 of order 3 is gone")},
    {"no parent", FAILED("stock", "reserve", SHAPE_NO_PARENT, 1, "item 17 of order 3 is gone")},
    {"the kind", FAILED("stock", "reserve", 0, 3, "item 17 of order 3 is gone")},
    {"the error's type",
     {.service = STR("stock"), .operation = STR("reserve"), .parent = 0, .kind = 1, .error_type = STR("Gone"),
      .error_message = STR("item 17 of order 3 is gone")}},
    {"a field's end",
     {.service = STR("stockr"), .operation = STR("eserve"), .parent = 0, .kind = 1, .status = SHAPE_STATUS_ERROR}},
};

START_TEST(test_what_differs_counts)
{
    const struct shape_span changed[] = {BASE[0], BASE[1], CHANGES[_i].last};
    ck_assert_msg(FINGERPRINT(changed) != FINGERPRINT(BASE), "%s makes no difference", CHANGES[_i].what);
    for (int i = 0; i < _i; i++) {
        const struct shape_span earlier[] = {BASE[0], BASE[1], CHANGES[i].last};
        ck_assert_msg(FINGERPRINT(changed) != FINGERPRINT(earlier), "%s looks like %s", CHANGES[_i].what,
                      CHANGES[i].what);
    }
}
END_TEST

static uint64_t fingerprint_with(struct str root_service, struct str root_operation, const struct shape_attribute *attributes,
                                 size_t n_attributes)
{
    AUTO(arena) struct arena scratch;
    arena_init(&scratch, SCRATCH_MAX);
    const struct shape_trace trace = {BASE, ARRAY_LEN(BASE), root_service, root_operation, attributes, n_attributes};
    uint64_t out = 0;
    ck_assert_int_eq(shape_fingerprint(&trace, &scratch, &out, NULL), OK);
    return out;
}

START_TEST(test_root_and_attributes_count)
{
    const struct shape_attribute two[] = {{STR("env"), STR("prod")}, {STR("lang"), STR("c")}};
    const struct shape_attribute turned[] = {two[1], two[0]};
    const struct shape_attribute crossed[] = {{STR("env"), STR("c")}, {STR("lang"), STR("prod")}};
    const uint64_t plain = fingerprint_with(STR("shop"), STR("GET /cart/17"), NULL, 0);
    ck_assert_uint_eq(plain, fingerprint_with(STR("shop"), STR("GET /cart/4242"), NULL, 0));
    ck_assert_uint_ne(plain, fingerprint_with(STR("shop"), STR("GET /item"), NULL, 0));
    ck_assert_uint_ne(plain, fingerprint_with(STR("stock"), STR("GET /cart/17"), NULL, 0));
    const uint64_t with_two = fingerprint_with(STR("shop"), STR("GET /cart/17"), two, ARRAY_LEN(two));
    ck_assert_uint_ne(plain, with_two);
    ck_assert_uint_eq(with_two, fingerprint_with(STR("shop"), STR("GET /cart/17"), turned, ARRAY_LEN(turned)));
    ck_assert_uint_ne(with_two, fingerprint_with(STR("shop"), STR("GET /cart/17"), crossed, ARRAY_LEN(crossed)));
    ck_assert_uint_ne(with_two, fingerprint_with(STR("shop"), STR("GET /cart/17"), two, 1));
}
END_TEST

/* A stored fingerprint is compared with those of later versions and of other machines. */
START_TEST(test_is_stable)
{
    ck_assert_uint_eq(FINGERPRINT(BASE), UINT64_C(13654955982878182533));
}
END_TEST

START_TEST(test_facts_are_distinct_and_sorted)
{
    AUTO(arena) struct arena scratch;
    arena_init(&scratch, SCRATCH_MAX);
    const struct shape_span spans[] = {BASE[0], BASE[1], BASE[1], BASE[2], BASE[2]};
    const struct shape_trace trace = {.spans = spans, .n_spans = ARRAY_LEN(spans)};
    struct shape_facts facts;
    ck_assert_int_eq(shape_facts_of(&trace, &scratch, &facts, NULL), OK);
    size_t n_of_kind[SHAPE_FACT_KINDS] = {0};
    for (size_t i = 0; i < facts.n_items; i++) {
        n_of_kind[facts.items[i].kind]++;
        ck_assert_uint_lt(facts.items[i].span, ARRAY_LEN(spans));
        if (i > 0 && facts.items[i - 1].kind == facts.items[i].kind)
            ck_assert_uint_lt(facts.items[i - 1].hash, facts.items[i].hash);
    }
    ck_assert_uint_eq(n_of_kind[SHAPE_SERVICE], 2);
    ck_assert_uint_eq(n_of_kind[SHAPE_OPERATION], 3);
    ck_assert_uint_eq(n_of_kind[SHAPE_EDGE], 3);
    ck_assert_uint_eq(n_of_kind[SHAPE_ERROR], 1);
}
END_TEST

static void expect_invalid(const struct shape_span *spans, size_t n_spans)
{
    AUTO(arena) struct arena scratch;
    arena_init(&scratch, SCRATCH_MAX);
    const struct shape_trace trace = {.spans = spans, .n_spans = n_spans};
    uint64_t out = 42;
    struct err_info e = {0};
    ck_assert_int_eq(shape_fingerprint(&trace, &scratch, &out, &e), ERR_INVALID);
    ck_assert_str_ne(e.message, "");
    ck_assert_uint_eq(out, 42);
}

START_TEST(test_refuses_what_is_no_trace)
{
    const struct shape_span beyond[] = {SPAN("shop", "GET /cart", 1, 2)};
    const struct shape_span below[] = {SPAN("shop", "GET /cart", -2, 2)};
    expect_invalid(NULL, 0);
    expect_invalid(beyond, 1);
    expect_invalid(below, 1);
}
END_TEST

START_TEST(test_a_cycle_ends)
{
    const struct shape_span cycle[] = {SPAN("shop", "a", 1, 2), SPAN("shop", "b", 0, 2)};
    const struct shape_span self[] = {SPAN("shop", "a", 0, 2)};
    ck_assert_uint_ne(FINGERPRINT(cycle), FINGERPRINT(self));
}
END_TEST

START_TEST(test_a_full_arena_is_an_error)
{
    AUTO(arena) struct arena scratch;
    arena_init(&scratch, 16);
    const struct shape_trace trace = {.spans = BASE, .n_spans = ARRAY_LEN(BASE)};
    uint64_t out = 42;
    ck_assert_int_eq(shape_fingerprint(&trace, &scratch, &out, NULL), ERR_NOMEM);
    ck_assert_uint_eq(out, 42);
}
END_TEST

static TCase *case_shape(void)
{
    TCase *tcase = tcase_create("shape");
    tcase_add_test(tcase, test_order_of_spans_does_not_count);
    tcase_add_test(tcase, test_repetition_and_ids_do_not_count);
    tcase_add_test(tcase, test_ids_in_operations_do_not_count);
    tcase_add_loop_test(tcase, test_what_differs_counts, 0, (int)ARRAY_LEN(CHANGES));
    tcase_add_test(tcase, test_root_and_attributes_count);
    tcase_add_test(tcase, test_is_stable);
    tcase_add_test(tcase, test_facts_are_distinct_and_sorted);
    tcase_add_test(tcase, test_refuses_what_is_no_trace);
    tcase_add_test(tcase, test_a_cycle_ends);
    tcase_add_test(tcase, test_a_full_arena_is_an_error);
    return tcase;
}

CHECK_MAIN("shape", case_shape)
