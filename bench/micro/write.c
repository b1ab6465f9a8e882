#include <jansson.h>

#include "api/json/jsonwrite.h"
#include "bench/micro/cases.h"
#include "core/clock.h"
#include "core/hex.h"

enum { TEXT_MAX_BYTES = 64 << 20, ID_TEXT_MAX = 2 * DB_TRACE_ID_BYTES + 1, DIGITS_MAX = 24 };

struct work {
    const struct db_batch *batch;
    const json_t *tree; /* of the same text; lives to the end of the process */
};

/* --- by the service's writer, as its answers are: text goes straight into a buffer that is new for each */

static void put_span(struct api_json *w, const struct db_batch *b, const struct db_span *s)
{
    api_json_open(w, '{');
    api_json_key(w, "trace_id");
    api_json_hex(w, s->trace_id, sizeof s->trace_id);
    api_json_key(w, "span_id");
    api_json_hex(w, s->span_id, sizeof s->span_id);
    api_json_key(w, "name");
    api_json_str(w, s->name);
    api_json_key(w, "service");
    api_json_str(w, b->resources.items[s->resource].service);
    api_json_key(w, "start_time_unix_nano");
    api_json_i64_text(w, s->start_ns);
    api_json_key(w, "duration_ms");
    api_json_f64(w, (double)(s->end_ns - s->start_ns) / NS_PER_MS);
    api_json_key(w, "kind");
    api_json_i64(w, s->kind);
    api_json_key(w, "is_root");
    api_json_bool(w, !s->has_parent);
    api_json_key(w, "status_message");
    api_json_str(w, s->status_message);
    api_json_close(w, '}');
}

static void put_spans(struct buf *out, const struct db_batch *b)
{
    struct api_json w;
    api_json_init(&w, out);
    api_json_open(&w, '[');
    for (size_t i = 0; i < b->spans.n; i++)
        put_span(&w, b, &b->spans.items[i]);
    api_json_close(&w, ']');
}

static enum err write_text(const void *arg, struct err_info *e)
{
    const struct work *const w = arg;
    AUTO(buf) struct buf out;
    buf_init(&out, TEXT_MAX_BYTES);
    put_spans(&out, w->batch);
    return buf_is_ok(&out) ? OK : ERR_SET_NOMEM(e);
}

/* --- by jansson */

static int to_buf(const char *bytes, size_t n, void *out)
{
    buf_put(out, bytes, n);
    return 0;
}

static enum err dump(const json_t *tree, struct err_info *e)
{
    AUTO(buf) struct buf out;
    buf_init(&out, TEXT_MAX_BYTES);
    if (tree == NULL || json_dump_callback(tree, to_buf, &out, JSON_COMPACT) != 0)
        return ERR_SET(e, ERR_INVALID, "jansson cannot write it");
    return buf_is_ok(&out) ? OK : ERR_SET_NOMEM(e);
}

static enum err jansson_dump(const void *arg, struct err_info *e)
{
    const struct work *const w = arg;
    return dump(w->tree, e);
}

static json_t *id_of(const uint8_t *bytes, size_t n)
{
    char text[ID_TEXT_MAX];
    for (size_t i = 0; i < n; i++) {
        text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    return json_stringn(text, 2 * n);
}

static json_t *text_of(struct str s)
{
    return s.ptr == NULL ? json_null() : json_stringn(s.ptr, s.len);
}

static json_t *digits_of(int64_t value)
{
    char text[DIGITS_MAX];
    const int n = snprintf(text, sizeof text, "%lld", (long long)value);
    return json_stringn(text, (size_t)n);
}

static json_t *span_of(const struct db_batch *b, const struct db_span *s)
{
    json_t *const span = json_object();
    (void)json_object_set_new_nocheck(span, "trace_id", id_of(s->trace_id, sizeof s->trace_id));
    (void)json_object_set_new_nocheck(span, "span_id", id_of(s->span_id, sizeof s->span_id));
    (void)json_object_set_new_nocheck(span, "name", text_of(s->name));
    (void)json_object_set_new_nocheck(span, "service", text_of(b->resources.items[s->resource].service));
    (void)json_object_set_new_nocheck(span, "start_time_unix_nano", digits_of(s->start_ns));
    (void)json_object_set_new_nocheck(span, "duration_ms", json_real((double)(s->end_ns - s->start_ns) / NS_PER_MS));
    (void)json_object_set_new_nocheck(span, "kind", json_integer(s->kind));
    (void)json_object_set_new_nocheck(span, "is_root", json_boolean(!s->has_parent));
    (void)json_object_set_new_nocheck(span, "status_message", text_of(s->status_message));
    return span;
}

static json_t *spans_of(const struct db_batch *b)
{
    json_t *const spans = json_array();
    for (size_t i = 0; i < b->spans.n; i++)
        (void)json_array_append_new(spans, span_of(b, &b->spans.items[i]));
    return spans;
}

static enum err jansson_make_and_dump(const void *arg, struct err_info *e)
{
    const struct work *const w = arg;
    json_t *const tree = spans_of(w->batch);
    const enum err code = dump(tree, e);
    json_decref(tree);
    return code;
}

/* --- the cases */

/* What is written must be one document, whoever writes it: jansson reads ours. */
static enum err check(const struct work *w, size_t *n_bytes, struct err_info *e)
{
    AUTO(buf) struct buf out;
    buf_init(&out, TEXT_MAX_BYTES);
    put_spans(&out, w->batch);
    const struct str text = buf_str(&out);
    json_t *const read = json_loadb(text.ptr, text.len, 0, NULL);
    json_t *const made = spans_of(w->batch);
    const bool is_same = read != NULL && json_equal(read, made) == 1;
    json_decref(read);
    json_decref(made);
    *n_bytes = text.len;
    return is_same ? OK : ERR_SET(e, ERR_INVALID, "jansson does not read what was written");
}

enum err micro_write_add(struct micro_list *list, const struct micro_input *in, struct arena *arena, struct err_info *e)
{
    struct work *const w = arena_calloc(arena, 1, sizeof *w);
    if (w == NULL)
        return ERR_SET_NOMEM(e);
    *w = (struct work){&in->traces, spans_of(&in->traces)};
    struct micro_case c = {.what = "JSON written", .by = "tracekin", .items = "spans", .n_items = in->n_items, .run = write_text, .arg = w};
    TRY(check(w, &c.n_bytes, e));
    micro_list_add(list, &c);
    c.by = "jansson, of a tree at hand";
    c.run = jansson_dump;
    micro_list_add(list, &c);
    c.by = "jansson, tree and text";
    c.run = jansson_make_and_dump;
    micro_list_add(list, &c);
    return OK;
}
