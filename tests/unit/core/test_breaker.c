#include "core/breaker.h"

#include "core/clock.h"
#include "tests/check_main.h"

static struct breaker b;

static void setup(void)
{
    breaker_init(&b);
}

static void fail_until_open(int64_t now_ns)
{
    for (int i = 0; i < BREAKER_FAILURES_MAX; i++) {
        ck_assert(breaker_admit(&b, now_ns));
        breaker_failed(&b, now_ns, 0);
    }
    ck_assert_int_eq(b.state, BREAKER_OPEN);
}

START_TEST(failures_in_a_row_open_it)
{
    for (int i = 0; i < 3 * BREAKER_FAILURES_MAX; i++) {
        ck_assert(breaker_admit(&b, 0));
        if (i % BREAKER_FAILURES_MAX == BREAKER_FAILURES_MAX - 1)
            breaker_succeeded(&b);
        else
            breaker_failed(&b, 0, 0);
    }
    ck_assert_int_eq(b.state, BREAKER_CLOSED);
    fail_until_open(0);
    ck_assert(!breaker_admit(&b, BREAKER_PAUSE_MS * NS_PER_MS - 1));
}
END_TEST

START_TEST(one_call_tries_it_out)
{
    fail_until_open(0);
    const int64_t later_ns = BREAKER_PAUSE_MS * NS_PER_MS;
    ck_assert(breaker_admit(&b, later_ns));
    ck_assert_int_eq(b.state, BREAKER_HALF_OPEN);
    ck_assert(!breaker_admit(&b, later_ns));
    breaker_succeeded(&b);
    ck_assert_int_eq(b.state, BREAKER_CLOSED);
    ck_assert(breaker_admit(&b, later_ns) && breaker_admit(&b, later_ns));
}
END_TEST

START_TEST(pauses_grow_to_their_bound_and_start_anew)
{
    int64_t now_ns = 0;
    fail_until_open(now_ns);
    for (int64_t pause_ms = BREAKER_PAUSE_MS; pause_ms < 4 * BREAKER_PAUSE_MAX_MS; pause_ms *= 2) {
        const int64_t expected_ms = pause_ms < BREAKER_PAUSE_MAX_MS ? pause_ms : BREAKER_PAUSE_MAX_MS;
        ck_assert_int_eq(b.retry_ns, now_ns + expected_ms * NS_PER_MS);
        now_ns = b.retry_ns;
        ck_assert(breaker_admit(&b, now_ns));
        breaker_failed(&b, now_ns, 0);
    }
    ck_assert(breaker_admit(&b, b.retry_ns));
    breaker_succeeded(&b);
    fail_until_open(0);
    ck_assert_int_eq(b.retry_ns, BREAKER_PAUSE_MS * NS_PER_MS);
}
END_TEST

START_TEST(a_pause_that_was_asked_for_is_kept)
{
    ck_assert(breaker_admit(&b, 0));
    breaker_failed(&b, 0, 90 * NS_PER_S);
    ck_assert_int_eq(b.state, BREAKER_OPEN);
    ck_assert(!breaker_admit(&b, 90 * NS_PER_S - 1));
    ck_assert(breaker_admit(&b, 90 * NS_PER_S));
}
END_TEST

START_TEST(a_cancelled_call_leaves_the_trial_to_the_next)
{
    fail_until_open(0);
    ck_assert(breaker_admit(&b, NS_PER_S));
    breaker_abandoned(&b, NS_PER_S);
    ck_assert(breaker_admit(&b, NS_PER_S));
    breaker_failed(&b, NS_PER_S, 0);
    ck_assert_int_eq(b.retry_ns, NS_PER_S + 2 * BREAKER_PAUSE_MS * NS_PER_MS);
    breaker_abandoned(&b, 0); /* of a call older than the opening */
    breaker_failed(&b, 0, 0);
    ck_assert_int_eq(b.retry_ns, NS_PER_S + 2 * BREAKER_PAUSE_MS * NS_PER_MS);
}
END_TEST

static TCase *tcase_breaker(void)
{
    TCase *tcase = tcase_create("breaker");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, failures_in_a_row_open_it);
    tcase_add_test(tcase, one_call_tries_it_out);
    tcase_add_test(tcase, pauses_grow_to_their_bound_and_start_anew);
    tcase_add_test(tcase, a_pause_that_was_asked_for_is_kept);
    tcase_add_test(tcase, a_cancelled_call_leaves_the_trial_to_the_next);
    return tcase;
}

CHECK_MAIN("breaker", tcase_breaker)
