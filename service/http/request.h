/* One HTTP request from its first line to its last byte of reply.
 *
 * Made by the engine when the request line arrives, freed by it when the request is over. It belongs to the HTTP thread of
 * its connection, but between its push to a lane and its resumption to the lane's worker. */
#ifndef TRACEKIN_SERVICE_REQUEST_H
#define TRACEKIN_SERVICE_REQUEST_H

#include "api/request/access.h"
#include "service/http/head.h"
#include "service/http/memory.h"

struct MHD_Connection;
struct service_client;

enum service_stage {
    STAGE_HEAD,    /* its header is to be judged */
    STAGE_BODY,    /* its body arrives */
    STAGE_QUEUED,  /* with a lane; the connection is suspended */
    STAGE_DONE,    /* its reply is whole */
};

enum { SERVICE_REPLY_MAX_BYTES = 256 << 20 };

struct service_request {
    struct api_req api;
    struct api_reply reply;
    struct budget_share memory; /* of all that is its; the reply's is given back with the request, when the client has it */
    struct arena arena;
    struct buf body;
    struct service_head head;
    struct api_caller caller;
    struct err_info refusal; /* its code is not OK: the answer, without running the route */
    struct str allow;        /* the methods of the path, when the request's is another */
    enum service_stage stage;
    uint64_t n_body_bytes;   /* received, kept or not */
    size_t n_reply_bytes;
    int64_t start_ns, queued_ns;
    char id[SERVICE_REQUEST_ID_MAX + 1];

    struct MHD_Connection *connection;
    struct service_client *client;
    int fd; /* of the client, valid while the request lives */

    /* Of the watcher. */
    atomic_bool is_cancelled;
    atomic_int wake_fd; /* of the worker that has it, -1 while none has */
    bool is_watched;
    struct service_request *watch_previous, *watch_next;
};

/* new; NULL when memory is out. The target is copied; memory is borrowed, and pays. */
struct service_request *service_request_new(const struct api_world *world, struct service_memory *memory,
                                            struct str target) MUST_USE;
void service_request_free(struct service_request *r);
/* Keeps the client's request id if it is one, else makes one. */
void service_request_identify(struct service_request *r);
/* Sets what the handlers see of the header, and finds the route; a failure becomes the refusal. */
void service_request_route(struct service_request *r, struct str method);
/* service_head_check of its header, after its route is found, as that says how errors are written; a failure becomes the refusal
 * whatever else is wrong. */
enum err service_request_check(struct service_request *r) MUST_USE;
/* service_head_check_size, likewise. */
enum err service_request_measure(struct service_request *r) MUST_USE;
/* Whether the route's work is queued, and where. */
enum api_lane service_request_lane(const struct service_request *r);
/* Fills the reply: the refusal if there is one, else what the route's handler says. The body is gone then. */
void service_request_answer(struct service_request *r);

#endif
