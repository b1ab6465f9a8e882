/* The lines of a file, or of the standard input, plain or gzip. One thread at a time. */
#ifndef TRACEKIN_SERVICE_LINES_H
#define TRACEKIN_SERVICE_LINES_H

#include "core/buf.h"
#include "core/err.h"

struct service_lines;

/* path "-" is the standard input. */
enum err service_lines_open(const char *path, struct service_lines **out, struct err_info *e) MUST_USE;
void service_lines_free(struct service_lines *l);
/* Puts the next line that is not empty, without its end, into line, and its number from 1 into *number; *found is false after
 * the last. ERR_TOO_LARGE: the line is longer than the buffer's bound; it is passed over and the next call goes on. Any other
 * error is of the file and final. */
enum err service_lines_next(struct service_lines *l, struct buf *line, uint64_t *number, bool *found, struct err_info *e) MUST_USE;
/* Bytes of the file read so far, and in all (0: not known). */
uint64_t service_lines_position(const struct service_lines *l);
uint64_t service_lines_size(const struct service_lines *l);

#endif
