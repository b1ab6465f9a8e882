#include <math.h>
#include <stdio.h>

#include "api/endpoint/handlers.h"
#include "api/json/jsontree.h"
#include "api/otlp/otlp.h"
#include "api/request/body.h"
#include "api/request/values.h"
#include "core/clock.h"
#include "core/hex.h"
#include "db/assemble/store_traces.h"

/* Written anew, attributes may outgrow the body they came in: 9e18 has four bytes, and its digits 21. */
enum { BODY_MAX_BYTES = 16 << 20, ATTRIBUTES_MAX_BYTES = 8 * BODY_MAX_BYTES, TRACES_MAX = 1000, MEMBER_NAME_MAX = 64 };
#define UNKNOWN_SERVICE STR("unknown_service")
#define DURATION_MAX_MS 1e12

/* One element of "traces" while it is read. */
struct reading {
    const struct api_req *req;
    struct db_given_trace *trace;
    bool has_end, has_duration;
    double duration_ms;
};

/* Reads one member; name is what messages call it: "traces[3].status". */
typedef enum err (*read_fn)(struct reading *r, json_t *value, const char *name, struct err_info *e);

static enum err read_trace_id(struct reading *r, json_t *value, const char *name, struct err_info *e)
{
    struct str text;
    TRY(api_body_text(value, name, &text, e));
    static const uint8_t zeros[DB_TRACE_ID_BYTES];
    if (!hex_parse_padded(text, r->trace->trace_id, DB_TRACE_ID_BYTES) || memcmp(r->trace->trace_id, zeros, sizeof zeros) == 0)
        return ERR_PARAM(e, name, "%s must be " API_TRACE_ID_FORMS ", not all zero", name);
    return OK;
}

static enum err read_name(struct reading *r, json_t *value, const char *name, struct err_info *e)
{
    return api_body_text(value, name, &r->trace->name, e);
}

static enum err read_service(struct reading *r, json_t *value, const char *name, struct err_info *e)
{
    return api_body_text(value, name, &r->trace->service, e);
}

static enum err read_time(struct reading *r, const json_t *value, const char *name, int64_t *out, struct err_info *e)
{
    struct str text;
    TRY(api_body_scalar(value, name, r->req->arena, &text, e));
    if (!api_time_parse(text, r->req->world->wall_ns(), out))
        return ERR_PARAM(e, name, "%s must be %s", name, API_TIME_FORMS);
    return OK;
}

static enum err read_start(struct reading *r, json_t *value, const char *name, struct err_info *e)
{
    return read_time(r, value, name, &r->trace->start_ns, e);
}

static enum err read_end(struct reading *r, json_t *value, const char *name, struct err_info *e)
{
    r->has_end = true;
    return read_time(r, value, name, &r->trace->end_ns, e);
}

static enum err read_duration(struct reading *r, json_t *value, const char *name, struct err_info *e)
{
    r->has_duration = true;
    r->duration_ms = json_number_value(value);
    if (!json_is_number(value) || !(r->duration_ms >= 0 && r->duration_ms <= DURATION_MAX_MS))
        return ERR_PARAM(e, name, "%s must be a number of milliseconds, not negative", name);
    return OK;
}

static enum err read_status(struct reading *r, json_t *value, const char *name, struct err_info *e)
{
    static const char *const statuses[] = {"unset", "ok", "error"};
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
        if (json_is_string(value) && strcmp(json_string_value(value), statuses[i]) == 0) {
            r->trace->status = str_of(statuses[i]);
            return OK;
        }
    return ERR_PARAM(e, name, "%s must be one of: unset, ok, error", name);
}

static enum err read_attributes(struct reading *r, json_t *value, const char *name, struct err_info *e)
{
    if (!json_is_object(value))
        return ERR_PARAM(e, name, "%s must be an object", name);
    AUTO(buf) struct buf text;
    struct api_json w;
    buf_init_share(&text, ATTRIBUTES_MAX_BYTES, r->req->memory);
    api_json_init(&w, &text);
    api_json_tree(&w, value);
    r->trace->attributes = buf_is_ok(&text) ? arena_copy(r->req->arena, buf_str(&text)) : (struct str){NULL, 0};
    return r->trace->attributes.ptr == NULL ? ERR_SET_NOMEM(e) : OK;
}

static enum err read_embedding(struct reading *r, json_t *value, const char *name, struct err_info *e)
{
    float *embedding = arena_calloc(r->req->arena, EMBEDDING_DIMENSIONS, sizeof *embedding);
    if (embedding == NULL)
        return ERR_SET_NOMEM(e);
    TRY(api_body_embedding(value, name, embedding, e));
    r->trace->embedding = embedding;
    return OK;
}

static const struct {
    const char *name;
    read_fn read;
    bool is_required;
} members[] = {
    {"trace_id", read_trace_id, true}, {"name", read_name, true},
    {"start_time", read_start, true},  {"end_time", read_end, false},
    {"duration_ms", read_duration, false}, {"status", read_status, false},
    {"service", read_service, false},  {"attributes", read_attributes, false},
    {"embedding", read_embedding, false},
};

static bool is_member(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (strcmp(members[i].name, name) == 0)
            return true;
    return false;
}

static enum err check_members(json_t *object, size_t index, struct err_info *e)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        if (!is_member(key))
            return ERR_PARAM(e, key, "traces[%zu] has the unknown member '%.40s'; it takes trace_id, name, start_time, end_time, "
                             "duration_ms, status, service, attributes and embedding", index, key);
    }
    return OK;
}

static enum err fill_end(struct reading *r, size_t index, struct err_info *e)
{
    struct db_given_trace *t = r->trace;
    if (!r->has_end && !r->has_duration)
        return ERR_PARAM(e, "end_time", "traces[%zu] must have an end_time or a duration_ms", index);
    if (!r->has_end && __builtin_add_overflow(t->start_ns, (int64_t)llround(r->duration_ms * (double)NS_PER_MS), &t->end_ns))
        return ERR_PARAM(e, "duration_ms", "traces[%zu].duration_ms reaches past the year 2262", index);
    if (t->end_ns < t->start_ns)
        return ERR_PARAM(e, "end_time", "traces[%zu].end_time must not be before its start_time", index);
    return OK;
}

/* The bounds are those of spans. */
static enum err check_times(const struct reading *r, size_t index, struct err_info *e)
{
    const struct db_given_trace *t = r->trace;
    const int64_t now_ns = r->req->world->wall_ns(), retention_ns = r->req->world->retention_ns;
    if (t->start_ns <= 0 || t->start_ns > now_ns + API_OTLP_AHEAD_MAX_NS)
        return ERR_PARAM(e, "start_time", "traces[%zu].start_time must lie after 1970 and at most a day from now", index);
    if (t->end_ns > now_ns + API_OTLP_AHEAD_MAX_NS)
        return ERR_PARAM(e, r->has_end ? "end_time" : "duration_ms", "traces[%zu] must end at most a day from now", index);
    if (retention_ns != 0 && t->start_ns < now_ns - retention_ns)
        return ERR_PARAM(e, "start_time", "traces[%zu].start_time is older than what is kept here", index);
    return OK;
}

static enum err read_trace(const struct api_req *req, json_t *object, size_t index, struct db_given_trace *out,
                           struct err_info *e)
{
    if (!json_is_object(object))
        return ERR_PARAM(e, "traces", "traces[%zu] must be an object", index);
    TRY(check_members(object, index, e));
    *out = (struct db_given_trace){.service = UNKNOWN_SERVICE, .status = STR("unset"), .attributes = STR("{}"),
                                   .embeds_later = req->world->embedder != NULL};
    struct reading r = {.req = req, .trace = out};
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        json_t *value = json_object_get(object, members[i].name);
        char name[MEMBER_NAME_MAX];
        (void)snprintf(name, sizeof name, "traces[%zu].%s", index, members[i].name);
        if (value == NULL || json_is_null(value)) {
            if (members[i].is_required)
                return ERR_PARAM(e, name, "%s is required", name);
            continue;
        }
        TRY(members[i].read(&r, value, name, e));
    }
    TRY(fill_end(&r, index, e));
    return check_times(&r, index, e);
}

static enum err read_traces(const struct api_req *req, const json_t *body, struct db_given_trace **out, size_t *n_out,
                            struct err_info *e)
{
    const json_t *list = json_object_get(body, "traces");
    const size_t n = json_array_size(list);
    if (json_object_size(body) != 1 || n == 0 || n > TRACES_MAX)
        return ERR_PARAM(e, "traces", "the body must be {\"traces\": [...]} with 1 to %d traces", TRACES_MAX);
    struct db_given_trace *traces = arena_calloc(req->arena, n, sizeof *traces);
    if (traces == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < n; i++)
        TRY(read_trace(req, json_array_get(list, i), i, &traces[i], e));
    *out = traces;
    *n_out = n;
    return OK;
}

enum err api_store_traces(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    AUTO(json) json_t *body = NULL;
    struct db_given_trace *traces = NULL;
    size_t n = 0;
    TRY(api_body_object(req, BODY_MAX_BYTES, &body, e));
    TRY(read_traces(req, body, &traces, &n, e));
    TRY(db_store_traces(req->db, &req->wait, traces, n, req->arena, e));
    struct api_json w;
    api_json_init(&w, &reply->body);
    api_json_open(&w, '{');
    api_json_key(&w, "accepted");
    api_json_i64(&w, (int64_t)n);
    api_json_close(&w, '}');
    return OK;
}
