#include "api/request/cursor.h"

#include "api/request/params.h"
#include "api/request/route.h"
#include "core/hash.h"
#include "core/hex.h"

/* version 1 | hash of the filters 8 | start 8 | end 8 | is_default 1 | number 8 | key | hash of all before 8, big-endian */
enum { CURSOR_VERSION = 1, HEAD_BYTES = 34, CHECK_BYTES = 8, CURSOR_MAX_BYTES = HEAD_BYTES + API_CURSOR_KEY_MAX_BYTES + CHECK_BYTES };

/* Parameters that move along a list and do not choose what is in it. */
static bool is_filter(const struct api_param_spec *spec)
{
    return spec->type != API_PARAM_CURSOR && spec->type != API_PARAM_LIMIT;
}

static uint64_t hash_of_filters(const struct api_req *req)
{
    const struct api_params *p = req->params;
    uint64_t hash = hash64(str_of(req->route->name), CURSOR_VERSION);
    for (size_t i = 0; i < API_PATH_ARGS_MAX; i++)
        hash = hash64(req->path_args[i], hash);
    for (size_t i = 0; p->specs[i].name != NULL; i++) {
        if (!p->values[i].is_given || !is_filter(&p->specs[i]))
            continue;
        hash = hash64(str_of(p->specs[i].name), hash);
        hash = hash64(p->values[i].text, hash);
    }
    for (size_t i = 0; i < p->n_attrs; i++) {
        hash = hash64(p->attr_keys[i], hash);
        hash = hash64(p->attr_values[i], hash);
    }
    return hash;
}

static uint64_t read_be64(const char *bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof value; i++)
        value = value << 8 | (uint8_t)bytes[i];
    return value;
}

/* Whether the bytes are a cursor of ours, unchanged, whatever the filters. */
static bool is_intact(struct str bytes)
{
    if (bytes.len < HEAD_BYTES + CHECK_BYTES || bytes.len > CURSOR_MAX_BYTES || bytes.ptr[0] != CURSOR_VERSION)
        return false;
    const struct str checked = {bytes.ptr, bytes.len - CHECK_BYTES};
    return hash64(checked, CURSOR_VERSION) == read_be64(bytes.ptr + checked.len);
}

/* Where the decoded bytes outlive the buffer. */
static struct str decode(struct str text, struct arena *arena)
{
    AUTO(buf) struct buf bytes;
    buf_init(&bytes, CURSOR_MAX_BYTES);
    if (!base64_parse(text, &bytes) || !buf_is_ok(&bytes))
        return (struct str){NULL, 0};
    return arena_copy(arena, buf_str(&bytes));
}

enum err api_cursor_read(const struct api_req *req, bool *is_given, struct api_cursor *out, struct err_info *e)
{
    const struct api_value *given = api_param_find(req->params, "cursor");
    *is_given = given != NULL && given->is_given;
    if (!*is_given)
        return OK;
    const struct str bytes = decode(given->text, req->arena);
    if (bytes.ptr == NULL || !is_intact(bytes))
        return ERR_PARAM(e, "cursor", "cursor must be the next_cursor of an earlier answer, unchanged");
    if (read_be64(bytes.ptr + 1) != hash_of_filters(req))
        return ERR_PARAM(e, "cursor", "cursor belongs to another query; repeat the parameters of the answer it came from");
    out->window.range.start_ns = (int64_t)read_be64(bytes.ptr + 9);
    out->window.range.end_ns = (int64_t)read_be64(bytes.ptr + 17);
    out->window.is_default = bytes.ptr[25] != 0;
    out->number = (int64_t)read_be64(bytes.ptr + 26);
    out->key = (struct str){bytes.ptr + HEAD_BYTES, bytes.len - HEAD_BYTES - CHECK_BYTES};
    return OK;
}

enum err api_cursor_write(const struct api_req *req, const struct api_cursor *c, struct str *out, struct err_info *e)
{
    AUTO(buf) struct buf bytes;
    AUTO(buf) struct buf text;
    buf_init(&bytes, CURSOR_MAX_BYTES);
    buf_init(&text, CURSOR_MAX_BYTES * 2);
    buf_putc(&bytes, CURSOR_VERSION);
    buf_put_be64(&bytes, hash_of_filters(req));
    buf_put_be64(&bytes, (uint64_t)c->window.range.start_ns);
    buf_put_be64(&bytes, (uint64_t)c->window.range.end_ns);
    buf_putc(&bytes, c->window.is_default ? 1 : 0);
    buf_put_be64(&bytes, (uint64_t)c->number);
    buf_puts(&bytes, c->key);
    buf_put_be64(&bytes, hash64(buf_str(&bytes), CURSOR_VERSION));
    const struct str all = buf_str(&bytes);
    if (!buf_is_ok(&bytes))
        return ERR_SET(e, ERR_NOMEM, "the last item's name is too long to go on after it; narrow the query");
    base64_put_url(&text, (const uint8_t *)all.ptr, all.len);
    const struct str copy = buf_is_ok(&text) ? arena_copy(req->arena, buf_str(&text)) : (struct str){NULL, 0};
    if (copy.ptr == NULL)
        return ERR_SET_NOMEM(e);
    *out = copy;
    return OK;
}
