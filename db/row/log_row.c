#include "db/row/log_row.h"

enum column {
    TIME_NS,
    LOG_ID,
    TRACE_ID,
    SPAN_ID,
    OBSERVED_NS,
    SEVERITY,
    SEVERITY_TEXT,
    EVENT_NAME,
    SERVICE,
    BODY,
    BODY_JSON,
    ATTRIBUTES,
    RESOURCE_ATTRIBUTES,
};

struct db_log_row db_log_row_read(const struct db_result *r, int row)
{
    return (struct db_log_row){
        .key = {db_get_i64(r, row, TIME_NS), db_get_str(r, row, LOG_ID)},
        .trace_id = db_get_str(r, row, TRACE_ID),
        .span_id = db_get_str(r, row, SPAN_ID),
        .has_observed = !db_is_null(r, row, OBSERVED_NS),
        .observed_ns = db_get_i64(r, row, OBSERVED_NS),
        .severity = db_get_i64(r, row, SEVERITY),
        .severity_text = db_get_str(r, row, SEVERITY_TEXT),
        .event_name = db_get_str(r, row, EVENT_NAME),
        .service = db_get_str(r, row, SERVICE),
        .body = db_get_str(r, row, BODY),
        .body_json = db_get_json(r, row, BODY_JSON),
        .attributes = db_get_json(r, row, ATTRIBUTES),
        .resource_attributes = db_get_json(r, row, RESOURCE_ATTRIBUTES),
    };
}
