#include "db/assemble/assemble_errors.h"

#include "core/clock.h"
#include "core/hash.h"
#include "core/shape.h"

/* What one source tells of a span. */
struct told {
    enum db_error_source source;
    int64_t time_ns;
    struct str type, message;
};

/* The errors being collected; those of the current span begin at first. */
struct collection {
    const struct db_assemble_input *in;
    struct db_trace_error *items;
    size_t n, first;
};

static struct str choose(struct str a, struct str b)
{
    return a.len > 0 ? a : b;
}

static bool is_same(const struct db_trace_error *known, const struct told *t)
{
    const bool types_agree = known->type.len == 0 || t->type.len == 0 || str_equal(known->type, t->type);
    return types_agree && (str_contains(known->message, t->message) || str_contains(t->message, known->message));
}

/* An exception's own words are the most exact; else the first that has any. */
static void merge(struct db_trace_error *known, const struct told *t)
{
    const bool is_better = t->source == DB_ERROR_SPAN_EVENT && known->source == DB_ERROR_SPAN_STATUS;
    known->message = is_better ? choose(t->message, known->message) : choose(known->message, t->message);
    known->type = choose(known->type, t->type);
    if (t->time_ns < known->told_ns)
        known->told_ns = t->time_ns;
}

static void tell(struct collection *c, const struct db_assemble_span *span, const struct told *t)
{
    for (size_t i = c->first; i < c->n; i++) {
        if (is_same(&c->items[i], t)) {
            merge(&c->items[i], t);
            return;
        }
    }
    if (c->n - c->first == DB_ASSEMBLE_SPAN_ERRORS_MAX)
        return;
    c->items[c->n++] = (struct db_trace_error){
        .trace_id = c->in->trace_id,
        .span_id = span->span_id,
        .service = span->service,
        .name = span->name,
        .type = choose(t->type, STR("")),
        .message = choose(t->message, STR("")),
        .source = t->source,
        .start_ns = span->start_ns,
        .told_ns = t->time_ns,
        .has_duration = true,
        .duration_ms = (double)(span->end_ns - span->start_ns) / (double)NS_PER_MS,
    };
}

static void tell_of_span(struct collection *c, const struct db_assemble_span *s)
{
    if (s->status == SHAPE_STATUS_ERROR)
        tell(c, s, &(struct told){DB_ERROR_SPAN_STATUS, s->end_ns, STR(""), s->status_message});
    for (size_t i = 0; i < s->n_events; i++)
        tell(c, s, &(struct told){DB_ERROR_SPAN_EVENT, s->events[i].time_ns, s->events[i].type, s->events[i].message});
}

/* A log whose span did not come stands for itself: it says its own service and time. */
static void tell_of_stray_log(struct collection *c, const struct db_assemble_log *l)
{
    const struct db_assemble_span itself = {
        .span_id = l->span_id, .service = l->service, .name = l->name, .start_ns = l->time_ns, .end_ns = l->time_ns};
    c->first = c->n;
    tell(c, &itself, &(struct told){DB_ERROR_LOG, l->time_ns, l->type, l->message});
    c->items[c->n - 1].has_duration = false;
    memcpy(c->items[c->n - 1].error_id, l->log_id.ptr, sizeof c->items->error_id);
}

/* The same error of a span gets the same id whenever its trace is assembled; a stray log has the log's. */
static bool identify(struct db_trace_error *error, struct arena *arena)
{
    const struct str content = arena_printf(arena, "%zu:%.*s%zu:%.*s%.*s%lld", error->type.len, STR_ARG(error->type),
                                            error->message.len, STR_ARG(error->message), STR_ARG(error->service),
                                            (long long)error->start_ns);
    char *const key = arena_alloc(arena, error->trace_id.len + error->span_id.len + content.len);
    if (key == NULL || content.ptr == NULL)
        return false;
    memcpy(key, error->trace_id.ptr, error->trace_id.len);
    if (error->span_id.len > 0)
        memcpy(key + error->trace_id.len, error->span_id.ptr, error->span_id.len);
    memcpy(key + error->trace_id.len + error->span_id.len, content.ptr, content.len);
    hash128((struct str){key, error->trace_id.len + error->span_id.len + content.len}, error->error_id);
    return true;
}

/* Orders logs by span, for one pass beside the spans: next[l] is the log of the same span after l, head[s] the first. */
static void chain_logs(const struct db_assemble_input *in, const size_t *span_of_log, size_t *head, size_t *next)
{
    for (size_t s = 0; s < in->n_spans; s++)
        head[s] = SIZE_MAX;
    for (size_t l = in->n_logs; l > 0; l--) {
        const size_t s = span_of_log[l - 1];
        if (s == SIZE_MAX)
            continue;
        next[l - 1] = head[s];
        head[s] = l - 1;
    }
}

static size_t n_tellings_max(const struct db_assemble_input *in)
{
    size_t n = in->n_logs;
    for (size_t i = 0; i < in->n_spans; i++)
        n += in->spans[i].n_events + (in->spans[i].status == SHAPE_STATUS_ERROR ? 1 : 0);
    return n;
}

static void collect(struct collection *c, const size_t *span_of_log, const size_t *head, const size_t *next, size_t *first)
{
    const struct db_assemble_input *const in = c->in;
    for (size_t s = 0; s < in->n_spans; s++) {
        c->first = c->n;
        tell_of_span(c, &in->spans[s]);
        for (size_t l = head[s]; l != SIZE_MAX; l = next[l])
            tell(c, &in->spans[s],
                 &(struct told){DB_ERROR_LOG, in->logs[l].time_ns, in->logs[l].type, in->logs[l].message});
        first[s] = c->n > c->first ? c->first : SIZE_MAX;
    }
    for (size_t l = 0; l < in->n_logs; l++)
        if (span_of_log[l] == SIZE_MAX)
            tell_of_stray_log(c, &in->logs[l]);
}

enum err db_assemble_errors(const struct db_assemble_input *in, const size_t *span_of_log, struct arena *arena,
                            size_t *first, struct db_assemble_output *out, struct err_info *e)
{
    struct collection c = {.in = in, .items = arena_calloc(arena, n_tellings_max(in), sizeof *c.items)};
    size_t *const head = arena_calloc(arena, in->n_spans, sizeof *head);
    size_t *const next = arena_calloc(arena, in->n_logs, sizeof *next);
    if (c.items == NULL || head == NULL || next == NULL)
        return ERR_SET_NOMEM(e);
    chain_logs(in, span_of_log, head, next);
    collect(&c, span_of_log, head, next, first);
    for (size_t i = 0; i < c.n; i++)
        if (c.items[i].has_duration && !identify(&c.items[i], arena))
            return ERR_SET_NOMEM(e);
    out->errors = c.items;
    out->n_errors = c.n;
    return OK;
}
