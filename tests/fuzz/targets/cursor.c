/* api/request/cursor.c, and the handlers that go on after a cursor. One that is read is the one that was written; whatever is in it, made
 * by whoever knows how, no handler does more than refuse it; neither does any with a text that is none. */
#include "api/request/cursor.h"

#include "api/endpoint/routes.h"
#include "api/request/params.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/support/stub_db.h"

enum { ARENA_BYTES = 1 << 20, TARGET_MAX_BYTES = 1 << 16 };

static bool is_paged(const struct api_route *route)
{
    for (const struct api_param_spec *spec = route->params; spec != NULL && spec->name != NULL; spec++)
        if (spec->type == API_PARAM_CURSOR)
            return true;
    return false;
}

static const struct api_route *paged_route(size_t number)
{
    for (size_t i = 0;; i = (i + 1) % api_n_routes)
        if (is_paged(&api_routes[i]) && number-- == 0)
            return &api_routes[i];
}

/* The path with a 1 for each {}, then what the route requires. */
static void put_target(struct buf *out, const struct api_route *route)
{
    bool is_argument = false;
    for (const char *c = route->path; *c != '\0'; c++) {
        is_argument = is_argument || *c == '{';
        if (!is_argument || *c == '}')
            buf_putc(out, is_argument ? '1' : *c);
        is_argument = is_argument && *c != '}';
    }
    buf_putc(out, '?');
    for (const struct api_param_spec *spec = route->params; spec->name != NULL; spec++)
        if (spec->is_required)
            buf_printf(out, "%s=1&", spec->name);
}

/* Writes the cursor of the request and reads it again. */
static struct str write_and_read(struct api_req *req, const struct api_cursor *c)
{
    struct err_info e = {0};
    struct str text, query, allow;
    bool is_given = false;
    struct api_cursor back;
    FUZZ_CHECK(api_route_find(req, &allow, &e) == OK, "%s", e.message);
    (void)str_split(req->target, '?', &query);
    FUZZ_CHECK(api_params_parse(query, req->route->params, FUZZ_NOW_NS, req->arena, &req->params, &e) == OK, "%s", e.message);
    FUZZ_CHECK(api_cursor_write(req, c, &text, &e) == OK, "%s", e.message);
    const struct str sent = arena_printf(req->arena, "%.*scursor=%.*s", STR_ARG(query), STR_ARG(text));
    FUZZ_CHECK(api_params_parse(sent, req->route->params, FUZZ_NOW_NS, req->arena, &req->params, &e) == OK, "%s", e.message);
    FUZZ_CHECK(api_cursor_read(req, &is_given, &back, &e) == OK && is_given, "%s", e.message);
    FUZZ_CHECK(back.window.range.start_ns == c->window.range.start_ns && back.window.range.end_ns == c->window.range.end_ns &&
               back.window.is_default == c->window.is_default && back.number == c->number && str_equal(back.key, c->key),
               "what is read is not what was written");
    return text;
}

static void ask(const struct buf *target)
{
    stub_db = (struct stub_db){.outcome = OK, .refuses_text = true};
    struct api_req req = {.method = STR("GET"), .target = buf_str(target)};
    stub_dispatch(&req);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_input_of(data, size);
    AUTO(arena) struct arena arena;
    AUTO(buf) struct buf target;
    arena_init(&arena, ARENA_BYTES);
    buf_init(&target, TARGET_MAX_BYTES);
    const struct api_route *const route = paged_route(fuzz_byte(&in));
    put_target(&target, route);
    const uint8_t flags = fuzz_byte(&in);
    if ((flags & 1) != 0) {
        BUF_LITERAL(&target, "cursor=");
        buf_puts(&target, fuzz_bytes(&in, TARGET_MAX_BYTES / 2));
    } else {
        struct api_cursor c = {.window = {{(int64_t)fuzz_u64(&in), (int64_t)fuzz_u64(&in)}, (flags & 2) != 0}};
        c.number = (int64_t)fuzz_u64(&in);
        c.key = fuzz_bytes(&in, API_CURSOR_KEY_MAX_BYTES);
        struct api_req req = {.world = stub_world(), .method = STR("GET"), .arena = &arena, .target = arena_copy(&arena, buf_str(&target))};
        const struct str text = write_and_read(&req, &c);
        BUF_LITERAL(&target, "cursor=");
        buf_puts(&target, text);
    }
    ask(&target);
    return 0;
}
