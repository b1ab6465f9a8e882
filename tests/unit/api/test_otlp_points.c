#include "tests/check_main.h"
#include "tests/otlp/decoded.h"
#include "tests/otlp/from_json.h"

#define TRACE "5b8efff798038103d269b633813fc60c"
#define TIME "\"timeUnixNano\":\"1767225500000000000\""
#define TIMES "\"startTimeUnixNano\":\"1767225400000000000\"," TIME
#define IN_REQUEST(metrics) "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[" metrics "]}]}]}"
#define GAUGE(points) IN_REQUEST("{\"name\":\"m\",\"gauge\":{\"dataPoints\":[" points "]}}")

static struct tests_otlp_decoded d;

static void end(void)
{
    tests_otlp_close(&d);
}

static void decode(const char *json)
{
    tests_otlp_decode_both(&d, DB_SIGNAL_METRICS, json);
}

static void has(const char *wanted)
{
    ck_assert_msg(strstr(d.text.data, wanted) != NULL, "no %s in\n%s", wanted, d.text.data);
}

START_TEST(a_sum_arrives_whole)
{
    decode("{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"cart\"}}]},"
           "\"scopeMetrics\":[{\"scope\":{\"name\":\"lib\"},\"metrics\":[{\"name\":\"requests\",\"description\":\"d\",\"unit\":\"1\","
           "\"metadata\":[{\"key\":\"a\",\"value\":{\"stringValue\":\"b\"}}],\"sum\":{\"aggregationTemporality\":2,\"isMonotonic\":true,"
           "\"dataPoints\":[{" TIMES ",\"asInt\":\"-9007199254740993\",\"flags\":1,"
           "\"attributes\":[{\"key\":\"code\",\"value\":{\"intValue\":\"200\"}}]}]}}]}]}]}");
    has(" name=requests unit=1 description=d kind=2 temporality=2 monotonic=1 metadata={\"a\":\"b\"}\n");
    has(" time=1767225500000000000 start=1767225400000000000 metric=0 resource=0 scope=0 flags=1 value=-9007199254740992 "
        "int=-9007199254740993 count=(none) sum=(none) min=(none) max=(none) attributes={\"code\":200} detail=(absent) "
        "exemplars=(absent)\n");
}
END_TEST

START_TEST(a_gauge_may_have_no_value)
{
    decode(GAUGE("{" TIME ",\"asDouble\":0.5},{" TIMES ",\"flags\":1}"));
    has(" kind=1 temporality=0 monotonic=0 metadata=(absent)\n");
    has(" start=0 metric=0 resource=0 scope=0 flags=0 value=0.5 int=0 ");
    has(" flags=1 value=(none) ");
}
END_TEST

START_TEST(a_histogram_keeps_buckets_and_bounds)
{
    decode(IN_REQUEST("{\"name\":\"h\",\"histogram\":{\"aggregationTemporality\":1,\"dataPoints\":[{" TIMES ",\"count\":\"6\","
                      "\"sum\":1.5,\"bucketCounts\":[\"1\",\"2\",\"3\"],\"explicitBounds\":[0.1,10],\"min\":0.0,\"max\":1.25},"
                      "{" TIME ",\"count\":\"0\"}]}}"));
    has(" kind=3 temporality=1 ");
    has(" value=(none) int=0 count=6 sum=1.5 min=0 max=1.25 attributes={} "
        "detail={\"bucket_counts\":[1,2,3],\"explicit_bounds\":[0.1,10.0]} ");
    has(" count=0 sum=(none) min=(none) max=(none) attributes={} detail={\"bucket_counts\":[],\"explicit_bounds\":[]} ");
}
END_TEST

START_TEST(an_exponential_histogram_keeps_both_sides)
{
    decode(IN_REQUEST("{\"name\":\"e\",\"exponentialHistogram\":{\"aggregationTemporality\":2,\"dataPoints\":[{" TIMES ",\"count\":\"4\","
                      "\"sum\":-3,\"scale\":-2,\"zeroCount\":\"1\",\"zeroThreshold\":0.001,"
                      "\"positive\":{\"offset\":-5,\"bucketCounts\":[\"1\",\"18446744073709551615\"]},"
                      "\"negative\":{\"offset\":3,\"bucketCounts\":[\"2\"]},\"min\":-9.5,\"max\":4},{" TIME ",\"count\":\"1\",\"positive\":{}}]}}"));
    has(" kind=4 temporality=2 ");
    has(" count=4 sum=-3 min=-9.5 max=4 attributes={} detail={\"scale\":-2,\"zero_count\":1,\"zero_threshold\":0.001,"
        "\"positive\":{\"offset\":-5,\"bucket_counts\":[1,18446744073709551615]},"
        "\"negative\":{\"offset\":3,\"bucket_counts\":[2]}} ");
    has(" count=1 sum=(none) min=(none) max=(none) attributes={} detail={\"scale\":0,\"zero_count\":0,\"zero_threshold\":0.0,"
        "\"positive\":{\"offset\":0,\"bucket_counts\":[]}} ");
}
END_TEST

START_TEST(a_summary_keeps_its_quantiles)
{
    decode(IN_REQUEST("{\"name\":\"s\",\"summary\":{\"dataPoints\":[{" TIMES ",\"count\":\"2\",\"sum\":7.5,"
                      "\"quantileValues\":[{\"quantile\":0.5,\"value\":3},{\"quantile\":1}]}]}}"));
    has(" kind=5 temporality=0 ");
    has(" count=2 sum=7.5 min=(none) max=(none) attributes={} "
        "detail={\"quantiles\":[{\"quantile\":0.5,\"value\":3.0},{\"quantile\":1.0,\"value\":0.0}]} ");
}
END_TEST

START_TEST(exemplars_link_to_traces)
{
    decode(GAUGE("{" TIME ",\"asInt\":\"1\",\"exemplars\":[{" TIME ",\"asDouble\":0.25,\"spanId\":\"eee19b7ec3c1b174\",\"traceId\":\"" TRACE
                 "\",\"filteredAttributes\":[{\"key\":\"u\",\"value\":{\"stringValue\":\"x\"}}]},{" TIME ",\"asInt\":\"3\"}]}"));
    has(" exemplars=[{\"time_unix_nano\":\"1767225500000000000\",\"value\":0.25,\"trace_id\":\"" TRACE
        "\",\"span_id\":\"eee19b7ec3c1b174\",\"attributes\":{\"u\":\"x\"}},"
        "{\"time_unix_nano\":\"1767225500000000000\",\"value\":3,\"trace_id\":\"\",\"span_id\":\"\",\"attributes\":{}}] of=" TRACE "\n");
}
END_TEST

START_TEST(a_trace_id_attribute_links_too)
{
    decode(GAUGE("{" TIME ",\"asInt\":\"1\",\"attributes\":[{\"key\":\"trace_id\",\"value\":{\"stringValue\":\"" TRACE "\"}}]},"
                 "{" TIME ",\"asInt\":\"1\",\"attributes\":[{\"key\":\"trace_id\",\"value\":{\"stringValue\":\"short\"}}]}"));
    ck_assert_uint_eq(d.batch.points.items[0].n_trace_ids, 1);
    ck_assert_uint_eq(d.batch.points.items[1].n_trace_ids, 0);
    has(" attributes={\"trace_id\":\"" TRACE "\"} detail=(absent) exemplars=(absent) of=" TRACE "\n");
}
END_TEST

static const struct {
    const char *json, *why;
    int64_t n;
} refused[] = {
    {GAUGE("{\"asInt\":\"1\"}"), "missing or 0", 1},
    {GAUGE("{\"timeUnixNano\":\"1767312000000000001\"},{}"), "in the future", 2},
    {IN_REQUEST("{\"gauge\":{\"dataPoints\":[{" TIME "},{" TIME "}]}}"), "must have a name", 2},
};

START_TEST(bad_points_are_left_out_and_their_metric_with_them)
{
    decode(refused[_i].json);
    ck_assert_str_eq(d.text.data, "");
    ck_assert_int_eq(d.rejects.n_items, refused[_i].n);
    ck_assert_msg(strstr(d.rejects.reasons, refused[_i].why) != NULL, "%s", d.rejects.reasons);
}
END_TEST

START_TEST(metrics_without_points_bring_nothing)
{
    decode(IN_REQUEST("{\"name\":\"a\"},{\"name\":\"b\",\"gauge\":{}},{\"name\":\"c\",\"sum\":{\"dataPoints\":[{" TIME "}]}}"));
    ck_assert_uint_eq(d.batch.metrics.n, 1);
    has(" name=c ");
    has(" metric=0 ");
}
END_TEST

START_TEST(a_name_may_follow_the_points)
{
    const char *json = IN_REQUEST("{\"sum\":{\"dataPoints\":[{" TIME "}],\"isMonotonic\":true,"
                                  "\"aggregationTemporality\":\"AGGREGATION_TEMPORALITY_DELTA\"},\"unit\":\"s\",\"name\":\"late\"}");
    tests_otlp_decode(&d, DB_SIGNAL_METRICS, DB_ENCODING_JSON, str_of(json));
    has(" name=late unit=s description= kind=2 temporality=1 monotonic=1 ");
    ck_assert(str_starts_with(d.batch.points.items[0].raw, STR("{\"sum\":")));
}
END_TEST

/* One series' point, and what makes it another. */
START_TEST(a_point_has_the_id_of_its_series_and_time)
{
    static const char *const requests[] = {
        GAUGE("{" TIMES ",\"asInt\":\"1\"}"),
        GAUGE("{" TIME ",\"asInt\":\"1\"}"),
        GAUGE("{\"startTimeUnixNano\":\"1767225400000000000\",\"timeUnixNano\":\"1767225500000000001\",\"asInt\":\"1\"}"),
        GAUGE("{" TIMES ",\"asInt\":\"1\",\"attributes\":[{\"key\":\"a\",\"value\":{\"intValue\":\"1\"}}]}"),
        IN_REQUEST("{\"name\":\"n\",\"gauge\":{\"dataPoints\":[{" TIMES ",\"asInt\":\"1\"}]}}"),
        IN_REQUEST("{\"name\":\"m\",\"sum\":{\"dataPoints\":[{" TIMES ",\"asInt\":\"1\"}]}}"),
        IN_REQUEST("{\"name\":\"m\",\"unit\":\"s\",\"gauge\":{\"dataPoints\":[{" TIMES ",\"asInt\":\"1\"}]}}"),
        "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"scope\":{\"name\":\"s\"},\"metrics\":[{\"name\":\"m\",\"gauge\":{\"dataPoints\":[{" TIMES
        ",\"asInt\":\"1\"}]}}]}]}]}",
    };
    uint8_t ids[ARRAY_LEN(requests)][sizeof d.batch.points.items->point_id];
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        tests_otlp_close(&d);
        decode(requests[i]);
        memcpy(ids[i], d.batch.points.items[0].point_id, sizeof ids[i]);
        for (size_t j = 0; j < i; j++)
            ck_assert_mem_ne(ids[i], ids[j], sizeof ids[i]);
    }
    tests_otlp_close(&d);
    decode(GAUGE("{" TIMES ",\"asInt\":\"2\"}"));
    ck_assert_mem_eq(d.batch.points.items[0].point_id, ids[0], sizeof ids[0]);
}
END_TEST

static TCase *point_cases(void)
{
    TCase *c = tcase_create("points");
    tcase_add_checked_fixture(c, NULL, end);
    tcase_add_test(c, a_sum_arrives_whole);
    tcase_add_test(c, a_gauge_may_have_no_value);
    tcase_add_test(c, a_histogram_keeps_buckets_and_bounds);
    tcase_add_test(c, an_exponential_histogram_keeps_both_sides);
    tcase_add_test(c, a_summary_keeps_its_quantiles);
    tcase_add_test(c, exemplars_link_to_traces);
    tcase_add_test(c, a_trace_id_attribute_links_too);
    tcase_add_loop_test(c, bad_points_are_left_out_and_their_metric_with_them, 0, (int)ARRAY_LEN(refused));
    tcase_add_test(c, metrics_without_points_bring_nothing);
    tcase_add_test(c, a_name_may_follow_the_points);
    tcase_add_test(c, a_point_has_the_id_of_its_series_and_time);
    return c;
}

CHECK_MAIN("api/otlp points", point_cases)
