/* Rows for log records. */
#include <stddef.h>

#include "api/otlp/otlp_state.h"
#include "core/hash.h"
#include "core/utf8.h"

enum { SEEN_CAP_MIN = 16 };

void api_otlp_log_begin(struct api_otlp_state *o)
{
    struct api_otlp_log_place *const l = &o->log;
    memset(l, 0, offsetof(struct api_otlp_log_place, body));
    l->severity_text = l->event_name = STR("");
    l->body.text = (struct str){NULL, 0};
    buf_clear(&l->body.json);
    l->body.too_deep = false;
    api_otlp_clear(&l->attributes);
}

/* An id of zeros is how some senders say that there is none. */
static const char *log_fault(struct api_otlp_state *o, uint64_t time)
{
    const struct api_otlp_log_place *const l = &o->log;
    if (l->trace_id.n != 0 && l->trace_id.n != DB_TRACE_ID_BYTES)
        return "a log record's trace id must be 16 bytes (32 hex digits in JSON), or empty";
    if (l->span_id.n != 0 && l->span_id.n != DB_SPAN_ID_BYTES)
        return "a log record's span id must be 8 bytes (16 hex digits in JSON), or empty";
    if (l->attributes.too_deep || l->body.too_deep)
        return "a log record's body or attribute is nested deeper than 64 levels";
    return api_otlp_time_fault(o, time);
}

/* The number of a level's name; 0 for an unknown one. */
static uint8_t severity_of(struct str text)
{
    static const struct {
        struct str name;
        uint8_t number;
    } levels[] = {
        {{"trace", 5}, 1},     {{"verbose", 7}, 1},  {{"debug", 5}, 5},     {{"info", 4}, 9},
        {{"information", 11}, 9}, {{"notice", 6}, 9}, {{"warn", 4}, 13},     {{"warning", 7}, 13},
        {{"err", 3}, 17},      {{"error", 5}, 17},   {{"severe", 6}, 17},   {{"crit", 4}, 18},
        {{"critical", 8}, 18}, {{"alert", 5}, 19},   {{"fatal", 5}, 21},    {{"emerg", 5}, 21},
        {{"emergency", 9}, 21}, {{"panic", 5}, 21},
    };
    const struct str trimmed = str_trim(text);
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (str_equal_nocase(trimmed, levels[i].name))
            return levels[i].number;
    return 0;
}

/* The string member "message" or "msg" of a JSON object of our own making; absent when it has none. */
static struct str message_of(struct api_otlp_state *o, struct str json)
{
    struct api_jsonread r;
    struct str key, found = {NULL, 0};
    struct api_json_string s;
    api_jsonread_init(&r, json);
    if (json.len == 0 || json.ptr[0] != '{' || !api_jsonread_open(&r, '{'))
        return found;
    while (api_jsonread_member(&r, &key)) {
        const bool is_message = str_equal(key, STR("message")) || (found.ptr == NULL && str_equal(key, STR("msg")));
        if (!is_message || api_jsonread_peek(&r) != '"')
            (void)api_jsonread_skip(&r);
        else if (api_jsonread_string(&r, &s))
            found = api_json_decode(o->arena, &s);
    }
    return found;
}

static void fill_body(struct api_otlp_state *o, struct db_log *row, const struct api_otlp_any *body)
{
    row->body_json = api_otlp_keep(o, &body->json);
    if (body->text.ptr != NULL) {
        row->body = body->text;
        return;
    }
    /* An empty AnyValue is no body. */
    if (str_equal(row->body_json, STR("null")))
        row->body_json = (struct str){NULL, 0};
    const struct str message = message_of(o, row->body_json);
    const struct str text = message.ptr != NULL ? message : row->body_json;
    row->body = text.ptr == NULL ? STR("") : utf8_cut(text, API_OTLP_BODY_MAX_BYTES);
}

static void fill_ids(struct db_log *row, const struct api_otlp_log_place *l)
{
    row->has_trace = api_otlp_id_is_good(&l->trace_id, DB_TRACE_ID_BYTES);
    row->has_span = api_otlp_id_is_good(&l->span_id, DB_SPAN_ID_BYTES);
    if (row->has_trace)
        memcpy(row->trace_id, l->trace_id.bytes, sizeof row->trace_id);
    if (row->has_span)
        memcpy(row->span_id, l->span_id.bytes, sizeof row->span_id);
}

/* What is hashed, but for the resource and the scope, which may not be known yet. The time is as sent: one that we gave
 * would differ when the record is sent again. */
static void hash_log(struct api_otlp_state *o, struct db_log *row, uint64_t time)
{
    struct buf *const b = &o->scratch;
    buf_clear(b);
    buf_put_be64(b, time);
    buf_put_be64(b, (uint64_t)row->observed_ns);
    buf_put_be32(b, row->flags);
    buf_put_be32(b, row->n_dropped_attributes);
    buf_putc(b, (char)row->severity);
    buf_put(b, row->trace_id, sizeof row->trace_id);
    buf_put(b, row->span_id, sizeof row->span_id);
    api_otlp_hash_text(b, row->severity_text);
    api_otlp_hash_text(b, row->event_name);
    api_otlp_hash_text(b, row->body);
    api_otlp_hash_text(b, row->body_json);
    api_otlp_hash_text(b, row->attributes);
    hash128(api_otlp_hashed(o), row->log_id);
}

static void fill_log(struct api_otlp_state *o, struct db_log *row, uint64_t time)
{
    const struct api_otlp_log_place *const l = &o->log;
    row->resource = (uint32_t)o->at_resource.resource;
    row->scope = (uint32_t)o->at_scope.scope;
    row->time_ns = (int64_t)time;
    row->observed_ns = l->observed > INT64_MAX ? 0 : (int64_t)l->observed;
    row->severity = l->severity != 0 ? (uint8_t)l->severity : severity_of(l->severity_text);
    row->flags = l->flags;
    row->n_dropped_attributes = l->n_dropped;
    row->severity_text = l->severity_text;
    row->event_name = l->event_name;
    row->attributes = api_otlp_keep_in(o, &l->attributes.text, '{', '}');
    row->raw = l->raw;
    fill_ids(row, l);
    fill_body(o, row, &l->body);
    hash_log(o, row, l->time);
}

void api_otlp_log_end(struct api_otlp_state *o)
{
    const struct api_otlp_log_place *const l = &o->log;
    uint64_t time = l->time != 0 ? l->time : l->observed;
    if (time == 0)
        time = (uint64_t)o->in->now_ns;
    const char *const fault = log_fault(o, time);
    if (fault != NULL) {
        api_otlp_reject(o, 1, fault);
        return;
    }
    struct db_log *const row = db_batch_add_log(o->out);
    if (row == NULL)
        api_otlp_full(o);
    else
        fill_log(o, row, time);
}

/* --- equal records in one request: a table of the ids met, open addressing */

struct seen {
    uint32_t row_plus_one; /* 0: free */
    uint32_t n;            /* how often */
};

/* Hashes what is known only at the end into the id. */
static void rehash(struct api_otlp_state *o, uint8_t id[HASH128_BYTES], uint64_t first, uint64_t second)
{
    struct buf *const b = &o->scratch;
    buf_clear(b);
    buf_put(b, id, HASH128_BYTES);
    buf_put_be64(b, first);
    buf_put_be64(b, second);
    hash128(api_otlp_hashed(o), id);
}

/* Finds the place of rows[row].log_id, which is as good as random. */
static struct seen *seen_of(struct seen *table, size_t cap, const struct db_log *rows, size_t row)
{
    size_t at;
    memcpy(&at, rows[row].log_id, sizeof at);
    for (;; at++) {
        struct seen *const s = &table[at & (cap - 1)];
        if (s->row_plus_one == 0 || memcmp(rows[s->row_plus_one - 1].log_id, rows[row].log_id, HASH128_BYTES) == 0)
            return s;
    }
}

void api_otlp_logs_finish(struct api_otlp_state *o)
{
    struct db_log *const rows = o->out->logs.items;
    const size_t n_rows = o->out->logs.n;
    size_t cap = SEEN_CAP_MIN;
    while (cap < n_rows * 2)
        cap *= 2;
    struct seen *const table = n_rows == 0 ? NULL : arena_calloc(o->arena, cap, sizeof *table);
    if (table == NULL && n_rows > 0)
        api_otlp_full(o);
    for (size_t i = 0; table != NULL && i < n_rows; i++) {
        rehash(o, rows[i].log_id, (uint64_t)o->out->resources.items[rows[i].resource].resource_id,
               (uint64_t)o->out->scopes.items[rows[i].scope].scope_id);
        struct seen *const s = seen_of(table, cap, rows, i);
        if (s->row_plus_one == 0)
            s->row_plus_one = (uint32_t)i + 1;
        else
            rehash(o, rows[i].log_id, s->n, 0);
        s->n++;
    }
}
