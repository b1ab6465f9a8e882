/* HTTP/1.1 as RFC 9112 has it, strictly: what a client sent, and what it got. Pure; texts are borrowed. */
#ifndef TRACEKIN_TESTS_FUZZ_HTTP_H
#define TRACEKIN_TESTS_FUZZ_HTTP_H

#include "core/str.h"

/* What stands at the beginning of a stream of requests. */
enum http_end {
    HTTP_WHOLE,      /* nothing but whole requests */
    HTTP_INCOMPLETE, /* after those, the beginning of one */
    HTTP_AMBIGUOUS,  /* after those, one whose end two readers could see in two places, or that lacks or repeats its Host */
    HTTP_LOOSE,      /* after those, something that a lenient reader may take for one or more requests */
};

struct http_stream {
    size_t n; /* whole requests */
    enum http_end end;
};
struct http_stream http_read_requests(struct str stream);

struct http_response {
    int status;
    bool is_ours; /* not libmicrohttpd's own */
    bool closes;  /* it says that the connection is closed after it */
    struct str content_type, body;
};
/* Takes the first response, past interim ones, off the stream; false when there is none. Fails when it is not whole or not well-formed.
 * One without the body that its length tells answers HEAD. */
bool http_take_response(struct str *stream, struct http_response *out);

#endif
