#include "service/http/engine.h"

#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "service/http/body.h"
#include "service/http/clients.h"
#include "service/http/connections.h"
#include "service/http/reply.h"
#include "service/http/traffic.h"

/* Each connection's memory holds its request line and header, and the pieces its body comes in. MHD keeps in it, until the reply
 * is gone, the head as it came, the cookies once more and a record of each value; what is left must hold the head of the reply, or
 * MHD closes the connection without a word (docs/decisions/015-heads-that-leave-room-for-a-reply.md). */
enum { CONNECTION_MEMORY_BYTES = 64 << 10, VALUE_RECORD_BYTES = 80, REPLY_HEAD_BYTES = 4 << 10, MHD_MESSAGE_MAX = 256 };
#define HEAD_MEMORY_BYTES(target, fields, values) ((target) + 2 * (fields) + (values) * VALUE_RECORD_BYTES + REPLY_HEAD_BYTES)
_Static_assert(HEAD_MEMORY_BYTES(SERVICE_TARGET_MAX_BYTES, SERVICE_FIELDS_MAX_BYTES, SERVICE_VALUES_MAX) <= CONNECTION_MEMORY_BYTES,
               "whatever is let in leaves room for its reply");

enum { HTTP_HEAD_TOO_LARGE = 431 };

/* What MHD may count beyond us: a connection of a thread that it has told closed and not yet taken off. */
enum { MHD_CONNECTIONS_SPARE = 16 };

/* 0.9.75, when it is strict, looks for spaces in the target and for the Host, which service/http/head.c does as well: it answers what
 * lacks one with two headers. */
#if MHD_VERSION >= 0x00097701
#define STRICTNESS_OPTION MHD_OPTION_CLIENT_DISCIPLINE_LVL
#define STRICTNESS 1
#define MHD_READS_LENIENTLY false
#else
#define STRICTNESS_OPTION MHD_OPTION_STRICT_FOR_CLIENT
#define STRICTNESS 0
#define MHD_READS_LENIENTLY true
#endif

struct service_engine {
    struct MHD_Daemon *daemon;
    struct service_tls *tls;
    const struct service_config *config;
    const struct api_world *world;
    struct service_lane *const *lanes;
    struct service_access *access;
    struct service_clients *clients;
    struct service_memory memory;
    struct service_connections connections;
    atomic_size_t n_in_flight;
    atomic_bool is_draining;
};

/* What is kept of a connection. */
struct connection {
    struct service_client *client;
    struct service_tls_cert *cert;
};

static int64_t deadline_after(int64_t duration_ns)
{
    return clock_mono_ns() + duration_ns;
}

/* The first thing MHD tells of a request: its target, before it is decoded. */
static void *engine_on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
    struct service_engine *engine = cls;
    struct service_request *r = service_request_new(engine->world, &engine->memory, str_of(target));
    if (r == NULL)
        return NULL;
    r->connection = connection;
    r->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    const struct connection *const c = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    r->client = c == NULL ? NULL : c->client;
    service_client_until(r->client, deadline_after(engine->config->header_timeout_ns));
    atomic_fetch_add(&engine->n_in_flight, 1);
    service_traffic_begun();
    return r;
}

static enum MHD_Result engine_on_field(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len, const char *value,
                                       size_t value_len)
{
    (void)kind;
    service_head_add(cls, (struct str){name, name_len}, (struct str){value, value_len});
    return MHD_YES;
}

/* MHD closes the connection after a reply that is queued before the last call. */
static enum MHD_Result engine_reply(struct service_engine *engine, struct service_request *r)
{
    struct MHD_Response *response = service_reply_build(r, engine->config->cors_origins, atomic_load(&engine->is_draining));
    if (response == NULL)
        return MHD_NO;
    if (engine->tls != NULL)
        (void)MHD_add_response_header(response, "Strict-Transport-Security", "max-age=31536000");
    service_client_until(r->client, deadline_after(engine->config->transfer_timeout_ns));
    const enum MHD_Result queued = MHD_queue_response(r->connection, (unsigned)r->reply.status, response);
    MHD_destroy_response(response);
    return queued;
}

/* A refusal, or what the process knows by itself: small, and needed most when memory is short. */
static enum MHD_Result engine_answer_now(struct service_engine *engine, struct service_request *r)
{
    budget_share_excuse(&r->memory);
    service_request_answer(r);
    r->stage = STAGE_DONE;
    return engine_reply(engine, r);
}

/* Past MHD, which would close the connection and say nothing, for want of memory; inside TLS nothing can be said. */
static enum MHD_Result engine_turn_away(struct service_request *r)
{
    static const char reply[] = "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    r->stage = STAGE_DONE;
    r->reply.status = HTTP_HEAD_TOO_LARGE;
    if (MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION) == NULL)
        (void)send(r->fd, reply, sizeof reply - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    return MHD_NO;
}

static enum MHD_Result engine_refuse_size(struct service_engine *engine, struct service_request *r)
{
    const struct service_head *h = &r->head;
    service_traffic_rejected(REJECTED_TOO_LARGE);
    if (HEAD_MEMORY_BYTES(h->target_bytes, h->n_bytes, h->n_values) > CONNECTION_MEMORY_BYTES)
        return engine_turn_away(r);
    return engine_answer_now(engine, r);
}

/* 0.9.75 takes a NUL for the end of a value, and a line that begins with one, or with a colon, for the end of the head; it forgets
 * what is folded, and ends lines at a lone LF. It keeps the head as it came, though, from the method on. */
static void engine_read_fields(struct service_request *r, const char *url, const char *method, const char *version)
{
    if (MHD_READS_LENIENTLY)
        service_head_begin(&r->head, str_of(method), (struct str){url, r->head.target_bytes}, str_of(version));
    (void)MHD_get_connection_values_n(r->connection, MHD_HEADER_KIND, engine_on_field, &r->head);
    if (MHD_READS_LENIENTLY)
        service_head_end(&r->head, method + MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size);
}

static void engine_read_head(struct service_request *r, const char *url, const char *method, const char *version)
{
    const enum MHD_ValueKind kinds = MHD_HEADER_KIND | MHD_COOKIE_KIND | MHD_GET_ARGUMENT_KIND;
    r->head.is_http_1_0 = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;
    r->head.n_values = (size_t)MHD_get_connection_values_n(r->connection, kinds, NULL, NULL);
    engine_read_fields(r, url, method, version);
}

static enum MHD_Result engine_begin(struct service_engine *engine, struct service_request *r, const char *url,
                                    const char *method, const char *version)
{
    engine_read_head(r, url, method, version);
    service_request_identify(r);
    service_request_route(r, str_of(method));
    if (service_request_measure(r) != OK)
        return engine_refuse_size(engine, r);
    if (service_request_check(r) != OK) {
        service_traffic_rejected(REJECTED_AMBIGUOUS);
        return engine_answer_now(engine, r);
    }
    service_access_judge(engine->access, r, MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
    service_body_begin(r);
    r->stage = STAGE_BODY;
    service_client_until(r->client, deadline_after(engine->config->transfer_timeout_ns));
    const bool spares_upload = service_head_expects_continue(&r->head) ||
                               service_body_is_endless(r, service_head_content_length(&r->head));
    if (r->refusal.code != OK && service_head_has_body(&r->head) && spares_upload)
        return engine_answer_now(engine, r);
    return MHD_YES;
}

/* Nothing may be touched after the push: the worker may have ended the request already. */
static enum MHD_Result engine_queue(struct service_engine *engine, struct service_request *r, enum api_lane lane)
{
    if (!service_lane_reserve(engine->lanes[lane])) {
        service_traffic_rejected(REJECTED_QUEUE_FULL);
        (void)ERR_SET(&r->refusal, ERR_BUSY, "too many requests are waiting; try again in a moment");
        return engine_answer_now(engine, r);
    }
    r->stage = STAGE_QUEUED;
    MHD_suspend_connection(r->connection);
    service_lane_push(engine->lanes[lane], r);
    return MHD_YES;
}

static enum MHD_Result engine_complete(struct service_engine *engine, struct service_request *r)
{
    service_client_until(r->client, INT64_MAX);
    r->api.body = buf_str(&r->body);
    r->api.wait.deadline_ns = deadline_after(engine->config->request_timeout_ns);
    const enum api_lane lane = service_request_lane(r);
    return lane == API_LANE_NONE ? engine_answer_now(engine, r) : engine_queue(engine, r, lane);
}

static enum MHD_Result engine_take(struct service_request *r, const char *data, size_t *len)
{
    const bool goes_on = service_body_take(r, (struct str){data, *len});
    *len = 0;
    return goes_on ? MHD_YES : MHD_NO;
}

static enum MHD_Result engine_on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                         const char *version, const char *data, size_t *data_len, void **context)
{
    (void)connection;
    struct service_engine *engine = cls;
    struct service_request *r = *context;
    if (r == NULL)
        return MHD_NO;
    switch (r->stage) {
    case STAGE_HEAD:
        return engine_begin(engine, r, url, method, version);
    case STAGE_BODY:
        return *data_len > 0 ? engine_take(r, data, data_len) : engine_complete(engine, r);
    case STAGE_DONE:
        return engine_reply(engine, r);
    case STAGE_QUEUED:
        break;
    }
    return MHD_NO;
}

static void engine_on_completed(void *cls, struct MHD_Connection *connection, void **context,
                                enum MHD_RequestTerminationCode why)
{
    (void)connection;
    (void)why;
    struct service_engine *engine = cls;
    struct service_request *r = *context;
    if (r == NULL)
        return;
    *context = NULL;
    service_client_until(r->client, deadline_after(engine->config->idle_timeout_ns));
    service_traffic_ended(r);
    service_request_free(r);
    atomic_fetch_sub(&engine->n_in_flight, 1);
}

/* MHD has a TLS session here that has not shaken hands, with the certificate of the start. Nobody would ever cut off a client that
 * there is no memory to keep an eye on, so that one is cut off at once. */
static void *engine_open(struct service_engine *engine, struct MHD_Connection *connection)
{
    struct connection *const c = mem_calloc(1, sizeof *c);
    const int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    if (c != NULL)
        c->client = service_clients_add(engine->clients, fd, deadline_after(engine->config->header_timeout_ns));
    if (c == NULL || c->client == NULL)
        (void)shutdown(fd, SHUT_RDWR);
    if (c == NULL)
        return NULL;
    if (engine->tls != NULL)
        c->cert = service_tls_acquire(engine->tls, MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session);
    return c;
}

static void engine_close(struct service_engine *engine, struct connection *c)
{
    service_connections_closed(&engine->connections);
    if (c == NULL)
        return;
    service_clients_remove(engine->clients, c->client);
    service_tls_release(c->cert);
    mem_free(c);
}

static void engine_on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                                 enum MHD_ConnectionNotificationCode what)
{
    struct service_engine *engine = cls;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        service_connections_opened(&engine->connections);
        *socket_context = engine_open(engine, connection);
        return;
    }
    engine_close(engine, *socket_context);
    *socket_context = NULL;
}

/* What MHD has to say is about clients that break the protocol, mostly. */
static void engine_on_message(void *cls, const char *format, va_list arguments)
{
    (void)cls;
    char text[MHD_MESSAGE_MAX];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)vsnprintf(text, sizeof text, format, arguments);
#pragma GCC diagnostic pop
    LOG(LOG_DEBUG, "http_engine", LOG_TEXT("message", str_trim(str_of(text))));
}

/* A limit that no thread can reach, since MHD divides it among them: a thread of 0.9.75 that finds itself at its limit, which
 * a burst of connections would bring about long before all are, waits for a lock that it holds. The listener keeps the bound. */
static unsigned engine_mhd_limit(const struct service_config *config)
{
    return (unsigned)((config->n_connections_max + MHD_CONNECTIONS_SPARE) * config->n_http_threads);
}

/* The texts must be writable as far as MHD's types go; it reads them. */
static struct MHD_Daemon *engine_start(struct service_engine *engine)
{
    union { const char *text; void *pointer; } cert = {NULL}, key = {NULL}, priorities = {.text = SERVICE_TLS_PRIORITIES};
    if (engine->tls != NULL) {
        cert.text = service_tls_first_cert(engine->tls);
        key.text = service_tls_first_key(engine->tls);
    }
    const struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};
    const struct MHD_OptionItem secure[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, cert.pointer},
                                            {MHD_OPTION_HTTPS_MEM_KEY, 0, key.pointer},
                                            {MHD_OPTION_HTTPS_PRIORITIES, 0, priorities.pointer},
                                            {MHD_OPTION_END, 0, NULL}};
    const unsigned tls_flag = engine->tls == NULL ? 0 : MHD_USE_TLS;
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG | tls_flag, 0,
        NULL, NULL, engine_on_request, engine,
        MHD_OPTION_EXTERNAL_LOGGER, engine_on_message, NULL,
        MHD_OPTION_ARRAY, tls_flag == 0 ? plain : secure,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)engine->config->n_http_threads,
        MHD_OPTION_CONNECTION_LIMIT, engine_mhd_limit(engine->config),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, 0U,
        STRICTNESS_OPTION, STRICTNESS,
        MHD_OPTION_URI_LOG_CALLBACK, engine_on_target, engine,
        MHD_OPTION_NOTIFY_COMPLETED, engine_on_completed, engine,
        MHD_OPTION_NOTIFY_CONNECTION, engine_on_connection, engine,
        MHD_OPTION_END);
}

enum err service_engine_new(const struct service_config *config, const struct api_world *world, struct service_lane *const *lanes,
                            struct service_access *access, struct service_tls *tls, struct service_engine **out, struct err_info *e)
{
    struct service_engine *engine = mem_calloc(1, sizeof *engine);
    if (engine == NULL)
        return ERR_SET_NOMEM(e);
    engine->config = config;
    engine->world = world;
    engine->lanes = lanes;
    engine->access = access;
    engine->tls = tls;
    service_memory_init(&engine->memory, config);
    const enum err code = service_clients_new(&engine->clients, e);
    if (code == OK)
        engine->daemon = engine_start(engine);
    if (engine->daemon != NULL) {
        *out = engine;
        return OK;
    }
    service_clients_free(engine->clients);
    mem_free(engine);
    return code != OK ? code : ERR_SET(e, ERR_INTERNAL, "the HTTP threads cannot be started: raise the limits of files and threads");
}

void service_engine_free(struct service_engine *engine)
{
    if (engine == NULL)
        return;
    MHD_stop_daemon(engine->daemon);
    service_clients_free(engine->clients);
    mem_free(engine);
}

bool service_engine_add(struct service_engine *engine, int fd, const struct sockaddr *address, socklen_t len)
{
    service_connections_added(&engine->connections, clock_mono_ns());
    if (MHD_add_connection(engine->daemon, fd, address, len) == MHD_YES)
        return true;
    service_connections_refused(&engine->connections); /* and MHD has closed the socket */
    service_traffic_rejected(REJECTED_CONNECTIONS);
    return false;
}

void service_engine_drain(struct service_engine *engine)
{
    atomic_store(&engine->is_draining, true);
}

size_t service_engine_n_in_flight(const struct service_engine *engine)
{
    return atomic_load(&engine->n_in_flight);
}

size_t service_engine_n_connections(struct service_engine *engine)
{
    return service_connections_count(&engine->connections, clock_mono_ns());
}

void service_engine_resume(struct service_request *r)
{
    MHD_resume_connection(r->connection);
}
