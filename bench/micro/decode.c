#include <jansson.h>
#include <zlib.h>

#include "api/otlp/otlp.h"
#include "api/request/inflate.h"
#include "bench/micro/cases.h"
#include "otlp.pb-c.h"

enum { PLAIN_MAX_BYTES = 64 << 20, ARENA_MAX_BYTES = 1 << 30, GZIP_WINDOW_BITS = 15 + 16 };

struct work {
    enum db_signal signal;
    enum micro_encoding encoding;
    struct str body;
    size_t n_plain_bytes;
    size_t n_items;
    int64_t now_ns;
};

static const ProtobufCMessageDescriptor *const messages[MICRO_SIGNALS] = {
    [DB_SIGNAL_TRACES] = &otlp__export_trace_service_request__descriptor,
    [DB_SIGNAL_LOGS] = &otlp__export_logs_service_request__descriptor,
    [DB_SIGNAL_METRICS] = &otlp__export_metrics_service_request__descriptor,
};

static enum err decode(const void *arg, struct err_info *e)
{
    const struct work *const w = arg;
    AUTO(arena) struct arena arena;
    AUTO(buf) struct buf plain;
    arena_init(&arena, ARENA_MAX_BYTES);
    buf_init(&plain, PLAIN_MAX_BYTES);
    struct api_otlp_input in = {.signal = w->signal,
                                .encoding = w->encoding == MICRO_JSON ? DB_ENCODING_JSON : DB_ENCODING_PROTOBUF,
                                .body = w->body,
                                .now_ns = w->now_ns};
    if (w->encoding == MICRO_GZIP) {
        TRY(api_inflate(w->body, &plain, e));
        in.body = buf_str(&plain);
    }
    struct db_batch batch;
    struct api_otlp_rejects rejects;
    TRY(api_otlp_decode(&in, &arena, &batch, &rejects, e));
    const size_t n = batch.spans.n + batch.logs.n + batch.points.n;
    return n == w->n_items ? OK : ERR_SET(e, ERR_INVALID, "%zu items were decoded, not %zu", n, w->n_items);
}

/* --- protobuf-c */

static enum err unpack(const struct work *w, struct str body, ProtobufCAllocator *allocator, struct err_info *e)
{
    ProtobufCMessage *const message =
        protobuf_c_message_unpack(messages[w->signal], allocator, body.len, (const uint8_t *)body.ptr);
    if (message == NULL)
        return ERR_SET(e, ERR_INVALID, "protobuf-c cannot decode it");
    protobuf_c_message_free_unpacked(message, allocator);
    return OK;
}

static enum err protobuf_c(const void *arg, struct err_info *e)
{
    const struct work *const w = arg;
    return unpack(w, w->body, NULL, e);
}

static void *from_arena(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void to_arena(void *arena, void *p)
{
    (void)arena;
    (void)p;
}

/* As fast as it can be: its messages come of an arena too. */
static enum err protobuf_c_arena(const void *arg, struct err_info *e)
{
    const struct work *const w = arg;
    AUTO(arena) struct arena arena;
    arena_init(&arena, ARENA_MAX_BYTES);
    ProtobufCAllocator allocator = {from_arena, to_arena, &arena};
    return unpack(w, w->body, &allocator, e);
}

static enum err zlib_protobuf_c(const void *arg, struct err_info *e)
{
    const struct work *const w = arg;
    AUTO(buf) struct buf plain;
    buf_init(&plain, PLAIN_MAX_BYTES);
    z_stream z = {.avail_in = (uInt)w->body.len, .avail_out = (uInt)w->n_plain_bytes};
    z.next_in = (z_const Bytef *)w->body.ptr;
    z.next_out = (Bytef *)buf_reserve(&plain, w->n_plain_bytes);
    if (z.next_out == NULL || inflateInit2(&z, GZIP_WINDOW_BITS) != Z_OK)
        return ERR_SET_NOMEM(e);
    const int ended = inflate(&z, Z_FINISH);
    (void)inflateEnd(&z);
    if (ended != Z_STREAM_END)
        return ERR_SET(e, ERR_INVALID, "zlib cannot inflate it");
    buf_advance(&plain, w->n_plain_bytes);
    return unpack(w, buf_str(&plain), NULL, e);
}

/* --- jansson */

static enum err jansson(const void *arg, struct err_info *e)
{
    const struct work *const w = arg;
    json_t *const tree = json_loadb(w->body.ptr, w->body.len, 0, NULL);
    if (tree == NULL)
        return ERR_SET(e, ERR_INVALID, "jansson cannot read it");
    json_decref(tree);
    return OK;
}

/* --- the cases */

static const char *const names[MICRO_SIGNALS][MICRO_ENCODINGS] = {
    {"traces, protobuf", "traces, gzip and protobuf", "traces, JSON"},
    {"logs, protobuf", "logs, gzip and protobuf", "logs, JSON"},
    {"metrics, protobuf", "metrics, gzip and protobuf", "metrics, JSON"},
};
static const char *const items[MICRO_SIGNALS] = {"spans", "logs", "points"};

static const struct {
    enum micro_encoding encoding;
    const char *by;
    enum err (*run)(const void *arg, struct err_info *e);
} decoders[] = {
    {MICRO_PROTOBUF, "tracekin", decode},
    {MICRO_PROTOBUF, "protobuf-c", protobuf_c},
    {MICRO_PROTOBUF, "protobuf-c in an arena", protobuf_c_arena},
    {MICRO_GZIP, "tracekin", decode},
    {MICRO_GZIP, "zlib and protobuf-c", zlib_protobuf_c},
    {MICRO_JSON, "tracekin", decode},
    {MICRO_JSON, "jansson", jansson},
};

static void add(struct micro_list *list, const struct work *works, enum db_signal signal)
{
    for (size_t i = 0; i < ARRAY_LEN(decoders); i++) {
        const struct work *const w = &works[decoders[i].encoding];
        micro_list_add(list, &(struct micro_case){names[signal][w->encoding], decoders[i].by, items[signal], w->n_plain_bytes, w->n_items,
                                                  decoders[i].run, w});
    }
}

static enum err add_signal(struct micro_list *list, const struct micro_input *in, enum db_signal signal, struct arena *arena,
                           struct err_info *e)
{
    struct work *const works = arena_calloc(arena, MICRO_ENCODINGS, sizeof *works);
    if (works == NULL)
        return ERR_SET_NOMEM(e);
    const struct str *const bodies = in->bodies[signal];
    for (size_t i = 0; i < MICRO_ENCODINGS; i++) {
        const size_t n_plain_bytes = bodies[i == MICRO_GZIP ? MICRO_PROTOBUF : i].len;
        works[i] = (struct work){signal, (enum micro_encoding)i, bodies[i], n_plain_bytes, in->n_items, in->now_ns};
    }
    add(list, works, signal);
    return OK;
}

enum err micro_decode_add(struct micro_list *list, const struct micro_input *in, struct arena *arena, struct err_info *e)
{
    TRY(add_signal(list, in, DB_SIGNAL_TRACES, arena, e));
    TRY(add_signal(list, in, DB_SIGNAL_LOGS, arena, e));
    return add_signal(list, in, DB_SIGNAL_METRICS, arena, e);
}
