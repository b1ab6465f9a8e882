#include "core/bucket.h"

#include "core/attr.h"
#include "core/clock.h"
#include "tests/check_main.h"

/* How many of n tries at one instant are let through. */
static int taken(struct bucket *b, const struct bucket_rate *rate, int64_t now_ns, int n)
{
    int n_taken = 0;
    for (int i = 0; i < n; i++)
        n_taken += bucket_take(b, rate, now_ns);
    return n_taken;
}

START_TEST(a_burst_is_twice_the_rate_unless_it_is_said)
{
    ck_assert_int_eq(bucket_rate_of(10, 0).burst, 20);
    ck_assert_int_eq(bucket_rate_of(10, 3).burst, 3);
    ck_assert_int_eq(bucket_rate_of(BUCKET_RATE_MAX, 0).burst, BUCKET_BURST_MAX);
    ck_assert_int_eq(bucket_rate_of(0, 0).burst, 0);
}
END_TEST

START_TEST(a_burst_and_then_the_rate)
{
    static const struct bucket_rate rate = {.per_s = 10, .burst = 5};
    struct bucket b = {0};
    int64_t now = 1000 * NS_PER_S;
    ck_assert_int_eq(taken(&b, &rate, now, 100), 5);
    ck_assert_int_eq(taken(&b, &rate, now + 99 * NS_PER_MS, 100), 0);
    ck_assert_int_eq(taken(&b, &rate, now + 100 * NS_PER_MS, 100), 1);
    ck_assert_int_eq(taken(&b, &rate, now + 400 * NS_PER_MS, 100), 3);
    /* However long the pause, a bucket holds no more than it holds. */
    ck_assert_int_eq(taken(&b, &rate, now + 3600 * NS_PER_S, 100), 5);
}
END_TEST

START_TEST(over_time_it_is_the_rate)
{
    static const struct bucket_rate rates[] = {{1, 1}, {3, 1}, {7, 3}, {1000, 10}, {BUCKET_RATE_MAX, BUCKET_BURST_MAX}};
    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        struct bucket b = {0};
        int64_t n_taken = 0;
        for (int64_t ns = 0; ns <= 2 * NS_PER_S; ns += NS_PER_MS / 2)
            n_taken += taken(&b, &rates[i], NS_PER_DAY + ns, 1);
        const int64_t most = rates[i].burst + 2 * rates[i].per_s, tries = 4001;
        ck_assert_int_le(n_taken, most);
        ck_assert_int_ge(n_taken, (most < tries ? most : tries) - rates[i].burst);
    }
}
END_TEST

/* Who was slow to refill is not kept out for longer than the rate of now would. */
START_TEST(another_rate_counts_from_its_change)
{
    static const struct bucket_rate slow = {.per_s = 1, .burst = 1000}, fast = {.per_s = 100, .burst = 200};
    struct bucket b = {0};
    int64_t now = 1000 * NS_PER_S;
    ck_assert_int_eq(taken(&b, &slow, now, 2000), 1000);
    ck_assert_int_eq(taken(&b, &fast, now, 1), 0);
    ck_assert_int_eq(taken(&b, &fast, now + NS_PER_S / 10, 1000), 10);
    ck_assert_int_eq(taken(&b, &slow, now + 11 * NS_PER_S / 10, 1000), 999);
}
END_TEST

START_TEST(what_is_refused_costs_nothing)
{
    static const struct bucket_rate rate = {.per_s = 1, .burst = 1};
    struct bucket b = {0};
    ck_assert_int_eq(taken(&b, &rate, NS_PER_S, 1), 1);
    for (int i = 0; i < 1000; i++)
        ck_assert(!bucket_take(&b, &rate, NS_PER_S + i));
    ck_assert(bucket_take(&b, &rate, 2 * NS_PER_S));
}
END_TEST

START_TEST(without_a_limit)
{
    struct bucket b = {0};
    ck_assert_int_eq(taken(&b, &(struct bucket_rate){0}, 0, 1000), 1000);
    ck_assert_int_eq(b.full_ns, 0);
}
END_TEST

static TCase *bucket_case(void)
{
    TCase *tc = tcase_create("bucket");
    tcase_add_test(tc, a_burst_is_twice_the_rate_unless_it_is_said);
    tcase_add_test(tc, a_burst_and_then_the_rate);
    tcase_add_test(tc, over_time_it_is_the_rate);
    tcase_add_test(tc, another_rate_counts_from_its_change);
    tcase_add_test(tc, what_is_refused_costs_nothing);
    tcase_add_test(tc, without_a_limit);
    return tc;
}

CHECK_MAIN("bucket", bucket_case)
