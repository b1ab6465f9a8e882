/* HTTP against a test's server: by libcurl for whole requests, by a plain socket for what no client would send.
 *
 * A reply's status is 0 when there was none. One thread. */
#ifndef TRACEKIN_TESTS_HTTP_H
#define TRACEKIN_TESTS_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct server;

enum { HTTP_HEADERS_MAX = 8, HTTP_TARGET_MAX = 256, HTTP_TIMEOUT_MS = 30000 };

struct http_request {
    const char *method;                    /* NULL: GET, or POST with a body */
    const char *target;
    const char *headers[HTTP_HEADERS_MAX]; /* "Name: value", up to a NULL */
    const void *body;                      /* NULL for none */
    size_t body_len;
};

struct http_reply {
    int status;
    char *head; /* status line and header fields, NUL-terminated */
    char *body; /* NUL-terminated */
    size_t body_len;
    double seconds;
};

void http_send(const struct server *s, const struct http_request *request, struct http_reply *reply);
void http_get(const struct server *s, const char *target, struct http_reply *reply);
/* A request that must be answered 200. */
void http_get_ok(const struct server *s, const char *target);
void http_post_json(const struct server *s, const char *target, const char *json, struct http_reply *reply);
void http_reply_close(struct http_reply *reply);
/* Whether the head has the line "Name: value", in any case of the name. */
bool http_has_header(const struct http_reply *reply, const char *line);

/* A target that the template of a route matches. */
void http_fill_target(const char *template, char out[HTTP_TARGET_MAX]);

/* A connected socket. */
int http_connect(const struct server *s);
void http_write(int fd, const char *text);
void http_write_bytes(int fd, const char *bytes, size_t len);
/* Reads one reply, of a request whose method was HEAD when without_body says so; false at the end of the stream or at the
 * time limit, with what came in reply->head. */
bool http_read(int fd, int ms, bool without_body, struct http_reply *reply);
/* Whether the server closes the connection within the time; what it still sends is thrown away. */
bool http_is_closed(int fd, int ms);

#endif
