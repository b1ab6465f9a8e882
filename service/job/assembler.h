/* The assembler's thread: leads when no other process does, and assembles what is due (db/assemble/assemble.h). */
#ifndef TRACEKIN_SERVICE_ASSEMBLER_H
#define TRACEKIN_SERVICE_ASSEMBLER_H

#include "db/assemble/assemble.h"

struct service_assembler;

/* It connects on its own, now or when the database is there. Stopping undoes the round under way, if any. */
enum err service_assembler_start(const char *url, const struct db_assemble_when *when, struct service_assembler **out,
                                 struct err_info *e) MUST_USE;
void service_assembler_stop(struct service_assembler *a);

#endif
