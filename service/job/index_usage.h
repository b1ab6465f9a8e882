/* How PostgreSQL's indexes are used, for /metrics: read from its statistics by a background job, never by a scrape. */
#ifndef TRACEKIN_SERVICE_INDEX_USAGE_H
#define TRACEKIN_SERVICE_INDEX_USAGE_H

#include "db/session/conn.h"

/* Sets the series of every index to what PostgreSQL has counted. One thread. */
enum err service_index_usage_sample(struct db_conn *conn, const struct db_wait *wait, struct err_info *e) MUST_USE;

#endif
