/* Decompresses gzip (RFC 1952), with a bound on what comes out. Pure; any thread. */
#ifndef TRACEKIN_API_INFLATE_H
#define TRACEKIN_API_INFLATE_H

#include "core/buf.h"
#include "core/err.h"

/* Appends the content of one or more gzip members to out. ERR_TOO_LARGE past out->max; ERR_INVALID when the bytes are not
 * gzip, are damaged or cut short, or when something else follows; ERR_NOMEM. On failure what is in out is of no use. */
enum err api_inflate(struct str gzip, struct buf *out, struct err_info *e) MUST_USE;

#endif
