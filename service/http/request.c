#include "service/http/request.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>

#include "api/endpoint/dispatch.h"
#include "api/endpoint/problem.h"
#include "api/endpoint/routes.h"
#include "core/clock.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/mem.h"
#include "service/http/traffic.h"

enum { HTTP_NO_CONTENT = 204, HTTP_ERROR_MIN = 400, HTTP_TOO_LARGE = 413 };

/* "http://host/path", as a client writes it that takes this for a proxy, asks for /path; the host says nothing here (RFC 9112
 * section 3.2.2). */
static struct str request_origin_form(struct str target)
{
    struct str rest = {0};
    const struct str scheme = str_split(target, ':', &rest);
    if (!str_starts_with(rest, STR("//")) || !(str_equal_nocase(scheme, STR("http")) || str_equal_nocase(scheme, STR("https"))))
        return target;
    size_t n = 2;
    while (n < rest.len && rest.ptr[n] != '/' && rest.ptr[n] != '?')
        n++;
    return (struct str){rest.ptr + n, rest.len - n};
}

struct service_request *service_request_new(const struct api_world *world, struct service_memory *memory, struct str target)
{
    struct service_request *r = mem_calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    budget_share_init(&r->memory, &memory->budget, memory->request_max_bytes);
    arena_init_share(&r->arena, &r->memory);
    buf_init_share(&r->body, world->body_max_bytes, &r->memory);
    buf_init_share(&r->reply.body, SERVICE_REPLY_MAX_BYTES, &r->memory);
    r->start_ns = clock_mono_ns();
    atomic_init(&r->is_cancelled, false);
    atomic_init(&r->wake_fd, -1);
    r->api.world = world;
    r->api.arena = &r->arena;
    r->api.memory = &r->memory;
    r->api.wait = (struct db_wait){.deadline_ns = INT64_MAX, .cancelled = &r->is_cancelled, .wake_fd = -1};
    service_head_set_target(&r->head, target);
    r->api.target = arena_copy(&r->arena, request_origin_form(target));
    if (r->api.target.ptr != NULL)
        return r;
    service_request_free(r);
    return NULL;
}

void service_request_free(struct service_request *r)
{
    if (r == NULL)
        return;
    buf_close(&r->body);
    buf_close(&r->reply.body);
    arena_close(&r->arena);
    budget_share_close(&r->memory);
    mem_free(r);
}

static pthread_once_t id_once = PTHREAD_ONCE_INIT;
static struct {
    uint32_t of_process;
    uint64_t first;
} id_seed;
static atomic_uint_fast64_t n_ids;

/* Up to 256 bytes come whole once the kernel's pool is ready; before that ids are merely less unique. */
static void id_seed_draw(void)
{
    if (getrandom(&id_seed, sizeof id_seed, GRND_NONBLOCK) != (ssize_t)sizeof id_seed)
        id_seed.first = (uint64_t)clock_wall_ns();
}

/* Told apart from other processes by a random part; within one by a number, mixed so that neighbours look nothing alike. */
static void request_make_id(struct service_request *r)
{
    (void)pthread_once(&id_once, id_seed_draw);
    const uint64_t number = atomic_fetch_add_explicit(&n_ids, 1, memory_order_relaxed);
    const uint64_t mixed = hash64((struct str){(const char *)&number, sizeof number}, id_seed.first);
    (void)snprintf(r->id, sizeof r->id, "%08" PRIx32 "%016" PRIx64, id_seed.of_process, mixed);
}

void service_request_identify(struct service_request *r)
{
    if (service_head_is_request_id(r->head.request_id))
        (void)snprintf(r->id, sizeof r->id, "%.*s", STR_ARG(r->head.request_id));
    else
        request_make_id(r);
    r->api.request_id = str_of(r->id);
}

/* A body whose type nobody says may be taken for JSON, but not of a page: its browser sends such a one (a Blob without a type) to anyone
 * without asking first. Only a browser says an Origin. */
static struct str content_type_of(const struct service_head *head)
{
    return head->content_type.ptr == NULL && head->origin.ptr != NULL ? STR("") : head->content_type;
}

void service_request_route(struct service_request *r, struct str method)
{
    r->api.method = method;
    r->api.content_type = content_type_of(&r->head);
    r->api.content_encoding = r->head.content_encoding;
    r->api.accept = r->head.accept;
    if (api_route_find(&r->api, &r->allow, &r->refusal) != OK)
        return;
    r->allow = (struct str){0};
    if (r->api.route->lane == API_LANE_INGEST && r->api.world->writer == NULL)
        (void)ERR_SET(&r->refusal, ERR_UNAVAILABLE, "this service only answers questions (TRACEKIN_READ_ONLY): send this to one that writes");
}

static enum err request_refuse(struct service_request *r, const struct err_info *e)
{
    r->refusal = *e;
    r->allow = (struct str){0};
    return e->code;
}

enum err service_request_check(struct service_request *r)
{
    struct err_info ambiguity = {0};
    return service_head_check(&r->head, &ambiguity) == OK ? OK : request_refuse(r, &ambiguity);
}

enum err service_request_measure(struct service_request *r)
{
    struct err_info size = {0};
    return service_head_check_size(&r->head, &size) == OK ? OK : request_refuse(r, &size);
}

enum api_lane service_request_lane(const struct service_request *r)
{
    return r->refusal.code != OK || r->api.route == NULL ? API_LANE_NONE : r->api.route->lane;
}

static void request_reply_refusal(struct service_request *r)
{
    if (r->allow.ptr != NULL)
        (void)api_reply_header(&r->reply, "Allow", r->allow);
    if (r->allow.ptr != NULL && str_equal(r->api.method, STR("OPTIONS")))
        r->reply.status = HTTP_NO_CONTENT;
    else
        api_reply_error(&r->api, &r->reply, &r->refusal);
}

static void request_count_rejection(const struct service_request *r)
{
    if (r->reply.status == HTTP_TOO_LARGE)
        service_traffic_rejected(REJECTED_TOO_LARGE);
    else if (r->reply.status >= HTTP_ERROR_MIN && r->memory.reached == BUDGET_OF_WHOLE)
        service_traffic_rejected(REJECTED_MEMORY);
}

void service_request_answer(struct service_request *r)
{
    log_set_request_id(r->api.request_id);
    log_set_key(str_of(r->caller.key_name));
    if (r->refusal.code != OK) {
        request_reply_refusal(r);
    } else {
        api_dispatch(&r->api, &r->reply);
        request_count_rejection(r);
    }
    buf_close(&r->body); /* the client may take its time with the reply */
    r->api.body = (struct str){0};
    log_set_request_id((struct str){0});
    log_set_key((struct str){0});
}
