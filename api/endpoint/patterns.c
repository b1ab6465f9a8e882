#include "api/endpoint/handlers.h"
#include "api/endpoint/why.h"
#include "api/json/items.h"
#include "api/request/list.h"
#include "api/request/values.h"
#include "core/hex.h"
#include "db/question/get_pattern.h"
#include "db/question/list_patterns.h"

enum { PATTERN_ID_BYTES = 8 };

static const char *const statuses[] = {"ok", "error", NULL};
static const char *const sorts[] = {
    [DB_PATTERNS_BY_LAST_SEEN] = "last_seen",
    [DB_PATTERNS_BY_FIRST_SEEN] = "first_seen",
    [DB_PATTERNS_BY_COUNT] = "count",
    [DB_PATTERNS_SORTS] = NULL,
};

const struct api_param_spec api_patterns_params[] = {
    {.name = "service", .type = API_PARAM_TEXT},
    {.name = "status", .type = API_PARAM_ENUM, .values = statuses},
    {.name = "new_since", .type = API_PARAM_SINCE},
    {.name = "sort", .type = API_PARAM_ENUM, .values = sorts},
    API_PARAMS_WINDOW,
    API_PARAMS_PAGE(50, 1000),
    {0},
};

const struct api_param_spec api_pattern_params[] = {
    API_PARAMS_WINDOW, API_PARAMS_PAGE(50, 1000), {0},
};

static uint64_t read_be64(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof value; i++)
        value = value << 8 | bytes[i];
    return value;
}

static void put_operations(struct api_json *w, const struct db_pattern_row *row)
{
    api_json_key(w, "operations");
    api_json_open(w, '{');
    api_json_key(w, "items");
    api_json_open(w, '[');
    for (size_t i = 0; i < row->n_operations; i++)
        api_put_operation(w, row->operations[i]);
    api_json_close(w, ']');
    api_put_i64(w, "count", row->operation_count);
    api_json_close(w, '}');
    api_put_bool(w, "operations_truncated", row->operations_are_cut);
}

static void put_pattern(struct api_json *w, const struct db_pattern_row *row)
{
    api_json_open(w, '{');
    api_put_pattern_id(w, true, row->pattern_id);
    api_put_str(w, "service", row->service);
    api_put_str(w, "name", row->name);
    api_json_key(w, "services");
    api_json_open(w, '[');
    for (size_t i = 0; i < row->n_services; i++)
        api_json_str(w, row->services[i]);
    api_json_close(w, ']');
    api_put_str(w, "error_message", row->error_message);
    api_put_i64(w, "trace_count", row->trace_count);
    api_put_i64(w, "error_count", row->error_count);
    api_put_time(w, "first_seen", row->first_seen_ns);
    api_put_time(w, "last_seen", row->last_seen_ns);
    api_put_id(w, "exemplar_trace_id", row->exemplar_trace_id);
    put_operations(w, row);
    api_json_close(w, '}');
}

/* What the key of a cursor holds beside the sort value: the pattern, and what new_since was on the first page, for a duration
 * before now is another time on each. */
struct key {
    int64_t pattern_id, new_since_ns;
};
enum { KEY_BYTES = 16 };

static enum err read_key(const struct api_list *l, struct key *out, struct err_info *e)
{
    const uint8_t *const bytes = (const uint8_t *)l->at.key.ptr;
    if (l->at.key.len != KEY_BYTES)
        return ERR_PARAM(e, "cursor", "cursor must be the next_cursor of an earlier answer, unchanged");
    *out = (struct key){(int64_t)read_be64(bytes), (int64_t)read_be64(bytes + PATTERN_ID_BYTES)};
    return OK;
}

static enum err mark(struct api_list *l, int64_t sort_value, const struct key *key)
{
    if (!api_list_is_full(l))
        return OK;
    AUTO(buf) struct buf bytes;
    buf_init(&bytes, KEY_BYTES);
    buf_put_be64(&bytes, (uint64_t)key->pattern_id);
    buf_put_be64(&bytes, (uint64_t)key->new_since_ns);
    return buf_is_ok(&bytes) ? api_list_mark(l, sort_value, buf_str(&bytes)) : ERR_SET_NOMEM(l->e);
}

struct listing {
    struct api_list list;
    enum db_list_patterns_sort sort;
    int64_t new_since_ns;
};

static enum err put_item(void *arg, const struct db_pattern_row *row)
{
    struct listing *l = arg;
    if (!api_list_take(&l->list))
        return OK;
    put_pattern(&l->list.json, row);
    const struct key key = {row->pattern_id, l->new_since_ns};
    return mark(&l->list, db_list_patterns_value(row, l->sort), &key);
}

static void put_new_since(struct listing *l, bool is_given)
{
    api_json_key(&l->list.json, "new_since");
    if (is_given)
        api_json_time(&l->list.json, l->new_since_ns);
    else
        api_json_null(&l->list.json);
}

enum err api_list_patterns(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    const struct api_params *p = req->params;
    const struct api_value *const new_since = api_param(p, "new_since");
    struct listing l = {.sort = (enum db_list_patterns_sort)api_param(p, "sort")->number};
    struct key at = {.new_since_ns = new_since->number};
    TRY(api_list_begin(&l.list, req, reply, API_WINDOW_ALL, e));
    if (l.list.has_cursor)
        TRY(read_key(&l.list, &at, e));
    l.new_since_ns = at.new_since_ns;
    const struct db_list_patterns_key after = {l.list.at.number, at.pattern_id};
    const struct db_list_patterns_params params = {
        .window = l.list.at.window.range,
        .new_since_ns = l.new_since_ns,
        .service = api_param(p, "service")->text,
        .status = api_param(p, "status")->text,
        .sort = l.sort,
        .n_operations = API_WHY_NAMED_MAX,
        .after = l.list.has_cursor ? &after : NULL,
        .limit = l.list.limit + 1,
    };
    TRY(db_list_patterns(req->db, &req->wait, req->arena, &params, put_item, &l, e));
    TRY(api_list_meta(&l.list, e));
    put_new_since(&l, new_since->is_given);
    api_list_end(&l.list);
    return OK;
}

static enum err pattern_of_path(const struct api_req *req, int64_t *pattern_id, struct err_info *e)
{
    uint8_t bytes[PATTERN_ID_BYTES];
    if (!hex_parse_padded(req->path_args[0], bytes, sizeof bytes))
        return ERR_PARAM(e, "pattern_id", "pattern_id must be " API_PATTERN_ID_FORMS);
    *pattern_id = (int64_t)read_be64(bytes);
    return OK;
}

static enum err put_whole(void *arg, const struct db_pattern_row *row)
{
    struct api_list *l = arg;
    api_json_key(&l->json, "pattern");
    put_pattern(&l->json, row);
    api_list_open(l);
    return OK;
}

static enum err put_trace(void *arg, const struct db_summary *row)
{
    struct api_list *l = arg;
    if (!api_list_take(l))
        return OK;
    api_json_open(&l->json, '{');
    api_put_summary(&l->json, row);
    api_json_close(&l->json, '}');
    return api_list_mark(l, row->start_ns, row->trace_id);
}

enum err api_get_pattern(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    struct api_list l;
    struct db_get_pattern_params params = {.pattern_id = 0};
    TRY(pattern_of_path(req, &params.pattern_id, e));
    TRY(api_list_read(&l, req, reply, API_WINDOW_ALL, e));
    const struct db_get_pattern_key after = {l.at.number, l.at.key};
    params.window = l.at.window.range;
    params.after = l.has_cursor ? &after : NULL;
    params.limit = l.limit + 1;
    api_json_open(&l.json, '{');
    TRY(db_get_pattern(req->db, &req->wait, req->arena, &params, put_whole, put_trace, &l, e));
    TRY(api_list_meta(&l, e));
    api_list_end(&l);
    return OK;
}
