#include "core/histogram.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/clock.h"
#include "tests/check_main.h"

enum { N_SAMPLES = 20000, N_THREADS = 4 };

/* Half a part of the smallest doubling's width, and what rounding adds. */
static const double error_max = 1.0 / (2 * HISTOGRAM_PER_DOUBLING) + 1e-9;

static double error_of(int64_t found, int64_t want)
{
    return fabs((double)found - (double)want) / (double)want;
}

START_TEST(empty)
{
    static struct histogram h;
    ck_assert_uint_eq(histogram_count(&h), 0);
    ck_assert_int_eq(histogram_quantile(&h, 0.5), 0);
    ck_assert_int_eq(histogram_quantile(&h, 1), 0);
}
END_TEST

/* Each duration of the range, at steps finer than the buckets, is found again with the error promised. */
START_TEST(every_duration_within_the_error)
{
    for (double d = (double)HISTOGRAM_LEAST_NS; d < (double)HISTOGRAM_MOST_NS; d *= 1.003) {
        struct histogram h = {0};
        histogram_add(&h, (int64_t)d);
        const double error = error_of(histogram_quantile(&h, 0.99), (int64_t)d);
        ck_assert_msg(error <= error_max, "%lld ns is found as %lld, %.2f%% off", (long long)d,
                      (long long)histogram_quantile(&h, 0.99), error * 100);
    }
}
END_TEST

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Durations as services have them: most are short, few are very long. */
START_TEST(quantiles_of_many)
{
    static struct histogram h;
    static int64_t samples[N_SAMPLES];
    unsigned short seed[3] = {1, 2, 3};
    for (size_t i = 0; i < N_SAMPLES; i++) {
        samples[i] = (int64_t)(1e6 * exp(2 * sqrt(-2 * log(1 - erand48(seed))) * cos(6.283185307179586 * erand48(seed))));
        histogram_add(&h, samples[i]);
    }
    qsort(samples, N_SAMPLES, sizeof *samples, compare);
    static const double wanted[] = {0.01, 0.5, 0.95, 0.99, 0.999, 1};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const int64_t exact = samples[(size_t)ceil(wanted[i] * N_SAMPLES) - 1];
        const int64_t found = histogram_quantile(&h, wanted[i]);
        ck_assert_msg(error_of(found, exact) <= error_max, "p%g is %lld and was found as %lld", wanted[i] * 100,
                      (long long)exact, (long long)found);
    }
}
END_TEST

START_TEST(beyond_the_range)
{
    static struct histogram h;
    static const int64_t low[] = {INT64_MIN, -1, 0, 1, HISTOGRAM_LEAST_NS}, high[] = {HISTOGRAM_MOST_NS, INT64_MAX};
    for (size_t i = 0; i < sizeof low / sizeof *low; i++)
        histogram_add(&h, low[i]);
    ck_assert_double_le(error_of(histogram_quantile(&h, 1), HISTOGRAM_LEAST_NS), error_max);
    for (size_t i = 0; i < sizeof high / sizeof *high; i++)
        histogram_add(&h, high[i]);
    ck_assert_uint_eq(histogram_count(&h), 7);
    ck_assert_double_le(error_of(histogram_quantile(&h, 1), HISTOGRAM_MOST_NS), error_max);
}
END_TEST

static void *add_many(void *arg)
{
    for (int64_t i = 0; i < N_SAMPLES; i++)
        histogram_add(arg, i * NS_PER_US);
    return NULL;
}

START_TEST(threads_lose_nothing)
{
    static struct histogram h;
    pthread_t threads[N_THREADS];
    for (size_t i = 0; i < N_THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, add_many, &h), 0);
    for (size_t i = 0; i < N_THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(histogram_count(&h), (uint64_t)N_THREADS * N_SAMPLES);
    ck_assert_double_le(error_of(histogram_quantile(&h, 0.5), N_SAMPLES / 2 * NS_PER_US), error_max);
}
END_TEST

static TCase *all_tests(void)
{
    TCase *c = tcase_create("histogram");
    tcase_add_test(c, empty);
    tcase_add_test(c, every_duration_within_the_error);
    tcase_add_test(c, quantiles_of_many);
    tcase_add_test(c, beyond_the_range);
    tcase_add_test(c, threads_lose_nothing);
    return c;
}

CHECK_MAIN("histogram", all_tests)
