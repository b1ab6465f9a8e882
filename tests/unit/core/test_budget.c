#include "core/budget.h"

#include <pthread.h>

#include "core/arena.h"
#include "core/buf.h"
#include "tests/check_main.h"

enum { MIB = 1024 * 1024, N_THREADS = 4, N_TURNS = 20000 };

static struct budget whole;
static struct budget_share share;

static size_t used_of_whole(void)
{
    return atomic_load(&whole.used_bytes);
}

static void start(size_t whole_max, size_t share_max)
{
    budget_init(&whole, whole_max);
    budget_share_init(&share, &whole, share_max);
}

START_TEST(the_first_bytes_are_not_asked_of_the_whole)
{
    start(0, MIB);
    ck_assert(budget_take(&share, BUDGET_FREE_BYTES));
    ck_assert(!budget_take(&share, 1));
    ck_assert_int_eq(share.reached, BUDGET_OF_WHOLE);
    ck_assert_uint_eq(share.used_bytes, BUDGET_FREE_BYTES);
    budget_give(&share, 1);
    ck_assert(budget_take(&share, 1));
}
END_TEST

START_TEST(a_share_has_a_bound_of_its_own)
{
    start(10 * MIB, MIB);
    ck_assert(budget_take(&share, MIB));
    ck_assert_int_eq(share.reached, BUDGET_UNREACHED);
    ck_assert(!budget_take(&share, 1));
    ck_assert(!budget_take(&share, SIZE_MAX));
    ck_assert_int_eq(share.reached, BUDGET_OF_SHARE);
    ck_assert_uint_eq(used_of_whole(), MIB - BUDGET_FREE_BYTES);
    budget_share_close(&share);
    ck_assert_uint_eq(used_of_whole(), 0);
}
END_TEST

START_TEST(what_one_has_another_cannot_have)
{
    struct budget_share other;
    start(MIB, MIB);
    budget_share_init(&other, &whole, MIB);
    ck_assert(budget_take(&share, MIB));
    ck_assert(!budget_take(&other, MIB));
    ck_assert_int_eq(other.reached, BUDGET_OF_WHOLE);
    budget_share_close(&share);
    ck_assert(budget_take(&other, MIB));
    budget_share_close(&other);
    ck_assert_uint_eq(used_of_whole(), 0);
}
END_TEST

START_TEST(an_excused_share_is_never_refused)
{
    struct budget_share other;
    start(MIB, MIB);
    ck_assert(budget_take(&share, MIB));
    budget_share_excuse(&share);
    ck_assert(budget_take(&share, MIB));
    budget_share_init(&other, &whole, MIB);
    ck_assert(!budget_take(&other, MIB));
    budget_share_close(&share);
    ck_assert_uint_eq(used_of_whole(), 0);
    ck_assert(budget_take(&other, MIB));
}
END_TEST

START_TEST(no_share_has_no_bound)
{
    ck_assert(budget_take(NULL, SIZE_MAX));
    budget_give(NULL, SIZE_MAX);
    budget_share_excuse(NULL);
}
END_TEST

START_TEST(an_arena_takes_for_each_block_and_gives_all_back)
{
    start(MIB, 10 * MIB);
    struct arena a;
    arena_init_share(&a, &share);
    while (arena_alloc(&a, 1000) != NULL)
        ck_assert_uint_eq(share.used_bytes, a.used_bytes);
    ck_assert_int_eq(share.reached, BUDGET_OF_WHOLE);
    ck_assert_uint_gt(used_of_whole(), MIB / 2);
    ck_assert_uint_le(used_of_whole(), MIB);
    arena_close(&a);
    ck_assert_uint_eq(used_of_whole(), 0);
    ck_assert_uint_eq(share.used_bytes, 0);
    ck_assert_ptr_nonnull(arena_alloc(&a, 1000));
    arena_close(&a);
}
END_TEST

START_TEST(what_grows_takes_only_the_difference)
{
    start(10 * MIB, MIB);
    struct arena a;
    arena_init_share(&a, &share);
    void *p = arena_grow(&a, NULL, 0, MIB / 2);
    ck_assert_ptr_nonnull(p);
    p = arena_grow(&a, p, MIB / 2, 3 * MIB / 4);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_lt(share.used_bytes, 3 * MIB / 4 + 4096);
    ck_assert_ptr_null(arena_grow(&a, p, 3 * MIB / 4, MIB));
    ck_assert_int_eq(share.reached, BUDGET_OF_SHARE);
    memset(p, 1, 3 * MIB / 4);
    arena_close(&a);
    ck_assert_uint_eq(share.used_bytes, 0);
}
END_TEST

START_TEST(a_buffer_takes_and_gives_back)
{
    start(10 * MIB, MIB);
    struct buf b;
    buf_init_share(&b, 10 * MIB, &share);
    for (int i = 0; i < MIB && buf_is_ok(&b); i++)
        buf_puts(&b, STR("ten bytes "));
    ck_assert(!buf_is_ok(&b));
    ck_assert_int_eq(share.reached, BUDGET_OF_SHARE);
    ck_assert_uint_eq(share.used_bytes, b.cap);
    buf_close(&b);
    ck_assert_uint_eq(share.used_bytes, 0);
    buf_puts(&b, STR("again"));
    ck_assert(buf_is_ok(&b));
    ck_assert_uint_gt(share.used_bytes, 0);
    buf_close(&b);
}
END_TEST

static void *take_and_give(void *arg)
{
    struct budget_share own;
    budget_share_init(&own, &whole, MIB);
    (void)arg;
    for (int i = 0; i < N_TURNS; i++) {
        (void)!budget_take(&own, MIB);
        ck_assert_uint_le(used_of_whole(), whole.max_bytes);
        budget_share_close(&own);
    }
    return NULL;
}

START_TEST(threads_together_stay_within_the_whole)
{
    start(2 * MIB, MIB);
    pthread_t threads[N_THREADS];
    for (int i = 0; i < N_THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, take_and_give, NULL), 0);
    for (int i = 0; i < N_THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(used_of_whole(), 0);
}
END_TEST

static TCase *all_tests(void)
{
    TCase *c = tcase_create("budget");
    tcase_add_test(c, the_first_bytes_are_not_asked_of_the_whole);
    tcase_add_test(c, a_share_has_a_bound_of_its_own);
    tcase_add_test(c, what_one_has_another_cannot_have);
    tcase_add_test(c, an_excused_share_is_never_refused);
    tcase_add_test(c, no_share_has_no_bound);
    tcase_add_test(c, an_arena_takes_for_each_block_and_gives_all_back);
    tcase_add_test(c, what_grows_takes_only_the_difference);
    tcase_add_test(c, a_buffer_takes_and_gives_back);
    tcase_add_test(c, threads_together_stay_within_the_whole);
    return c;
}

CHECK_MAIN("budget", all_tests)
