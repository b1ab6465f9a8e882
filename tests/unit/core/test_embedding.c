#include "core/embedding.h"

#include <math.h>

#include "tests/check_main.h"

enum { SCRATCH_MAX = 1 << 20 };

#define GONE "item 17 of order 6a0a95df-5f72-495b-8675-47160f984e6d is gone"
#define REFUSED "[pay][card refused by the bank: insufficient funds]"

struct vector {
    float v[EMBEDDING_DIMENSIONS];
};

#define SPAN(s, o, p, k, message)                                                                    \
    {.service = STR(s), .operation = (o), .parent = (p), .kind = (k), .error_message = str_of(message)}

/* A small shop: the same calls, with a message for each span that failed. */
static struct vector embed(const char *root, const char *stock_error, const char *pay_error)
{
    const struct shape_span spans[] = {
        SPAN("shop", str_of(root), SHAPE_NO_PARENT, 2, NULL),
        SPAN("stock", STR("SELECT item"), 0, 3, NULL),
        SPAN("stock", STR("reserve"), 0, 1, stock_error),
        SPAN("bank", STR("charge"), 0, 3, pay_error),
    };
    const struct shape_trace trace = {
        .spans = spans, .n_spans = ARRAY_LEN(spans), .root_service = STR("shop"), .root_operation = str_of(root)};
    AUTO(arena) struct arena scratch;
    arena_init(&scratch, SCRATCH_MAX);
    struct vector out;
    ck_assert_int_eq(embedding_of_trace(&trace, &scratch, out.v, NULL), OK);
    return out;
}

static struct vector embed_text(const char *text)
{
    struct vector out;
    ck_assert_int_eq(embedding_of_text(str_of(text), out.v, NULL), OK);
    return out;
}

static double similarity(struct vector a, struct vector b)
{
    double sum = 0;
    for (size_t i = 0; i < EMBEDDING_DIMENSIONS; i++)
        sum += (double)a.v[i] * (double)b.v[i];
    return sum;
}

START_TEST(test_vectors_are_unit)
{
    const struct vector vectors[] = {embed("GET /cart", NULL, NULL), embed("GET /cart", GONE, REFUSED),
                                     embed_text(GONE)};
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        ck_assert(embedding_is_valid(vectors[i].v));
        ck_assert_double_eq_tol(similarity(vectors[i], vectors[i]), 1, 1e-6);
    }
}
END_TEST

START_TEST(test_ids_make_no_difference)
{
    const struct vector a = embed("GET /cart/17", GONE, NULL);
    const struct vector b = embed("GET /cart/4", "item 4 of order db443ca7-2ebc-4fe8-a80d-3b881feb905e is gone", NULL);
    ck_assert_mem_eq(a.v, b.v, sizeof a.v);
}
END_TEST

START_TEST(test_order_and_repetition_make_no_difference)
{
    const struct shape_span spans[] = {
        SPAN("shop", STR("GET /cart"), SHAPE_NO_PARENT, 2, NULL),
        SPAN("stock", STR("reserve"), 0, 1, GONE),
        SPAN("bank", STR("charge"), 0, 3, REFUSED),
    };
    const struct shape_span turned[] = {
        SPAN("bank", STR("charge"), 2, 3, REFUSED),
        SPAN("stock", STR("reserve"), 2, 1, GONE),
        spans[0],
        SPAN("stock", STR("reserve"), 2, 1, GONE),
    };
    const struct shape_trace one = {.spans = spans, .n_spans = ARRAY_LEN(spans)};
    const struct shape_trace other = {.spans = turned, .n_spans = ARRAY_LEN(turned)};
    AUTO(arena) struct arena scratch;
    arena_init(&scratch, SCRATCH_MAX);
    struct vector a;
    struct vector b;
    ck_assert_int_eq(embedding_of_trace(&one, &scratch, a.v, NULL), OK);
    ck_assert_int_eq(embedding_of_trace(&other, &scratch, b.v, NULL), OK);
    ck_assert_mem_eq(a.v, b.v, sizeof a.v);
}
END_TEST

START_TEST(test_the_error_decides)
{
    const struct vector trace = embed("GET /cart", GONE, NULL);
    const double same_error = similarity(trace, embed("POST /order", GONE, NULL));
    const double same_calls = similarity(trace, embed("GET /cart", NULL, REFUSED));
    const double no_error = similarity(trace, embed("GET /cart", NULL, NULL));
    ck_assert_double_gt(same_error, 0.85);
    ck_assert_double_lt(same_calls, 0.6);
    ck_assert_double_lt(no_error, 0.6);
}
END_TEST

START_TEST(test_without_errors_the_root_and_calls_decide)
{
    const struct vector trace = embed("GET /cart", NULL, NULL);
    ck_assert_double_lt(similarity(trace, embed("POST /order", NULL, NULL)), 0.85);
    ck_assert_double_gt(similarity(trace, embed("POST /order", NULL, NULL)), 0.2);
}
END_TEST

START_TEST(test_a_message_finds_the_traces_it_fails)
{
    static const char *const TEXTS[] = {
        GONE,
        "item 99 of order 1 is gone",
        ("16:42:09.486 ERROR c.s.Stock#115 TraceID: 6f3cbf058c2765548a39ad724905d6a1 SpanID: 576f9c38fc25e197 " GONE),
    };
    const struct vector gone = embed("GET /cart", GONE, NULL);
    const struct vector refused = embed("GET /cart", NULL, REFUSED);
    const struct vector both = embed("GET /cart", GONE, REFUSED);
    const struct vector text = embed_text(TEXTS[_i]);
    ck_assert_double_gt(similarity(text, gone), _i == 1 ? 0.5 : 0.8);
    ck_assert_double_gt(similarity(text, both), 0.4);
    ck_assert_double_lt(similarity(text, refused), 0.3);
}
END_TEST

START_TEST(test_a_few_words_find_too)
{
    const struct vector text = embed_text("Card REFUSED by bank");
    ck_assert_double_gt(similarity(text, embed("GET /cart", NULL, REFUSED)),
                        similarity(text, embed("GET /cart", GONE, NULL)) + 0.2);
}
END_TEST

START_TEST(test_one_word_of_many_tells_apart)
{
    const struct vector seat = embed_text("No instances available for ts-seat-service with root cause in the servlet");
    const struct vector food = embed_text("No instances available for ts-food-service with root cause in the servlet");
    ck_assert_double_gt(similarity(seat, food), 0.2);
    ck_assert_double_lt(similarity(seat, food), 0.85);
}
END_TEST

START_TEST(test_attributes_and_types_count_a_little)
{
    const struct shape_span untyped = SPAN("shop", STR("GET /cart"), SHAPE_NO_PARENT, 2, NULL);
    struct shape_span span = untyped;
    span.error_type = STR("Gone");
    const struct shape_attribute staging = {STR("deployment.environment"), STR("staging")};
    const struct shape_trace plain = {.spans = &untyped, .n_spans = 1};
    const struct shape_trace typed = {.spans = &span, .n_spans = 1};
    const struct shape_trace tagged = {.spans = &untyped, .n_spans = 1, .attributes = &staging, .n_attributes = 1};
    AUTO(arena) struct arena scratch;
    arena_init(&scratch, SCRATCH_MAX);
    struct vector v[3];
    ck_assert_int_eq(embedding_of_trace(&plain, &scratch, v[0].v, NULL), OK);
    ck_assert_int_eq(embedding_of_trace(&typed, &scratch, v[1].v, NULL), OK);
    ck_assert_int_eq(embedding_of_trace(&tagged, &scratch, v[2].v, NULL), OK);
    ck_assert_double_lt(similarity(v[0], v[1]), 0.99);
    ck_assert_double_lt(similarity(v[0], v[2]), 0.999);
    ck_assert_double_gt(similarity(v[0], v[2]), 0.9);
}
END_TEST

/* Stored vectors are compared with those of other machines: a change needs a new EMBEDDING_MODEL. */
START_TEST(test_is_stable)
{
    const struct vector trace = embed("GET /cart", GONE, REFUSED);
    uint64_t sum = 0;
    for (size_t i = 0; i < EMBEDDING_DIMENSIONS; i++) {
        uint32_t bits = 0;
        memcpy(&bits, &trace.v[i], sizeof bits);
        sum = sum * 31 + bits;
    }
    ck_assert_str_eq(EMBEDDING_MODEL, "hash-v2");
    ck_assert_uint_eq(sum, UINT64_C(11884553188721694786));
}
END_TEST

START_TEST(test_a_text_without_words_is_refused)
{
    static const char *const TEXTS[] = {
        "", "  ", "12345", "[6a0a95df-5f72-495b-8675-47160f984e6d]", "2023-01-29: 10.0.0.1", "--- ...",
    };
    struct vector out = {{7}};
    struct err_info e = {0};
    ck_assert_int_eq(embedding_of_text(str_of(TEXTS[_i]), out.v, &e), ERR_INVALID);
    ck_assert_str_ne(e.message, "");
    ck_assert_float_eq(out.v[0], 7);
}
END_TEST

START_TEST(test_failures_of_a_trace)
{
    AUTO(arena) struct arena scratch;
    arena_init(&scratch, 16);
    const struct shape_span span = {.service = STR("shop"), .operation = STR("a"), .parent = SHAPE_NO_PARENT};
    const struct shape_trace trace = {.spans = &span, .n_spans = 1};
    const struct shape_trace none = {.spans = NULL, .n_spans = 0};
    struct vector out = {{7}};
    ck_assert_int_eq(embedding_of_trace(&trace, &scratch, out.v, NULL), ERR_NOMEM);
    ck_assert_int_eq(embedding_of_trace(&none, &scratch, out.v, NULL), ERR_INVALID);
    ck_assert_float_eq(out.v[0], 7);
}
END_TEST

START_TEST(test_validity)
{
    struct vector x = {{0}};
    ck_assert(!embedding_is_valid(x.v));
    x.v[EMBEDDING_DIMENSIONS - 1] = -0.5F;
    ck_assert(embedding_is_valid(x.v));
    x.v[3] = NAN;
    ck_assert(!embedding_is_valid(x.v));
    x.v[3] = -INFINITY;
    ck_assert(!embedding_is_valid(x.v));
}
END_TEST

static TCase *case_trace(void)
{
    TCase *tcase = tcase_create("trace");
    tcase_add_test(tcase, test_vectors_are_unit);
    tcase_add_test(tcase, test_ids_make_no_difference);
    tcase_add_test(tcase, test_order_and_repetition_make_no_difference);
    tcase_add_test(tcase, test_the_error_decides);
    tcase_add_test(tcase, test_without_errors_the_root_and_calls_decide);
    tcase_add_test(tcase, test_attributes_and_types_count_a_little);
    tcase_add_test(tcase, test_is_stable);
    tcase_add_test(tcase, test_failures_of_a_trace);
    tcase_add_test(tcase, test_validity);
    return tcase;
}

static TCase *case_text(void)
{
    TCase *tcase = tcase_create("text");
    tcase_add_loop_test(tcase, test_a_message_finds_the_traces_it_fails, 0, 3);
    tcase_add_test(tcase, test_a_few_words_find_too);
    tcase_add_test(tcase, test_one_word_of_many_tells_apart);
    tcase_add_loop_test(tcase, test_a_text_without_words_is_refused, 0, 6);
    return tcase;
}

CHECK_MAIN("embedding", case_trace, case_text)
