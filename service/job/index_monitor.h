/* What every process knows of the vector index: a background job that reads what is recorded of it every second or two, posts it for
 * searches, sets the gauges of /metrics, and logs how a build gets on. */
#ifndef TRACEKIN_SERVICE_INDEX_MONITOR_H
#define TRACEKIN_SERVICE_INDEX_MONITOR_H

#include "db/vector/vector_plan.h"

struct service_index_monitor;

/* url is borrowed for the call, the board until the stop. ERR_NOMEM, ERR_INTERNAL. */
enum err service_index_monitor_start(const char *url, struct db_vector_board *board, struct service_index_monitor **out,
                                     struct err_info *e) MUST_USE;
void service_index_monitor_stop(struct service_index_monitor *m);

#endif
