/* What a round of the assembler reads: the due traces with their spans, error logs and resources. */
#ifndef TRACEKIN_DB_ASSEMBLE_READ_H
#define TRACEKIN_DB_ASSEMBLE_READ_H

#include "db/assemble/assemble.h"
#include "db/assemble/assemble_trace.h"

/* Closed by db_assemble_reading_close; inputs live in the arena and in the results. */
struct db_assemble_reading {
    struct db_assemble_input *inputs;
    size_t n_inputs, n_spans;
    bool is_cut; /* the spans or logs are more than a round takes: read again with fewer traces, if there are several */
    struct db_result *traces, *spans, *logs, *resources;
};

/* Makes the session's table of picked traces. */
enum err db_assemble_read_prepare(struct db_conn *c, const struct db_wait *wait, struct err_info *e) MUST_USE;
/* Picks up to n_traces_max due traces, deletes their arrivals and reads them, in the caller's transaction. */
enum err db_assemble_read(struct db_conn *c, const struct db_wait *wait, const struct db_assemble_when *when,
                          size_t n_traces_max, struct arena *arena, struct db_assemble_reading *out,
                          struct err_info *e) MUST_USE;
void db_assemble_reading_close(struct db_assemble_reading *r);
static inline void db_assemble_reading_auto(struct db_assemble_reading *r) { db_assemble_reading_close(r); }

#endif
