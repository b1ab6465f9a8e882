/* The vector index for the command line: how it is, and a new generation at once. */
#ifndef TRACEKIN_SERVICE_INDEX_H
#define TRACEKIN_SERVICE_INDEX_H

#include "db/vector/vector_plan.h"
#include "service/setting/config.h"

/* What the settings ask of the index. */
struct db_vector_wish service_index_wish(const struct service_config *config);

/* Prints what there is, what was measured, and what is to be done about it. */
enum err service_index_print(const struct service_config *config, FILE *out, struct err_info *e) MUST_USE;
/* Builds a new generation: by the service that keeps the index, waiting for it, or here when none does. ERR_INVALID when there is to be
 * no index. */
enum err service_index_rebuild(const struct service_config *config, FILE *out, struct err_info *e) MUST_USE;

#endif
