/* The files that settings name: secrets, API keys, certificates. */
#ifndef TRACEKIN_SERVICE_FILE_H
#define TRACEKIN_SERVICE_FILE_H

#include "core/buf.h"
#include "core/err.h"

/* Appends what the file holds, all of it. ERR_INVALID, to be read after the file's name ("it cannot be opened: ..."), also for what is
 * not a regular file, as its reader could be kept waiting, and for more than max_bytes; ERR_NOMEM. Nothing of the file or its path is in
 * the message. */
enum err service_file_read(const char *path, size_t max_bytes, struct buf *out, struct err_info *e) MUST_USE;

#endif
