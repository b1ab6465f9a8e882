#include "api/otlp/otlp_schema.h"

enum { FIELD_NAME_MAX = 64 };

static const char *const kind_names[] = {"UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"};
static const char *const status_names[] = {"UNSET", "OK", "ERROR"};
static const char *const temporality_names[] = {"UNSPECIFIED", "DELTA", "CUMULATIVE"};
static const char *const severity_names[] = {
    "UNSPECIFIED", "TRACE", "TRACE2", "TRACE3", "TRACE4", "DEBUG", "DEBUG2", "DEBUG3", "DEBUG4",
    "INFO",        "INFO2", "INFO3",  "INFO4",  "WARN",   "WARN2", "WARN3",  "WARN4",  "ERROR",
    "ERROR2",      "ERROR3", "ERROR4", "FATAL", "FATAL2", "FATAL3", "FATAL4",
};

#define NAMES(text, names) {{text, sizeof(text) - 1}, names, ARRAY_LEN(names)}
static const struct api_otlp_names kinds = NAMES("SPAN_KIND_", kind_names);
static const struct api_otlp_names statuses = NAMES("STATUS_CODE_", status_names);
static const struct api_otlp_names temporalities = NAMES("AGGREGATION_TEMPORALITY_", temporality_names);
static const struct api_otlp_names severities = NAMES("SEVERITY_NUMBER_", severity_names);

/* A row: number, type, JSON name, place. */
#define FIELD(no, kind, json, place, ...)                                              \
    {.number = (no), .type = API_OTLP_##kind, .name = {json, sizeof(json) - 1},        \
     .offset = offsetof(struct api_otlp_state, place), ##__VA_ARGS__}
#define TEXT(no, json, place) FIELD(no, STRING, json, place, .limit = API_OTLP_STRING_MAX_BYTES)
#define TRACE_ID(no, json, place) FIELD(no, ID, json, place, .limit = DB_TRACE_ID_BYTES)
#define SPAN_ID(no, json, place) FIELD(no, ID, json, place, .limit = DB_SPAN_ID_BYTES)
/* A message that has no place of its own: its fields have. */
#define SUB(no, kind, json, of) \
    {.number = (no), .type = API_OTLP_##kind, .name = {json, sizeof(json) - 1}, .message = &(of)}
#define MESSAGE(text, rows, ...) {.name = (text), .fields = (rows), .n_fields = ARRAY_LEN(rows), __VA_ARGS__}
#define HOOKS(noun) .begin = api_otlp_##noun##_begin, .end = api_otlp_##noun##_end
#define RAW(place) .raw_offset = offsetof(struct api_otlp_state, place)

/* --- resource.v1, common.v1 */

static const struct api_otlp_field resource_fields[] = {
    FIELD(1, ATTRIBUTES, "attributes", resource.attributes, .watch = "service.name"),
    FIELD(2, UINT32, "droppedAttributesCount", resource.n_dropped),
};
static const struct api_otlp_message resource = MESSAGE("Resource", resource_fields, RAW(resource.raw));

static const struct api_otlp_field scope_fields[] = {
    TEXT(1, "name", scope.name),
    TEXT(2, "version", scope.version),
    FIELD(3, ATTRIBUTES, "attributes", scope.attributes),
    FIELD(4, UINT32, "droppedAttributesCount", scope.n_dropped),
};
static const struct api_otlp_message scope = MESSAGE("InstrumentationScope", scope_fields, RAW(scope.raw));

/* --- trace.v1 */

static const struct api_otlp_field event_fields[] = {
    FIELD(1, FIXED64, "timeUnixNano", event.time),
    TEXT(2, "name", event.name),
    FIELD(3, ATTRIBUTES, "attributes", event.attributes),
    FIELD(4, UINT32, "droppedAttributesCount", event.n_dropped),
};
static const struct api_otlp_message event = MESSAGE("Event", event_fields, HOOKS(event));

static const struct api_otlp_field link_fields[] = {
    TRACE_ID(1, "traceId", link.trace_id),
    SPAN_ID(2, "spanId", link.span_id),
    TEXT(3, "traceState", link.trace_state),
    FIELD(4, ATTRIBUTES, "attributes", link.attributes),
    FIELD(5, UINT32, "droppedAttributesCount", link.n_dropped),
    FIELD(6, FIXED32, "flags", link.flags),
};
static const struct api_otlp_message link_message = MESSAGE("Link", link_fields, HOOKS(link));

static const struct api_otlp_field status_fields[] = {
    TEXT(2, "message", span.status_message),
    FIELD(3, ENUM, "code", span.status, .names = &statuses),
};
static const struct api_otlp_message status = MESSAGE("Status", status_fields);

static const struct api_otlp_field span_fields[] = {
    TRACE_ID(1, "traceId", span.trace_id),
    SPAN_ID(2, "spanId", span.span_id),
    TEXT(3, "traceState", span.trace_state),
    SPAN_ID(4, "parentSpanId", span.parent_span_id),
    FIELD(5, STRING, "name", span.name, .limit = API_OTLP_NAME_MAX_BYTES),
    FIELD(6, ENUM, "kind", span.kind, .names = &kinds),
    FIELD(7, FIXED64, "startTimeUnixNano", span.start),
    FIELD(8, FIXED64, "endTimeUnixNano", span.end),
    FIELD(9, ATTRIBUTES, "attributes", span.attributes),
    FIELD(10, UINT32, "droppedAttributesCount", span.n_dropped_attributes),
    SUB(11, MESSAGES, "events", event),
    FIELD(12, UINT32, "droppedEventsCount", span.n_dropped_events),
    SUB(13, MESSAGES, "links", link_message),
    FIELD(14, UINT32, "droppedLinksCount", span.n_dropped_links),
    SUB(15, MESSAGE, "status", status),
    FIELD(16, FIXED32, "flags", span.flags),
};
static const struct api_otlp_message span = MESSAGE("Span", span_fields, RAW(span.raw), HOOKS(span));

/* --- logs.v1 */

static const struct api_otlp_field log_fields[] = {
    FIELD(1, FIXED64, "timeUnixNano", log.time),
    FIELD(11, FIXED64, "observedTimeUnixNano", log.observed),
    FIELD(2, ENUM, "severityNumber", log.severity, .names = &severities),
    TEXT(3, "severityText", log.severity_text),
    FIELD(5, ANY, "body", log.body, .limit = API_OTLP_BODY_MAX_BYTES),
    FIELD(6, ATTRIBUTES, "attributes", log.attributes),
    FIELD(7, UINT32, "droppedAttributesCount", log.n_dropped),
    FIELD(8, FIXED32, "flags", log.flags),
    TRACE_ID(9, "traceId", log.trace_id),
    SPAN_ID(10, "spanId", log.span_id),
    TEXT(12, "eventName", log.event_name),
};
static const struct api_otlp_message log_record = MESSAGE("LogRecord", log_fields, RAW(log.raw), HOOKS(log));

/* --- metrics.v1 */

static const struct api_otlp_field exemplar_fields[] = {
    FIELD(2, FIXED64, "timeUnixNano", exemplar.time),
    FIELD(3, DOUBLE, "asDouble", exemplar.value),
    SPAN_ID(4, "spanId", exemplar.span_id),
    TRACE_ID(5, "traceId", exemplar.trace_id),
    FIELD(6, SFIXED64, "asInt", exemplar.value),
    FIELD(7, ATTRIBUTES, "filteredAttributes", exemplar.attributes),
};
static const struct api_otlp_message exemplar = MESSAGE("Exemplar", exemplar_fields, HOOKS(exemplar));

#define POINT_ATTRIBUTES(no) FIELD(no, ATTRIBUTES, "attributes", point.attributes, .watch = "trace_id")

static const struct api_otlp_field number_fields[] = {
    FIELD(2, FIXED64, "startTimeUnixNano", point.start),
    FIELD(3, FIXED64, "timeUnixNano", point.time),
    FIELD(4, DOUBLE, "asDouble", point.value),
    FIELD(6, SFIXED64, "asInt", point.value),
    POINT_ATTRIBUTES(7),
    SUB(5, MESSAGES, "exemplars", exemplar),
    FIELD(8, UINT32, "flags", point.flags),
};
static const struct api_otlp_message number_point = MESSAGE("NumberDataPoint", number_fields, HOOKS(point));

static const struct api_otlp_field histogram_point_fields[] = {
    POINT_ATTRIBUTES(9),
    FIELD(2, FIXED64, "startTimeUnixNano", point.start),
    FIELD(3, FIXED64, "timeUnixNano", point.time),
    FIELD(4, FIXED64, "count", point.count),
    FIELD(5, DOUBLE, "sum", point.sum),
    FIELD(6, LIST_FIXED64, "bucketCounts", point.counts),
    FIELD(7, LIST_DOUBLE, "explicitBounds", point.bounds),
    SUB(8, MESSAGES, "exemplars", exemplar),
    FIELD(10, UINT32, "flags", point.flags),
    FIELD(11, DOUBLE, "min", point.min),
    FIELD(12, DOUBLE, "max", point.max),
};
static const struct api_otlp_message histogram_point =
    MESSAGE("HistogramDataPoint", histogram_point_fields, HOOKS(point));

static const struct api_otlp_field positive_fields[] = {
    FIELD(1, SINT32, "offset", point.positive.offset),
    FIELD(2, LIST_UINT64, "bucketCounts", point.positive.counts),
};
static const struct api_otlp_field negative_fields[] = {
    FIELD(1, SINT32, "offset", point.negative.offset),
    FIELD(2, LIST_UINT64, "bucketCounts", point.negative.counts),
};
static const struct api_otlp_message positive =
    MESSAGE("Buckets", positive_fields, .begin = api_otlp_positive_begin);
static const struct api_otlp_message negative =
    MESSAGE("Buckets", negative_fields, .begin = api_otlp_negative_begin);

static const struct api_otlp_field exponential_point_fields[] = {
    POINT_ATTRIBUTES(1),
    FIELD(2, FIXED64, "startTimeUnixNano", point.start),
    FIELD(3, FIXED64, "timeUnixNano", point.time),
    FIELD(4, FIXED64, "count", point.count),
    FIELD(5, DOUBLE, "sum", point.sum),
    FIELD(6, SINT32, "scale", point.scale),
    FIELD(7, FIXED64, "zeroCount", point.zero_count),
    SUB(8, MESSAGE, "positive", positive),
    SUB(9, MESSAGE, "negative", negative),
    FIELD(10, UINT32, "flags", point.flags),
    SUB(11, MESSAGES, "exemplars", exemplar),
    FIELD(12, DOUBLE, "min", point.min),
    FIELD(13, DOUBLE, "max", point.max),
    FIELD(14, DOUBLE, "zeroThreshold", point.zero_threshold),
};
static const struct api_otlp_message exponential_point =
    MESSAGE("ExponentialHistogramDataPoint", exponential_point_fields, HOOKS(point));

static const struct api_otlp_field quantile_fields[] = {
    FIELD(1, DOUBLE, "quantile", point.quantile),
    FIELD(2, DOUBLE, "value", point.quantile_value),
};
static const struct api_otlp_message quantile = MESSAGE("ValueAtQuantile", quantile_fields, HOOKS(quantile));

static const struct api_otlp_field summary_point_fields[] = {
    FIELD(2, FIXED64, "startTimeUnixNano", point.start),
    FIELD(3, FIXED64, "timeUnixNano", point.time),
    FIELD(4, FIXED64, "count", point.count),
    FIELD(5, DOUBLE, "sum", point.sum),
    SUB(6, MESSAGES, "quantileValues", quantile),
    POINT_ATTRIBUTES(7),
    FIELD(8, UINT32, "flags", point.flags),
};
static const struct api_otlp_message summary_point = MESSAGE("SummaryDataPoint", summary_point_fields, HOOKS(point));

#define TEMPORALITY(no) FIELD(no, ENUM, "aggregationTemporality", metric.temporality, .names = &temporalities)

static const struct api_otlp_field gauge_fields[] = {SUB(1, MESSAGES, "dataPoints", number_point)};
static const struct api_otlp_field sum_fields[] = {
    SUB(1, MESSAGES, "dataPoints", number_point),
    TEMPORALITY(2),
    FIELD(3, BOOL, "isMonotonic", metric.is_monotonic),
};
static const struct api_otlp_field histogram_fields[] = {
    SUB(1, MESSAGES, "dataPoints", histogram_point),
    TEMPORALITY(2),
};
static const struct api_otlp_field exponential_fields[] = {
    SUB(1, MESSAGES, "dataPoints", exponential_point),
    TEMPORALITY(2),
};
static const struct api_otlp_field summary_fields[] = {SUB(1, MESSAGES, "dataPoints", summary_point)};

static const struct api_otlp_message gauge = MESSAGE("Gauge", gauge_fields, .begin = api_otlp_gauge_begin);
static const struct api_otlp_message sum = MESSAGE("Sum", sum_fields, .begin = api_otlp_sum_begin);
static const struct api_otlp_message histogram =
    MESSAGE("Histogram", histogram_fields, .begin = api_otlp_histogram_begin);
static const struct api_otlp_message exponential =
    MESSAGE("ExponentialHistogram", exponential_fields, .begin = api_otlp_exponential_begin);
static const struct api_otlp_message summary = MESSAGE("Summary", summary_fields, .begin = api_otlp_summary_begin);

static const struct api_otlp_field metric_fields[] = {
    FIELD(1, STRING, "name", metric.name, .limit = API_OTLP_NAME_MAX_BYTES),
    TEXT(2, "description", metric.description),
    FIELD(3, STRING, "unit", metric.unit, .limit = API_OTLP_NAME_MAX_BYTES),
    SUB(5, MESSAGE, "gauge", gauge),
    SUB(7, MESSAGE, "sum", sum),
    SUB(9, MESSAGE, "histogram", histogram),
    SUB(10, MESSAGE, "exponentialHistogram", exponential),
    SUB(11, MESSAGE, "summary", summary),
    FIELD(12, ATTRIBUTES, "metadata", metric.metadata),
};
static const struct api_otlp_message metric = MESSAGE("Metric", metric_fields, RAW(metric.raw), HOOKS(metric));

/* --- the envelopes, alike for every signal */

#define ENVELOPES(noun, item, items_json, scopes_json, resources_json, suffix)                                    \
    static const struct api_otlp_field scope_##noun##_fields[] = {                                                \
        SUB(1, MESSAGE, "scope", scope),                                                                          \
        SUB(2, MESSAGES, items_json, item),                                                                       \
        TEXT(3, "schemaUrl", scope.schema_url),                                                                   \
    };                                                                                                            \
    static const struct api_otlp_message scope_##noun = MESSAGE("Scope" suffix, scope_##noun##_fields, HOOKS(scope)); \
    static const struct api_otlp_field resource_##noun##_fields[] = {                                             \
        SUB(1, MESSAGE, "resource", resource),                                                                    \
        SUB(2, MESSAGES, scopes_json, scope_##noun),                                                              \
        TEXT(3, "schemaUrl", resource.schema_url),                                                                \
    };                                                                                                            \
    static const struct api_otlp_message resource_##noun =                                                        \
        MESSAGE("Resource" suffix, resource_##noun##_fields, HOOKS(resource));                                    \
    static const struct api_otlp_field request_##noun##_fields[] = {SUB(1, MESSAGES, resources_json, resource_##noun)}

ENVELOPES(spans, span, "spans", "scopeSpans", "resourceSpans", "Spans");
ENVELOPES(logs, log_record, "logRecords", "scopeLogs", "resourceLogs", "Logs");
ENVELOPES(metrics, metric, "metrics", "scopeMetrics", "resourceMetrics", "Metrics");

const struct api_otlp_message api_otlp_requests[] = {
    [DB_SIGNAL_TRACES] = MESSAGE("ExportTraceServiceRequest", request_spans_fields),
    [DB_SIGNAL_LOGS] = MESSAGE("ExportLogsServiceRequest", request_logs_fields),
    [DB_SIGNAL_METRICS] = MESSAGE("ExportMetricsServiceRequest", request_metrics_fields),
};

/* --- finding a field */

const struct api_otlp_field *api_otlp_by_number(const struct api_otlp_message *m, uint32_t number, size_t *hint)
{
    for (size_t n = 0; n < m->n_fields; n++) {
        const size_t i = *hint + n < m->n_fields ? *hint + n : *hint + n - m->n_fields;
        if (m->fields[i].number == number) {
            *hint = i;
            return &m->fields[i];
        }
    }
    return NULL;
}

static const struct api_otlp_field *find_name(const struct api_otlp_message *m, struct str name, size_t *hint)
{
    for (size_t n = 0; n < m->n_fields; n++) {
        const size_t i = *hint + n < m->n_fields ? *hint + n : *hint + n - m->n_fields;
        if (str_equal(m->fields[i].name, name)) {
            *hint = i;
            return &m->fields[i];
        }
    }
    return NULL;
}

/* "trace_id" as "traceId"; the length is 0 when there is nothing to change. */
static struct str to_camel(struct str name, char out[FIELD_NAME_MAX])
{
    size_t n = 0;
    if (name.len > FIELD_NAME_MAX || memchr(name.ptr, '_', name.len) == NULL)
        return (struct str){out, 0};
    for (size_t i = 0; i < name.len; i++) {
        const bool is_start = i > 0 && name.ptr[i - 1] == '_';
        const bool is_lower = name.ptr[i] >= 'a' && name.ptr[i] <= 'z';
        if (name.ptr[i] != '_')
            out[n++] = is_start && is_lower ? (char)(name.ptr[i] - ('a' - 'A')) : name.ptr[i];
    }
    return (struct str){out, n};
}

const struct api_otlp_field *api_otlp_by_name(const struct api_otlp_message *m, struct str name, size_t *hint)
{
    const struct api_otlp_field *const field = find_name(m, name, hint);
    if (field != NULL)
        return field;
    char text[FIELD_NAME_MAX];
    const struct str camel = to_camel(name, text);
    return camel.len == 0 ? NULL : find_name(m, camel, hint);
}

uint32_t api_otlp_enum_of(const struct api_otlp_names *names, struct str name)
{
    if (!str_starts_with(name, names->prefix))
        return 0;
    const struct str rest = {name.ptr + names->prefix.len, name.len - names->prefix.len};
    for (uint32_t i = 0; i < names->n; i++)
        if (str_equal(rest, str_of(names->names[i])))
            return i;
    return 0;
}
