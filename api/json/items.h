/* What lists and traces are made of, as JSON: a trace in short, a span, a log record, a metric point, a similar trace. */
#ifndef TRACEKIN_API_ITEMS_H
#define TRACEKIN_API_ITEMS_H

#include "api/json/jsonwrite.h"
#include "db/question/find_similar_traces.h"
#include "db/question/get_trace.h"
#include "db/question/query_metrics.h"
#include "db/question/search_logs.h"

/* The members of a summary, and of a similar trace, within an object the caller opened. */
void api_put_summary(struct api_json *w, const struct db_summary *s);
void api_put_similar(struct api_json *w, const struct db_find_similar_traces_row *r, bool by_pattern);
/* Each is a whole object. */
void api_put_span(struct api_json *w, const struct db_span_row *s);
void api_put_log(struct api_json *w, const struct db_log_row *l);
void api_put_point(struct api_json *w, const struct db_point_row *p);
/* Of a pattern: service, DB_OPERATION_SEPARATOR (db/assemble/assemble_operations.h), masked name. */
void api_put_operation(struct api_json *w, struct str operation);

/* A key with its value. */
void api_put_str(struct api_json *w, const char *key, struct str value);
void api_put_i64(struct api_json *w, const char *key, int64_t value);
void api_put_f64(struct api_json *w, const char *key, double value);
void api_put_bool(struct api_json *w, const char *key, bool value);
void api_put_id(struct api_json *w, const char *key, struct str bytes); /* as hexadecimal; absent: null */
void api_put_raw(struct api_json *w, const char *key, struct str json);
/* The key pattern_id, as 16 hexadecimal digits; null without one. */
void api_put_pattern_id(struct api_json *w, bool has_pattern, int64_t pattern_id);
/* Two keys: key as RFC 3339, and key_unix_nano as digits. */
void api_put_time(struct api_json *w, const char *key, int64_t wall_ns);
/* "server" for 2, ...: OpenTelemetry's span kinds. */
const char *api_kind_name(int64_t kind);

#endif
