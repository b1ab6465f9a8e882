#include "db/row/pattern_row.h"

enum column {
    PATTERN_ID,
    SERVICE,
    NAME,
    SERVICES,
    ERROR_MESSAGE,
    TRACE_COUNT,
    ERROR_COUNT,
    FIRST_SEEN_NS,
    LAST_SEEN_NS,
    EXEMPLAR_TRACE_ID,
    OPERATIONS,
    OPERATION_COUNT,
    OPERATIONS_ARE_CUT,
};

enum err db_pattern_row_read(const struct db_result *r, int row, struct arena *arena, struct db_pattern_row *out,
                             struct err_info *e)
{
    struct str *services, *operations;
    size_t n_services, n_operations;
    TRY(db_get_array(r, row, SERVICES, arena, &services, &n_services, e));
    TRY(db_get_array(r, row, OPERATIONS, arena, &operations, &n_operations, e));
    *out = (struct db_pattern_row){
        .pattern_id = db_get_i64(r, row, PATTERN_ID),
        .service = db_get_str(r, row, SERVICE),
        .name = db_get_str(r, row, NAME),
        .services = services,
        .n_services = n_services,
        .error_message = db_get_str(r, row, ERROR_MESSAGE),
        .trace_count = db_get_i64(r, row, TRACE_COUNT),
        .error_count = db_get_i64(r, row, ERROR_COUNT),
        .first_seen_ns = db_get_i64(r, row, FIRST_SEEN_NS),
        .last_seen_ns = db_get_i64(r, row, LAST_SEEN_NS),
        .exemplar_trace_id = db_get_str(r, row, EXEMPLAR_TRACE_ID),
        .operations = operations,
        .n_operations = n_operations,
        .operation_count = db_get_i64(r, row, OPERATION_COUNT),
        .operations_are_cut = db_get_bool(r, row, OPERATIONS_ARE_CUT),
    };
    return OK;
}
