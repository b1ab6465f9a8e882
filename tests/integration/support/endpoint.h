/* An embeddings endpoint for tests, on a port of the loopback: it speaks the OpenAI-compatible protocol, or breaks it as told.
 *
 * Its vectors are made of the words of a text and of the model's name: texts that share words lie close, and two models agree on
 * nothing. Counters and modes may be used while it runs. A failure to start it ends the test. */
#ifndef TRACEKIN_TESTS_ENDPOINT_H
#define TRACEKIN_TESTS_ENDPOINT_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/embedding.h"

enum endpoint_mode {
    ENDPOINT_ANSWER,
    ENDPOINT_SHUFFLE,  /* the vectors come in reverse order, by index */
    ENDPOINT_HANG,     /* no answer, until another mode is set */
    ENDPOINT_HOLD,     /* the answer comes then */
    ENDPOINT_DROP,     /* closes the connection instead */
    ENDPOINT_CUT,      /* and in the middle of the answer */
    ENDPOINT_GARBAGE,  /* 200, and no JSON */
    ENDPOINT_SHORT,    /* vectors of 383 numbers */
    ENDPOINT_LONG,     /* of 768 */
    ENDPOINT_FEWER,    /* a vector less than texts */
    ENDPOINT_NAN,      /* a number that is none */
    ENDPOINT_ZERO,     /* vectors of zeros */
    ENDPOINT_ENDLESS,  /* a reply that does not end */
    ENDPOINT_BUSY,     /* 429, with Retry-After when retry_after_s is not 0 */
    ENDPOINT_FAIL,     /* 500 */
    ENDPOINT_DENY,     /* 401 */
    ENDPOINT_REDIRECT, /* 307 */
    ENDPOINT_REFUSE,   /* 400 when a text has more than 600 bytes or the word poison */
};

enum { ENDPOINT_URL_MAX = 64, ENDPOINT_CONNECTIONS_MAX = 64, ENDPOINT_LAST_MAX = 8192 };

struct endpoint {
    char url[ENDPOINT_URL_MAX]; /* the base: http://127.0.0.1:40001/v1 */
    int port;
    atomic_int mode;
    atomic_int n_left; /* requests that the mode is for, then it answers; negative: all */
    atomic_int retry_after_s;
    atomic_int n_requests, n_texts, n_connections;
    atomic_int n_open; /* of the connections */
    pthread_mutex_t mutex;             /* of last */
    char last[ENDPOINT_LAST_MAX];      /* the last request, head and body, NUL-terminated */
    pthread_t thread;
    atomic_bool is_stopping;
    int listen_fd;
    pthread_t connections[ENDPOINT_CONNECTIONS_MAX];
};

/* port 0: any. */
void endpoint_start(struct endpoint *p, int port);
/* It can be started again on its port. */
void endpoint_stop(struct endpoint *p);
/* For n requests, negative: until told otherwise. */
void endpoint_set(struct endpoint *p, enum endpoint_mode mode, int n);
/* Whether the last request had this text in its head or body. */
bool endpoint_was_sent(struct endpoint *p, const char *text);
/* What it answers for a text. */
void endpoint_vector(struct str model, struct str text, float out[EMBEDDING_DIMENSIONS]);

#endif
