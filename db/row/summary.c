#include "db/row/summary.h"

enum column {
    TRACE_ID,
    SERVICE,
    NAME,
    START_NS,
    END_NS,
    DURATION_MS,
    STATUS,
    SPAN_COUNT,
    ERROR_COUNT,
    ERROR_MESSAGE,
    SERVICES,
    ATTRIBUTES,
};

enum err db_summary_read(const struct db_result *r, int row, struct arena *arena, struct db_summary *out,
                         struct err_info *e)
{
    struct str *services;
    size_t n_services;
    TRY(db_get_array(r, row, SERVICES, arena, &services, &n_services, e));
    *out = (struct db_summary){
        .trace_id = db_get_str(r, row, TRACE_ID),
        .service = db_get_str(r, row, SERVICE),
        .name = db_get_str(r, row, NAME),
        .start_ns = db_get_i64(r, row, START_NS),
        .end_ns = db_get_i64(r, row, END_NS),
        .duration_ms = db_get_f64(r, row, DURATION_MS),
        .status = db_get_str(r, row, STATUS),
        .span_count = db_get_i64(r, row, SPAN_COUNT),
        .error_count = db_get_i64(r, row, ERROR_COUNT),
        .error_message = db_get_str(r, row, ERROR_MESSAGE),
        .services = services,
        .n_services = n_services,
        .attributes = db_get_json(r, row, ATTRIBUTES),
    };
    return OK;
}
