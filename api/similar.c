#include "api/body.h"
#include "api/handlers.h"
#include "api/items.h"
#include "api/list.h"
#include "api/trace.h"
#include "api/values.h"
#include "core/hex.h"
#include "db/trace_merge.h"

static const char *const groups[] = {"trace", "pattern", NULL};
static const char *const statuses[] = {"unset", "ok", "error", NULL};
enum { GROUP_BY_PATTERN = 1, BODY_MAX_BYTES = 1 << 20 };

const struct api_param_spec api_similar_params[] = {
    {.name = "threshold", .type = API_PARAM_UNIT, .unit_default = 0.85},
    {.name = "limit", .type = API_PARAM_LIMIT, .by_default = 10, .max = 200},
    {.name = "group", .type = API_PARAM_ENUM, .values = groups},
    {.name = "service", .type = API_PARAM_TEXT},
    {.name = "status", .type = API_PARAM_ENUM, .values = statuses},
    {.name = "exact", .type = API_PARAM_BOOL},
    API_PARAMS_WINDOW,
    {0},
};

/* What traces are compared with. */
struct likeness {
    struct str trace_id;
    bool has_embedding;
    float embedding[EMBEDDING_DIMENSIONS];
    struct str model;
};

struct search {
    struct api_list list;
    bool by_pattern;
};

static enum err put_row(void *arg, const struct db_find_similar_traces_row *row)
{
    struct search *s = arg;
    if (api_list_take(&s->list))
        api_put_similar(&s->list.json, row, s->by_pattern);
    return OK;
}

static enum err search(struct api_req *req, struct api_reply *reply, const struct likeness *like, struct err_info *e)
{
    const struct api_params *p = req->params;
    struct search s = {.by_pattern = api_param(p, "group")->number == GROUP_BY_PATTERN};
    TRY(api_list_begin(&s.list, req, reply, API_WINDOW_ALL, e));
    const struct db_find_similar_traces_params params = {
        .embedding = like->has_embedding ? like->embedding : NULL,
        .model = like->model,
        .trace_id = like->trace_id,
        .threshold = api_param(p, "threshold")->real,
        .by_pattern = s.by_pattern,
        .service = api_param(p, "service")->text,
        .status = api_param(p, "status")->text,
        .window = s.list.at.window.range,
        .limit = s.list.limit,
    };
    TRY(db_find_similar_traces(req->db, &req->wait, req->arena, &params, put_row, &s, e));
    TRY(api_list_meta(&s.list, e));
    api_put_f64(&s.list.json, "threshold", params.threshold);
    api_put_bool(&s.list.json, "exact", true);
    api_list_end(&s.list);
    return OK;
}

enum err api_find_similar_traces(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    struct likeness like = {.has_embedding = false};
    TRY(api_trace_of_path(req, &like.trace_id, e));
    return search(req, reply, &like, e);
}

static enum err read_embedding(const json_t *value, struct arena *arena, struct likeness *like, struct err_info *e)
{
    (void)arena;
    TRY(api_body_embedding(value, "embedding", like->embedding, e));
    like->has_embedding = true;
    like->model = STR(DB_EMBEDDING_MODEL_GIVEN);
    return OK;
}

static enum err read_text(const json_t *value, struct arena *arena, struct likeness *like, struct err_info *e)
{
    (void)arena;
    struct str text;
    TRY(api_body_text(value, "text", &text, e));
    struct err_info why = {0};
    const enum err failed = embedding_of_text(text, like->embedding, &why);
    if (failed == ERR_INVALID)
        return ERR_PARAM(e, "text", "text must have a word besides numbers and ids");
    if (failed != OK)
        return ERR_SET(e, failed, "%s", why.message);
    like->has_embedding = true;
    like->model = STR(EMBEDDING_MODEL);
    return OK;
}

static enum err read_trace_id(const json_t *value, struct arena *arena, struct likeness *like, struct err_info *e)
{
    struct str text;
    TRY(api_body_text(value, "trace_id", &text, e));
    uint8_t *id = arena_alloc(arena, DB_TRACE_ID_BYTES);
    if (id == NULL)
        return ERR_SET_NOMEM(e);
    if (!hex_parse_padded(text, id, DB_TRACE_ID_BYTES))
        return ERR_PARAM(e, "trace_id", "trace_id must be " API_TRACE_ID_FORMS);
    like->trace_id = (struct str){(const char *)id, DB_TRACE_ID_BYTES};
    return OK;
}

static const struct {
    const char *member;
    enum err (*read)(const json_t *value, struct arena *arena, struct likeness *like, struct err_info *e);
} sources[] = {{"embedding", read_embedding}, {"text", read_text}, {"trace_id", read_trace_id}};

static bool is_source(const char *member)
{
    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        if (strcmp(member, sources[i].member) == 0)
            return true;
    return false;
}

static enum err read_likeness(const json_t *body, struct arena *arena, struct likeness *like, struct err_info *e)
{
    size_t n_given = 0;
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        const json_t *value = json_object_get(body, sources[i].member);
        if (value == NULL)
            continue;
        if (n_given++ > 0)
            return ERR_PARAM(e, sources[i].member, "give one of embedding, text and trace_id, not several");
        TRY(sources[i].read(value, arena, like, e));
    }
    if (n_given == 0)
        return ERR_PARAM(e, "body", "the body must have one of embedding (384 numbers), text and trace_id");
    return OK;
}

/* The other members are the filters a query would have; req->params becomes the two together. */
static enum err read_filters(struct api_req *req, json_t *body, struct err_info *e)
{
    struct api_params *merged = arena_alloc(req->arena, sizeof *merged);
    if (merged == NULL)
        return ERR_SET_NOMEM(e);
    *merged = *req->params;
    const int64_t now_ns = req->world->wall_ns();
    const char *member;
    json_t *value;
    json_object_foreach(body, member, value) {
        if (is_source(member) || json_is_null(value))
            continue;
        struct str text = STR("");
        if (api_param_find(merged, member) != NULL)
            TRY(api_body_scalar(value, member, req->arena, &text, e));
        TRY(api_params_put(merged, str_of(member), text, now_ns, req->arena, e));
    }
    req->params = merged;
    return OK;
}

enum err api_search_similar_traces(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    AUTO(json) json_t *body = NULL;
    TRY(api_body_object(req, BODY_MAX_BYTES, &body, e));
    TRY(read_filters(req, body, e));
    struct likeness like = {.has_embedding = false};
    TRY(read_likeness(body, req->arena, &like, e));
    return search(req, reply, &like, e);
}
