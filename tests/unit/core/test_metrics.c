#include "core/metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>

#include "tests/check_main.h"

enum { RENDERED_MAX = 16 * 1024 * 1024 };

static bool has_line(const struct buf *out, const char *line)
{
    AUTO(buf) struct buf whole;
    buf_init(&whole, 1024);
    buf_printf(&whole, "\n%s\n", line);
    return str_contains(buf_str(out), buf_str(&whole));
}

static void assert_rendered(bool openmetrics, const char *const *lines, size_t n_lines)
{
    AUTO(buf) struct buf out;
    buf_init(&out, RENDERED_MAX);
    buf_putc(&out, '\n');
    metrics_render(&out, openmetrics);
    ck_assert(buf_is_ok(&out));
    for (size_t i = 0; i < n_lines; i++)
        ck_assert_msg(has_line(&out, lines[i]), "no line %s in %.*s", lines[i], STR_ARG(buf_str(&out)));
}

START_TEST(counters)
{
    static const struct metric_family family = {"test_things_total", METRIC_COUNTER, "Things \\ \"seen\"\nhere."};
    struct metric *all = metrics_series(&family, ""), *some = metrics_series(&family, "kind=\"a\",code=\"200\"");
    metric_add(all, 3);
    metric_add(all, 4);
    metric_add(some, UINT64_C(1) << 60);
    ck_assert_uint_eq(metric_count(all), 7);
    metric_follow(metrics_series(&family, "kind=\"elsewhere\""), 9);
    static const char *const text[] = {"# HELP test_things_total Things \\\\ \"seen\"\\nhere.",
                                       "# TYPE test_things_total counter", "test_things_total 7",
                                       "test_things_total{kind=\"elsewhere\"} 9",
                                       "test_things_total{kind=\"a\",code=\"200\"} 1152921504606846976"};
    assert_rendered(false, text, ARRAY_LEN(text));
    static const char *const openmetrics[] = {"# HELP test_things Things \\\\ \\\"seen\\\"\\nhere.",
                                              "# TYPE test_things counter", "test_things_total 7"};
    assert_rendered(true, openmetrics, ARRAY_LEN(openmetrics));
}
END_TEST

START_TEST(gauges)
{
    static const struct metric_family family = {"test_level", METRIC_GAUGE, "Level."};
    static const struct {
        double value;
        const char *want;
    } cases[] = {{0, "test_level 0"},           {-1.5, "test_level -1.5"},          {(double)NAN, "test_level NaN"},
                 {(double)INFINITY, "test_level +Inf"}, {-(double)INFINITY, "test_level -Inf"}, {1e300, "test_level 1e+300"},
                 {0.1, "test_level 0.1"},       {0.1 + 0.2, "test_level 0.30000000000000004"}};
    struct metric *m = metrics_series(&family, "");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        metric_set(m, cases[i].value);
        assert_rendered(i % 2 == 0, &cases[i].want, 1);
    }
    metric_set(m, 5);
    metric_move(m, -7);
    metric_move(m, 1);
    static const char *const want = "test_level -1";
    assert_rendered(false, &want, 1);
}
END_TEST

START_TEST(histograms)
{
    static const struct metric_family family = {"test_duration_seconds", METRIC_HISTOGRAM, "Duration."};
    struct metric *m = metrics_series(&family, "route=\"/x\"");
    static const double observed[] = {0, -1, (double)NAN, 0.0005, 0.25, 0.5, 1, 1.5, 10, 11};
    for (size_t i = 0; i < ARRAY_LEN(observed); i++)
        metric_observe(m, observed[i]);
    ck_assert_uint_eq(metric_count(m), 10);
    static const char *const lines[] = {
        "# TYPE test_duration_seconds histogram",
        "test_duration_seconds_bucket{route=\"/x\",le=\"0.0005\"} 4",
        "test_duration_seconds_bucket{route=\"/x\",le=\"0.1\"} 4",
        "test_duration_seconds_bucket{route=\"/x\",le=\"0.25\"} 5",
        "test_duration_seconds_bucket{route=\"/x\",le=\"0.5\"} 6",
        "test_duration_seconds_bucket{route=\"/x\",le=\"1.0\"} 7",
        "test_duration_seconds_bucket{route=\"/x\",le=\"2.5\"} 8",
        "test_duration_seconds_bucket{route=\"/x\",le=\"10.0\"} 9",
        "test_duration_seconds_bucket{route=\"/x\",le=\"+Inf\"} 10",
        "test_duration_seconds_sum{route=\"/x\"} 24.2505",
        "test_duration_seconds_count{route=\"/x\"} 10",
    };
    assert_rendered(false, lines, ARRAY_LEN(lines));
    assert_rendered(true, lines, ARRAY_LEN(lines));
}
END_TEST

START_TEST(histogram_without_labels)
{
    static const struct metric_family family = {"test_bare_seconds", METRIC_HISTOGRAM, "Bare."};
    metric_observe(metrics_series(&family, ""), 0.002);
    static const char *const lines[] = {"test_bare_seconds_bucket{le=\"0.001\"} 0",
                                        "test_bare_seconds_bucket{le=\"0.0025\"} 1", "test_bare_seconds_count 1"};
    assert_rendered(false, lines, ARRAY_LEN(lines));
}
END_TEST

START_TEST(histogram_of_items)
{
    static const struct metric_family family = {"test_batch_items", METRIC_HISTOGRAM_OF_ITEMS, "Items."};
    struct metric *m = metrics_series(&family, "");
    static const double observed[] = {0, 1, 3, 512, 2e6};
    for (size_t i = 0; i < ARRAY_LEN(observed); i++)
        metric_observe(m, observed[i]);
    static const char *const lines[] = {"test_batch_items_bucket{le=\"1.0\"} 2", "test_batch_items_bucket{le=\"5.0\"} 3",
                                        "test_batch_items_bucket{le=\"1000.0\"} 4", "test_batch_items_bucket{le=\"+Inf\"} 5",
                                        "test_batch_items_sum 2000516", "test_batch_items_count 5"};
    assert_rendered(true, lines, ARRAY_LEN(lines));
}
END_TEST

START_TEST(series_are_found_again)
{
    static const struct metric_family family = {"test_same_total", METRIC_COUNTER, "Same."};
    static const struct metric_family again = {"test_same_total", METRIC_COUNTER, "Same."};
    static const struct metric_family other = {"test_other_total", METRIC_COUNTER, "Other."};
    char labels[] = "a=\"1\"";
    struct metric *m = metrics_series(&family, labels);
    labels[3] = '2';
    ck_assert_ptr_ne(metrics_series(&family, labels), m);
    ck_assert_ptr_eq(metrics_series(&family, "a=\"1\""), m);
    ck_assert_ptr_eq(metrics_series(&again, "a=\"1\""), m);
    ck_assert_ptr_ne(metrics_series(&other, "a=\"1\""), m);
}
END_TEST

static void count_call(void *arg)
{
    static const struct metric_family family = {"test_hook", METRIC_GAUGE, "Set by a hook."};
    int *n_calls = arg;
    metric_set(metrics_series(&family, ""), ++*n_calls);
}

START_TEST(hooks_run_before_rendering)
{
    static int n_calls;
    metrics_add_hook(count_call, &n_calls);
    static const char *const first = "test_hook 1", *const second = "test_hook 2";
    assert_rendered(false, &first, 1);
    assert_rendered(true, &second, 1);
}
END_TEST

/* The value of a series without labels. */
static double value_of(const char *name)
{
    AUTO(buf) struct buf out, start;
    buf_init(&out, RENDERED_MAX);
    buf_init(&start, 256);
    metrics_render(&out, false);
    buf_printf(&start, "%s ", name);
    struct str rest = buf_str(&out);
    double value = -1;
    while (rest.ptr != NULL) {
        struct str line = str_split(rest, '\n', &rest);
        if (str_starts_with(line, buf_str(&start)))
            ck_assert(str_to_double((struct str){line.ptr + start.len, line.len - start.len}, &value));
    }
    return value;
}

START_TEST(process_figures_are_plausible)
{
    static const struct {
        const char *name;
        double min, max;
    } cases[] = {
        {"process_cpu_seconds_total", 0, 3600},        {"process_open_fds", 3, 1000},
        {"process_max_fds", 3, 1e18},                  {"process_resident_memory_bytes", 1e5, 1e12},
        {"process_virtual_memory_bytes", 1e6, 1e15},   {"process_start_time_seconds", 1577836800, 4e9},
        {"process_threads", 1, 64},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const double value = value_of(cases[i].name);
        ck_assert_msg(value >= cases[i].min && value <= cases[i].max, "%s is %f", cases[i].name, value);
    }
    ck_assert_double_eq(value_of("process_start_time_seconds"), value_of("process_start_time_seconds"));
    const double n_fds = value_of("process_open_fds");
    FILE *file = fopen("/dev/null", "r");
    ck_assert_double_eq(value_of("process_open_fds"), n_fds + 1);
    (void)fclose(file);
}
END_TEST

START_TEST(openmetrics_ends_with_eof)
{
    AUTO(buf) struct buf out;
    buf_init(&out, RENDERED_MAX);
    metrics_render(&out, true);
    ck_assert_mem_eq(out.data + out.len - 7, "\n# EOF\n", 7);
    ck_assert(str_contains(buf_str(&out), STR("# TYPE process_cpu_seconds counter\nprocess_cpu_seconds_total ")));
    buf_clear(&out);
    metrics_render(&out, false);
    ck_assert(!str_contains(buf_str(&out), STR("# EOF")));
}
END_TEST

enum { N_THREADS = 4, N_UPDATES = 20000 };

static void *update_many(void *arg)
{
    static const struct metric_family counter = {"test_race_total", METRIC_COUNTER, "Race."};
    static const struct metric_family gauge = {"test_race", METRIC_GAUGE, "Race."};
    static const struct metric_family histogram = {"test_race_seconds", METRIC_HISTOGRAM, "Race."};
    (void)arg;
    for (int i = 0; i < N_UPDATES; i++) {
        char labels[32];
        (void)snprintf(labels, sizeof labels, "i=\"%d\"", i % 50);
        metric_add(metrics_series(&counter, labels), 1);
        metric_move(metrics_series(&gauge, ""), 1);
        metric_observe(metrics_series(&histogram, ""), 0.5);
    }
    return NULL;
}

START_TEST(threads_lose_no_update)
{
    pthread_t threads[N_THREADS];
    for (size_t i = 0; i < N_THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, update_many, NULL), 0);
    for (size_t i = 0; i < 10; i++)
        (void)value_of("test_race");
    for (size_t i = 0; i < N_THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    static const char *const lines[] = {"test_race_total{i=\"49\"} 1600", "test_race 80000", "test_race_seconds_sum 40000",
                                        "test_race_seconds_bucket{le=\"0.5\"} 80000"};
    assert_rendered(false, lines, ARRAY_LEN(lines));
}
END_TEST

/* Last, for without forks what it fills stays full. */
START_TEST(bounds_hold)
{
    static const struct metric_family family = {"test_many_total", METRIC_COUNTER, "Many."};
    static struct metric_family families[METRICS_FAMILIES_MAX];
    static char names[METRICS_FAMILIES_MAX][32];
    struct metric *kept = metrics_series(&family, "kept=\"1\""), *m = NULL;
    const double n_before = value_of("tracekin_metrics_overflows_total");
    char long_labels[METRICS_LABELS_MAX + 1] = {0};
    memset(long_labels, 'x', METRICS_LABELS_MAX);
    struct metric *overflow = metrics_series(&family, long_labels);
    ck_assert_ptr_nonnull(overflow);
    for (int i = 0; i < METRICS_FAMILIES_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "test_family_%d", i);
        families[i] = (struct metric_family){names[i], METRIC_HISTOGRAM, "One of many."};
        m = metrics_series(&families[i], "");
    }
    ck_assert_ptr_eq(m, overflow);
    for (int i = 0; i < METRICS_SERIES_MAX; i++) {
        char labels[32];
        (void)snprintf(labels, sizeof labels, "i=\"%d\"", i);
        m = metrics_series(&family, labels);
        ck_assert_ptr_nonnull(m);
    }
    ck_assert_ptr_eq(m, overflow);
    metric_observe(m, 1);
    ck_assert_ptr_eq(metrics_series(&family, "kept=\"1\""), kept);
    ck_assert_ptr_ne(metrics_series(&family, "i=\"0\""), overflow);
    ck_assert_double_gt(value_of("tracekin_metrics_overflows_total"), n_before + 2);
}
END_TEST

static TCase *all_tests(void)
{
    TCase *c = tcase_create("metrics");
    tcase_add_test(c, counters);
    tcase_add_test(c, gauges);
    tcase_add_test(c, histograms);
    tcase_add_test(c, histogram_without_labels);
    tcase_add_test(c, histogram_of_items);
    tcase_add_test(c, series_are_found_again);
    tcase_add_test(c, hooks_run_before_rendering);
    tcase_add_test(c, process_figures_are_plausible);
    tcase_add_test(c, openmetrics_ends_with_eof);
    tcase_add_test(c, threads_lose_no_update);
    tcase_add_test(c, bounds_hold);
    return c;
}

CHECK_MAIN("metrics", all_tests)
