/* What the writer counts. Any thread, once a writer has made the series. */
#ifndef TRACEKIN_DB_WRITER_METRICS_H
#define TRACEKIN_DB_WRITER_METRICS_H

#include "db/write/writer.h"

/* Makes the series, if they are not there. */
void db_writer_metrics_init(void);
void db_writer_metrics_queued(int64_t delta);
/* A transaction that committed n_batches after so many seconds. */
void db_writer_metrics_committed(size_t n_batches, double seconds);
/* What became of a batch's rows. */
void db_writer_metrics_written(enum db_signal signal, const struct db_written *written);

#endif
