/* A request and its reply as handlers see them: no socket, no threads.
 *
 * The engine (service/) fills the request and owns both; everything a handler allocates comes from req->arena and dies with
 * the request. A handler is a plain function that fills the reply or returns an error; api_dispatch turns errors into
 * problem documents (or google.rpc.Status for OTLP routes). */
#ifndef TRACEKIN_API_REQ_H
#define TRACEKIN_API_REQ_H

#include "api/embed/embedder.h"
#include "core/arena.h"
#include "core/budget.h"
#include "core/buf.h"
#include "core/err.h"
#include "db/session/conn.h"
#include "db/vector/vector_use.h"
#include "db/write/writer.h"

enum { API_HEADERS_MAX = 8, API_PATH_ARGS_MAX = 2 };

struct api_header {
    const char *name;
    struct str value;
};

/* What the handlers need of the running process; read-only but for what is documented as thread-safe. */
struct api_world {
    struct db_writer *writer;        /* NULL: nothing is written, and no route of API_LANE_INGEST comes to run */
    struct db_vector_board *vectors; /* how similar traces are searched */
    struct api_embedder *embedder;   /* NULL: the built-in one */
    int64_t retention_ns;          /* 0: keep everything */
    size_t body_max_bytes;         /* after decompression */
    int64_t (*wall_ns)(void);      /* now; a test may stop it */
    /* Fills out with one check of readiness a call (name, ok, why); returns false past the last. Thread-safe, no database. */
    bool (*ready_check)(void *arg, size_t i, const char **name, bool *is_ok, const char **why);
    void *ready_arg;
};

struct api_route; /* api/request/route.h */
struct api_params; /* api/request/params.h */

struct api_req {
    const struct api_world *world;
    const struct api_route *route;    /* set by api_route_find */
    struct str method;                /* "GET" */
    struct str target;                /* path and query as sent, undecoded */
    struct str path_args[API_PATH_ARGS_MAX]; /* decoded, in order of the template's {}s */
    const struct api_params *params;  /* parsed and checked by the route's table */
    struct str content_type, content_encoding, accept; /* header values; absent when not sent */
    struct str body;
    struct str request_id;
    struct arena *arena;
    struct budget_share *memory;      /* what the request may have; the arena's too; NULL: no bound */
    struct db_conn *db;               /* leased for this request; NULL on routes whose lane needs none */
    struct db_wait wait;              /* the request's deadline and cancellation, for db_run */
};

struct api_reply {
    int status; /* 0 until set; 200 when a handler returns OK without setting it */
    const char *content_type;
    struct buf body; /* of the engine; starts empty */
    struct api_header headers[API_HEADERS_MAX];
    size_t n_headers;
};

typedef enum err (*api_handler)(struct api_req *req, struct api_reply *reply, struct err_info *e);

/* Adds a header; false past API_HEADERS_MAX. value must live in the arena or for ever. */
bool api_reply_header(struct api_reply *reply, const char *name, struct str value);

#endif
