#include "bench/store/trace.h"

#include "bench/store/random.h"
#include "core/clock.h"
#include "core/hash.h"
#include "core/hex.h"

enum { FAIL_ONE_IN = 10, LOGS_MAX = 3, UNTRACED_ONE_IN = 20, USERS = 50000, BODY_MAX_BYTES = 1024 };
enum { STATUS_UNSET, STATUS_OK, STATUS_ERROR };

/* '#' is a number, '@' a word, '$' an id. */
static const struct {
    uint8_t severity;
    const char *name, *text;
} lines[] = {
    {9, "INFO", "request # accepted for user u-# from session $"},
    {9, "INFO", "order # stored: @ @ @"},
    {9, "INFO", "payment # captured in # ms"},
    {9, "INFO", "sent mail about @ to customer #"},
    {9, "INFO", "item @ @ moved to shelf #"},
    {5, "DEBUG", "cache miss for key $, loading @"},
    {5, "DEBUG", "plan for @ @ @ @ costs #"},
    {9, "INFO", "job @ finished after # steps"},
    {13, "WARN", "slow query on @: # ms, retrying"},
    {13, "WARN", "queue @ is # messages behind"},
    {9, "INFO", "user u-# changed @ to @"},
    {13, "WARN", "deprecated field @ in a call of @"},
};

/* --- spans */

void trace_begin(struct trace *t, const struct store *store, uint64_t number)
{
    *t = (struct trace){.number = number, .state = random_state(store->seed, number)};
    const uint64_t id[] = {random_next(&t->state), random_next(&t->state)};
    memcpy(t->trace_id, id, sizeof t->trace_id);
    t->shape = random_below(&t->state, WORLD_SHAPES);
    const unsigned which = random_below(&t->state, WORLD_ERRORS_OF_SHAPE);
    if (random_below(&t->state, FAIL_ONE_IN) == 0) {
        t->outcome = 1 + which;
        t->error = &store->world.errors[store->world.shapes[t->shape].errors[which]];
    }
    const double share = ((double)number + random_uniform(&t->state)) / (double)store->n_traces;
    t->start_ns = store->now_ns - NS_PER_DAY + (int64_t)(share * (double)NS_PER_DAY);
    t->duration_ns = NS_PER_MS + (int64_t)random_wait(&t->state, 50 * (double)NS_PER_MS);
}

/* Within its parent, if it has one. */
static void time_span(struct trace *t, struct db_span *s, const struct db_span *parent)
{
    s->start_ns = t->start_ns;
    s->end_ns = t->start_ns + t->duration_ns;
    if (parent == NULL)
        return;
    const double room = (double)(parent->end_ns - parent->start_ns);
    s->start_ns = parent->start_ns + (int64_t)(random_uniform(&t->state) * 0.4 * room);
    s->end_ns = s->start_ns + (int64_t)(random_uniform(&t->state) * 0.6 * room);
}

static struct str attributes_of(struct trace *t, const struct world_operation *op, bool is_root, struct arena *arena)
{
    if (!is_root)
        return arena_printf(arena, "{%s}", op->attributes);
    const unsigned user = random_below(&t->state, USERS);
    return arena_printf(arena, "{%s, \"http.response.status_code\": %d, \"user.id\": \"u-%u\", \"client.address\": \"10.%u.%u.%u\"}",
                        op->attributes, t->error == NULL ? 200 : 500, user, user >> 16 & 255, user >> 8 & 255, user & 255);
}

static struct str exception_of(const struct trace *t, const struct db_span *s, struct arena *arena)
{
    return arena_printf(arena, "[{\"time_unix_nano\": \"%lld\", \"name\": \"exception\", \"attributes\": {\"exception.type\": \"%.*s\","
                        " \"exception.message\": \"%.*s\"}, \"dropped_attributes_count\": 0}]", (long long)s->end_ns,
                        STR_ARG(t->error->type), STR_ARG(t->error->message));
}

/* Whether the call is the one that failed, or waited for it. */
static bool has_failed(const struct trace *t, const struct world_shape *shape, int call)
{
    int at = t->error == NULL ? -1 : shape->n_calls - 1;
    while (at > call)
        at = shape->calls[at].parent;
    return at == call;
}

static void make_span(struct trace *t, const struct world_shape *shape, int call, struct arena *arena)
{
    const struct world_call *const of = &shape->calls[call];
    const struct world_operation *const op = &world_operations[of->operation];
    struct db_span *const spans = t->batch.spans.items;
    struct db_span *const s = &spans[call];
    const uint64_t id = random_next(&t->state);
    const bool is_failed = has_failed(t, shape, call);
    memcpy(s->trace_id, t->trace_id, sizeof s->trace_id);
    memcpy(s->span_id, &id, sizeof s->span_id);
    s->has_parent = of->parent >= 0;
    if (s->has_parent)
        memcpy(s->parent_span_id, spans[of->parent].span_id, sizeof s->parent_span_id);
    time_span(t, s, s->has_parent ? &spans[of->parent] : NULL);
    s->kind = op->kind;
    s->status = is_failed ? STATUS_ERROR : call == 0 ? STATUS_OK : STATUS_UNSET;
    s->resource = of->service;
    s->name = str_of(op->name);
    s->attributes = attributes_of(t, op, call == 0, arena);
    if (!is_failed)
        return;
    s->status_message = t->error->message;
    if (call == shape->n_calls - 1)
        s->events = exception_of(t, s, arena);
}

/* --- logs */

static void put_slot(struct trace *t, struct buf *out, char slot)
{
    char room[16];
    if (slot == '@') {
        buf_puts(out, world_word_any(&t->state, room));
    } else if (slot == '#') {
        buf_put_i64(out, random_below(&t->state, 100000));
    } else {
        const uint64_t id = random_next(&t->state);
        hex_put(out, (const uint8_t *)&id, sizeof id);
    }
}

static struct str body_of(struct trace *t, const char *text, struct arena *arena)
{
    AUTO(buf) struct buf body;
    buf_init(&body, BODY_MAX_BYTES);
    for (; *text != '\0'; text++)
        if (strchr("#@$", *text) != NULL)
            put_slot(t, &body, *text);
        else
            buf_putc(&body, *text);
    return buf_is_ok(&body) ? arena_copy(arena, buf_str(&body)) : (struct str){NULL, 0};
}

static struct db_log *add_log(struct trace *t, const struct db_span *s, uint8_t severity, const char *name)
{
    struct db_log *const l = db_batch_add_log(&t->batch);
    if (l == NULL)
        return NULL;
    const uint64_t place[] = {t->number, t->batch.logs.n, random_next(&t->state)};
    hash128((struct str){(const char *)place, sizeof place}, l->log_id);
    l->has_trace = l->has_span = true;
    memcpy(l->trace_id, s->trace_id, sizeof l->trace_id);
    memcpy(l->span_id, s->span_id, sizeof l->span_id);
    l->time_ns = s->start_ns + (int64_t)(random_uniform(&t->state) * (double)(s->end_ns - s->start_ns));
    l->observed_ns = l->time_ns + NS_PER_MS;
    l->severity = severity;
    l->severity_text = str_of(name);
    l->resource = s->resource;
    l->attributes = STR("{}");
    return l;
}

static bool make_line(struct trace *t, const struct world_shape *shape, struct arena *arena)
{
    const size_t line = random_below(&t->state, ARRAY_LEN(lines));
    const struct db_span *const s = &t->batch.spans.items[random_below(&t->state, (unsigned)shape->n_calls)];
    struct db_log *const l = add_log(t, s, lines[line].severity, lines[line].name);
    if (l == NULL)
        return false;
    l->has_trace = l->has_span = random_below(&t->state, UNTRACED_ONE_IN) > 0;
    l->body = body_of(t, lines[line].text, arena);
    l->attributes = arena_printf(arena, "{\"code.line.number\": %u, \"thread.name\": \"worker-%u\"}",
                                 100 + (unsigned)line, random_below(&t->state, 8));
    return l->body.ptr != NULL && l->attributes.ptr != NULL;
}

static bool make_logs(struct trace *t, const struct world_shape *shape, struct arena *arena)
{
    bool is_ok = true;
    for (unsigned n = 1 + random_below(&t->state, LOGS_MAX); n > 0 && is_ok; n--)
        is_ok = make_line(t, shape, arena);
    if (t->error == NULL || !is_ok)
        return is_ok;
    struct db_log *const l = add_log(t, &t->batch.spans.items[shape->n_calls - 1], 17, "ERROR");
    if (l == NULL)
        return false;
    l->body = arena_printf(arena, "giving up on request %u: %.*s", random_below(&t->state, 100000), STR_ARG(t->error->message));
    return l->body.ptr != NULL;
}

/* --- both */

static bool is_whole(const struct db_batch *b)
{
    for (size_t i = 0; i < b->spans.n; i++)
        if (b->spans.items[i].attributes.ptr == NULL)
            return false;
    return true;
}

bool trace_make(struct trace *t, struct store *store, uint64_t number, struct arena *arena)
{
    trace_begin(t, store, number);
    const struct world_shape *const shape = &store->world.shapes[t->shape];
    struct db_batch *const b = &t->batch;
    db_batch_init(b, arena, DB_SIGNAL_TRACES, DB_ENCODING_PROTOBUF);
    b->resources.items = store->world.resources;
    b->resources.n = WORLD_SERVICES;
    b->scopes.items = store->world.scopes;
    b->scopes.n = ARRAY_LEN(store->world.scopes);
    for (int i = 0; i < shape->n_calls; i++)
        if (db_batch_add_span(b) == NULL)
            return false;
    for (int i = 0; i < shape->n_calls; i++)
        make_span(t, shape, i, arena);
    return is_whole(b) && make_logs(t, shape, arena);
}
