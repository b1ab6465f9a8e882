/* Rows for resources and scopes, and the rules for items that are alike in every signal. */
#include "api/otlp/otlp_state.h"
#include "core/hash.h"

static struct api_otlp_mark mark_here(const struct db_batch *b)
{
    return (struct api_otlp_mark){b->resources.n, b->scopes.n, b->metrics.n, b->spans.n, b->logs.n, b->points.n};
}

static size_t n_items_from(const struct db_batch *b, const struct api_otlp_mark *mark)
{
    return b->spans.n - mark->span + b->logs.n - mark->log + b->points.n - mark->point;
}

static void cut_to(struct db_batch *b, const struct api_otlp_mark *mark)
{
    b->resources.n = mark->resource;
    b->scopes.n = mark->scope;
    b->metrics.n = mark->metric;
    b->spans.n = mark->span;
    b->logs.n = mark->log;
    b->points.n = mark->point;
}

static void drop_from(struct api_otlp_state *o, const struct api_otlp_mark *mark, const char *why)
{
    const size_t n = n_items_from(o->out, mark);
    if (n > 0)
        api_otlp_reject(o, (int64_t)n, why);
    cut_to(o->out, mark);
}

bool api_otlp_id_is_zero(const struct api_otlp_id *id)
{
    static const uint8_t zeros[sizeof id->bytes];
    return id->n <= sizeof zeros && memcmp(id->bytes, zeros, id->n) == 0;
}

bool api_otlp_id_is_good(const struct api_otlp_id *id, size_t n)
{
    return id->n == n && !api_otlp_id_is_zero(id);
}

/* Whether the day is one of those that the request may have; the newest is looked at first, as items follow each other in time. */
static bool day_is_taken(struct api_otlp_state *o, int64_t day)
{
    for (size_t i = o->n_days; i > 0; i--)
        if (o->days[i - 1] == day)
            return true;
    if (o->n_days == API_OTLP_DAYS_MAX)
        return false;
    o->days[o->n_days++] = day;
    return true;
}

const char *api_otlp_time_fault(struct api_otlp_state *o, uint64_t time)
{
    if (time == 0)
        return "the time is missing or 0: give nanoseconds since 1970";
    if (time > INT64_MAX || (int64_t)time > o->in->now_ns + API_OTLP_AHEAD_MAX_NS)
        return "the time is more than a day in the future: check the unit (nanoseconds) and the sender's clock";
    if (o->in->retention_ns > 0 && (int64_t)time < o->in->now_ns - o->in->retention_ns)
        return "the time is older than what this service keeps: send newer items, or raise TRACEKIN_RETENTION";
    if (!day_is_taken(o, clock_day((int64_t)time)))
        return "the request has items of more than 32 days: send fewer days at a time";
    return NULL;
}

void api_otlp_resource_begin(struct api_otlp_state *o)
{
    struct api_otlp_resource_place *const r = &o->resource;
    r->raw = r->schema_url = STR("");
    r->n_dropped = 0;
    api_otlp_clear(&r->attributes);
    o->at_resource = mark_here(o->out);
    /* The row comes first, for its index: its fields may follow the items. */
    if (db_batch_add_resource(o->out) == NULL)
        api_otlp_full(o);
}

static int64_t resource_id(struct api_otlp_state *o, const struct db_resource *row)
{
    struct buf *const b = &o->scratch;
    buf_clear(b);
    api_otlp_hash_text(b, row->service);
    api_otlp_hash_text(b, row->attributes);
    api_otlp_hash_text(b, row->schema_url);
    buf_put_be32(b, row->n_dropped_attributes);
    return (int64_t)hash64(api_otlp_hashed(o), 0);
}

void api_otlp_resource_end(struct api_otlp_state *o)
{
    const struct api_otlp_resource_place *const r = &o->resource;
    struct db_resource *const row = &o->out->resources.items[o->at_resource.resource];
    const struct str service = r->attributes.watched;
    if (r->attributes.too_deep)
        drop_from(o, &o->at_resource, "a resource attribute is nested deeper than 64 levels");
    if (n_items_from(o->out, &o->at_resource) == 0) {
        cut_to(o->out, &o->at_resource);
        return;
    }
    row->raw = r->raw;
    row->service = service.len == 0 ? STR("unknown_service") : api_otlp_text(o, service, API_OTLP_NAME_MAX_BYTES);
    row->attributes = api_otlp_keep_in(o, &r->attributes.text, '{', '}');
    row->schema_url = r->schema_url;
    row->n_dropped_attributes = r->n_dropped;
    row->resource_id = resource_id(o, row);
}

void api_otlp_scope_begin(struct api_otlp_state *o)
{
    struct api_otlp_scope_place *const s = &o->scope;
    s->raw = s->name = s->version = s->schema_url = STR("");
    s->n_dropped = 0;
    api_otlp_clear(&s->attributes);
    o->at_scope = mark_here(o->out);
    if (db_batch_add_scope(o->out) == NULL)
        api_otlp_full(o);
}

static int64_t scope_id(struct api_otlp_state *o, const struct db_scope *row)
{
    struct buf *const b = &o->scratch;
    buf_clear(b);
    api_otlp_hash_text(b, row->name);
    api_otlp_hash_text(b, row->version);
    api_otlp_hash_text(b, row->attributes);
    api_otlp_hash_text(b, row->schema_url);
    buf_put_be32(b, row->n_dropped_attributes);
    return (int64_t)hash64(api_otlp_hashed(o), 0);
}

void api_otlp_scope_end(struct api_otlp_state *o)
{
    const struct api_otlp_scope_place *const s = &o->scope;
    struct db_scope *const row = &o->out->scopes.items[o->at_scope.scope];
    if (s->attributes.too_deep)
        drop_from(o, &o->at_scope, "a scope attribute is nested deeper than 64 levels");
    if (n_items_from(o->out, &o->at_scope) == 0) {
        cut_to(o->out, &o->at_scope);
        return;
    }
    row->raw = s->raw;
    row->name = s->name;
    row->version = s->version;
    row->attributes = api_otlp_keep_in(o, &s->attributes.text, '{', '}');
    row->schema_url = s->schema_url;
    row->n_dropped_attributes = s->n_dropped;
    row->scope_id = scope_id(o, row);
}
