/* The bodies of OTLP/HTTP replies, in the encoding of the request. */
#ifndef TRACEKIN_API_OTLP_REPLY_H
#define TRACEKIN_API_OTLP_REPLY_H

#include "api/otlp/otlp.h"

/* The encoding a Content-Type names, its parameters aside; false when it is neither. */
bool api_otlp_encoding_of(struct str content_type, enum db_encoding *out);
/* Export*ServiceResponse: empty (no bytes, or {}) when nothing was rejected and there is no message; else with
 * partial_success. message is clean UTF-8. */
void api_otlp_reply_done(struct api_reply *reply, enum db_signal signal, enum db_encoding encoding, int64_t n_rejected,
                         struct str message);

#endif
