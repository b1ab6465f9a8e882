#include "api/endpoint/handlers.h"
#include "api/endpoint/trace.h"
#include "api/endpoint/why.h"
#include "api/json/items.h"
#include "api/request/body.h"
#include "api/request/list.h"
#include "api/request/values.h"
#include "core/hex.h"
#include "db/assemble/trace_merge.h"
#include "db/pattern/pattern_text.h"

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
    struct str text; /* absent: not by text */
};

/* What was found, and what to tell of it. */
struct found {
    struct db_find_similar_traces_how how;
    struct db_find_similar_traces_row *rows;
    size_t n_rows;
    struct db_pattern_shape *shapes;
    size_t n_shapes;
};

/* The shapes of all patterns among the rows and of the one asked about. */
static enum err read_shapes(const struct api_req *req, struct found *f, struct err_info *e)
{
    int64_t *const ids = arena_calloc(req->arena, f->n_rows + 1, sizeof *ids);
    size_t n = 0;
    if (ids == NULL)
        return ERR_SET_NOMEM(e);
    if (!f->how.has_pattern || f->n_rows == 0)
        return OK;
    ids[n++] = f->how.pattern_id;
    for (size_t i = 0; i < f->n_rows; i++)
        if (f->rows[i].has_pattern)
            ids[n++] = f->rows[i].pattern_id;
    return db_pattern_shapes_read(req->db, &req->wait, req->arena, ids, n, &f->shapes, &f->n_shapes, e);
}

static struct api_why_trace why_of(const struct found *f, bool has_pattern, int64_t pattern_id, struct str error_message)
{
    return (struct api_why_trace){has_pattern ? db_pattern_shapes_find(f->shapes, f->n_shapes, pattern_id) : NULL, error_message};
}

static enum err put_rows(struct api_list *list, const struct found *f, const struct likeness *like, bool by_pattern,
                         struct err_info *e)
{
    const struct str error = like->text.ptr != NULL ? like->text : f->how.error_message;
    const struct api_why_trace asked = why_of(f, f->how.has_pattern, f->how.pattern_id, error);
    for (size_t i = 0; i < f->n_rows && api_list_take(list); i++) {
        const struct db_find_similar_traces_row *const row = &f->rows[i];
        const struct api_why_trace why = why_of(f, row->has_pattern, row->pattern_id, row->summary.error_message);
        api_json_open(&list->json, '{');
        api_put_similar(&list->json, row, by_pattern);
        TRY(api_put_why(&list->json, &asked, &why, e));
        api_json_close(&list->json, '}');
    }
    return OK;
}

static const char *index_of(const struct db_find_similar_traces_how *how, const struct db_vector_use *use)
{
    switch (how->way) {
    case DB_SIMILAR_SHAPES:
        return "patterns";
    case DB_SIMILAR_INDEX:
        return db_vector_method_name(use->method);
    case DB_SIMILAR_SCAN:
    case DB_SIMILAR_WAYS:
        break;
    }
    return NULL;
}

static void put_i64_or_null(struct api_json *w, const char *key, bool is_there, int64_t value)
{
    api_json_key(w, key);
    if (is_there)
        api_json_i64(w, value);
    else
        api_json_null(w);
}

/* How it was searched, and how far that can be trusted: recall was measured, by the keeper of the index. */
static void put_how(struct api_json *w, const struct db_find_similar_traces_how *how, const struct db_vector_use *use)
{
    const bool is_approximate = how->way == DB_SIMILAR_INDEX;
    api_put_str(w, "model", how->model);
    api_put_str(w, "index", str_of(index_of(how, use)));
    api_put_bool(w, "exact", !is_approximate);
    api_put_bool(w, "approximate", is_approximate);
    put_i64_or_null(w, "probes", is_approximate && use->method == DB_VECTOR_IVFFLAT, use->effort);
    put_i64_or_null(w, "ef_search", is_approximate && use->method == DB_VECTOR_HNSW, use->effort);
    api_json_key(w, "recall");
    if (is_approximate && !use->is_measured)
        api_json_null(w);
    else
        api_json_f64(w, is_approximate ? use->recall : 1);
}

static enum err search(struct api_req *req, struct api_reply *reply, const struct likeness *like, struct err_info *e)
{
    const struct api_params *p = req->params;
    struct api_list list;
    struct found f = {.n_rows = 0};
    AUTO(db_result) struct db_result *result = NULL;
    TRY(api_list_begin(&list, req, reply, API_WINDOW_ALL, e));
    const struct db_find_similar_traces_params params = {
        .embedding = like->has_embedding ? like->embedding : NULL,
        .model = like->model,
        .trace_id = like->trace_id,
        .threshold = api_param(p, "threshold")->real,
        .by_pattern = api_param(p, "group")->number == GROUP_BY_PATTERN,
        .is_exact = api_param(p, "exact")->number != 0,
        .use = db_vector_board_read(req->world->vectors),
        .service = api_param(p, "service")->text,
        .status = api_param(p, "status")->text,
        .window = list.at.window.range,
        .limit = list.limit,
    };
    TRY(db_find_similar_traces(req->db, &req->wait, req->arena, &params, &f.how, &f.rows, &f.n_rows, &result, e));
    TRY(read_shapes(req, &f, e));
    TRY(put_rows(&list, &f, like, params.by_pattern, e));
    TRY(api_list_meta(&list, e));
    api_put_f64(&list.json, "threshold", params.threshold);
    put_how(&list.json, &f.how, &params.use);
    api_list_end(&list);
    return OK;
}

enum err api_find_similar_traces(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    struct likeness like = {.has_embedding = false};
    TRY(api_trace_of_path(req, &like.trace_id, e));
    return search(req, reply, &like, e);
}

static enum err read_embedding(const json_t *value, struct api_req *req, struct likeness *like, struct err_info *e)
{
    (void)req;
    TRY(api_body_embedding(value, "embedding", like->embedding, e));
    like->has_embedding = true;
    like->model = STR(DB_EMBEDDING_MODEL_GIVEN);
    return OK;
}

static enum err embed_here(struct str text, struct likeness *like, struct err_info *e)
{
    struct err_info why = {0};
    const enum err failed = embedding_of_text(text, like->embedding, &why);
    if (failed == ERR_INVALID)
        return ERR_PARAM(e, "text", "text must have a word besides numbers and ids");
    if (failed != OK)
        return ERR_SET(e, failed, "%s", why.message);
    like->model = STR(EMBEDDING_MODEL);
    return OK;
}

/* By the model that the patterns are embedded by, in the words that their errors have there. */
static enum err embed_outside(struct api_req *req, struct str text, struct likeness *like, struct err_info *e)
{
    struct api_embedder *const embedder = req->world->embedder;
    struct err_info why = {0};
    const struct str words = db_pattern_text_of_query(req->arena, text);
    if (words.ptr == NULL)
        return ERR_SET_NOMEM(e);
    if (words.len == 0)
        return ERR_PARAM(e, "text", "text must have a word besides numbers and ids");
    const enum err failed = api_embedder_embed(embedder, &req->wait, &words, 1, &like->embedding, &why);
    if (failed == ERR_INVALID)
        return ERR_PARAM(e, "text", "%s", why.message);
    if (failed != OK && e != NULL)
        *e = why;
    like->model = api_embedder_model(embedder);
    return failed;
}

static enum err read_text(const json_t *value, struct api_req *req, struct likeness *like, struct err_info *e)
{
    TRY(api_body_text(value, "text", &like->text, e));
    like->has_embedding = true;
    return req->world->embedder == NULL ? embed_here(like->text, like, e) : embed_outside(req, like->text, like, e);
}

static enum err read_trace_id(const json_t *value, struct api_req *req, struct likeness *like, struct err_info *e)
{
    struct str text;
    TRY(api_body_text(value, "trace_id", &text, e));
    uint8_t *id = arena_alloc(req->arena, DB_TRACE_ID_BYTES);
    if (id == NULL)
        return ERR_SET_NOMEM(e);
    if (!hex_parse_padded(text, id, DB_TRACE_ID_BYTES))
        return ERR_PARAM(e, "trace_id", "trace_id must be " API_TRACE_ID_FORMS);
    like->trace_id = (struct str){(const char *)id, DB_TRACE_ID_BYTES};
    return OK;
}

static const struct {
    const char *member;
    enum err (*read)(const json_t *value, struct api_req *req, struct likeness *like, struct err_info *e);
} sources[] = {{"embedding", read_embedding}, {"text", read_text}, {"trace_id", read_trace_id}};

static bool is_source(const char *member)
{
    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        if (strcmp(member, sources[i].member) == 0)
            return true;
    return false;
}

static enum err read_likeness(const json_t *body, struct api_req *req, struct likeness *like, struct err_info *e)
{
    size_t n_given = 0;
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        const json_t *value = json_object_get(body, sources[i].member);
        if (value == NULL)
            continue;
        if (n_given++ > 0)
            return ERR_PARAM(e, sources[i].member, "give one of embedding, text and trace_id, not several");
        TRY(sources[i].read(value, req, like, e));
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
    TRY(read_likeness(body, req, &like, e));
    return search(req, reply, &like, e);
}
