/* A secret setting: given itself, or in a file, as container runtimes hand secrets out. */
#ifndef TRACEKIN_SERVICE_SECRET_H
#define TRACEKIN_SERVICE_SECRET_H

#include "core/buf.h"
#include "core/err.h"

enum { SERVICE_SECRET_MAX_BYTES = 8192 };

/* Appends the secret, without white space around it: value, or what the file at path holds; nothing when both are empty.
 * ERR_INVALID, naming the setting, when both are given or the file cannot be read or is empty. */
enum err service_secret_read(const char *setting, struct str value, struct str path, struct buf *out, struct err_info *e) MUST_USE;

#endif
