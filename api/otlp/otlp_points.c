/* Rows for metrics and their points. */
#include <stddef.h>

#include "api/otlp/otlp_state.h"
#include "core/hash.h"
#include "core/hex.h"

/* --- metrics */

void api_otlp_metric_begin(struct api_otlp_state *o)
{
    struct api_otlp_metric_place *const m = &o->metric;
    memset(m, 0, offsetof(struct api_otlp_metric_place, metadata));
    m->name = m->description = m->unit = STR("");
    m->first_point = o->out->points.n;
    api_otlp_clear(&m->metadata);
    if (db_batch_add_metric(o->out) == NULL)
        api_otlp_full(o);
}

/* The kinds are a oneof: the last one sent counts. */
static void begin_kind(struct api_otlp_state *o, enum db_metric_kind kind)
{
    if (o->metric.kind != kind) {
        o->out->points.n = o->metric.first_point;
        o->metric.temporality = 0;
        o->metric.is_monotonic = false;
    }
    o->metric.kind = kind;
}

void api_otlp_gauge_begin(struct api_otlp_state *o)
{
    begin_kind(o, DB_METRIC_GAUGE);
}

void api_otlp_sum_begin(struct api_otlp_state *o)
{
    begin_kind(o, DB_METRIC_SUM);
}

void api_otlp_histogram_begin(struct api_otlp_state *o)
{
    begin_kind(o, DB_METRIC_HISTOGRAM);
}

void api_otlp_exponential_begin(struct api_otlp_state *o)
{
    begin_kind(o, DB_METRIC_EXPONENTIAL_HISTOGRAM);
}

void api_otlp_summary_begin(struct api_otlp_state *o)
{
    begin_kind(o, DB_METRIC_SUMMARY);
}

static int64_t metric_id(struct api_otlp_state *o, const struct db_metric *row)
{
    struct buf *const b = &o->scratch;
    buf_clear(b);
    api_otlp_hash_text(b, row->name);
    api_otlp_hash_text(b, row->unit);
    api_otlp_hash_text(b, row->description);
    api_otlp_hash_text(b, row->metadata);
    buf_putc(b, (char)row->kind);
    buf_putc(b, (char)row->temporality);
    buf_putc(b, (char)row->is_monotonic);
    return (int64_t)hash64(api_otlp_hashed(o), 0);
}

static void fill_metric(struct api_otlp_state *o, struct db_metric *row)
{
    const struct api_otlp_metric_place *const m = &o->metric;
    row->name = m->name;
    row->unit = m->unit;
    row->description = m->description;
    row->kind = m->kind;
    row->temporality = (uint8_t)m->temporality;
    row->is_monotonic = m->is_monotonic;
    if (m->metadata.text.len > 0)
        row->metadata = api_otlp_keep_in(o, &m->metadata.text, '{', '}');
    row->raw = m->raw;
    row->metric_id = metric_id(o, row);
    for (size_t i = m->first_point; i < o->out->points.n; i++)
        o->out->points.items[i].raw = m->raw;
}

void api_otlp_metric_end(struct api_otlp_state *o)
{
    const struct api_otlp_metric_place *const m = &o->metric;
    const char *const fault = m->name.len == 0         ? "a metric must have a name"
                              : m->metadata.too_deep ? "a metric's metadata is nested deeper than 64 levels"
                                                     : NULL;
    const size_t n_points = o->out->points.n - m->first_point;
    if (fault != NULL && n_points > 0) {
        api_otlp_reject(o, (int64_t)n_points, fault);
        o->out->points.n = m->first_point;
    }
    if (o->out->points.n == m->first_point)
        o->out->metrics.n--;
    else
        fill_metric(o, &o->out->metrics.items[o->out->metrics.n - 1]);
}

/* --- points */

void api_otlp_point_begin(struct api_otlp_state *o)
{
    struct api_otlp_point_place *const p = &o->point;
    memset(p, 0, offsetof(struct api_otlp_point_place, attributes));
    api_otlp_clear(&p->attributes);
    struct buf *const texts[] = {&p->counts,    &p->bounds,          &p->quantiles,      &p->exemplars,
                                 &p->trace_ids, &p->positive.counts, &p->negative.counts};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        buf_clear(texts[i]);
    p->positive.offset = p->negative.offset = 0;
}

void api_otlp_positive_begin(struct api_otlp_state *o)
{
    o->point.has_positive = true;
}

void api_otlp_negative_begin(struct api_otlp_state *o)
{
    o->point.has_negative = true;
}

void api_otlp_quantile_begin(struct api_otlp_state *o)
{
    o->point.quantile = o->point.quantile_value = (struct api_otlp_number){.has = true};
}

void api_otlp_quantile_end(struct api_otlp_state *o)
{
    struct buf *const b = &o->point.quantiles;
    api_otlp_comma(b);
    BUF_LITERAL(b, "{\"quantile\":");
    api_otlp_put_number(b, &o->point.quantile);
    BUF_LITERAL(b, ",\"value\":");
    api_otlp_put_number(b, &o->point.quantile_value);
    buf_putc(b, '}');
}

static void put_trace_id(struct buf *b, const struct api_otlp_id *id)
{
    if (api_otlp_id_is_good(id, DB_TRACE_ID_BYTES))
        buf_put(b, id->bytes, DB_TRACE_ID_BYTES);
}

void api_otlp_exemplar_begin(struct api_otlp_state *o)
{
    struct api_otlp_exemplar_place *const x = &o->exemplar;
    memset(x, 0, offsetof(struct api_otlp_exemplar_place, attributes));
    api_otlp_clear(&x->attributes);
}

void api_otlp_exemplar_end(struct api_otlp_state *o)
{
    const struct api_otlp_exemplar_place *const x = &o->exemplar;
    struct buf *const b = &o->point.exemplars;
    api_otlp_comma(b);
    BUF_LITERAL(b, "{\"time_unix_nano\":\"");
    buf_put_i64(b, api_otlp_i64(x->time));
    BUF_LITERAL(b, "\",\"value\":");
    api_otlp_put_number(b, &x->value);
    api_otlp_put_id(b, STR("trace_id"), &x->trace_id, DB_TRACE_ID_BYTES);
    api_otlp_put_id(b, STR("span_id"), &x->span_id, DB_SPAN_ID_BYTES);
    api_otlp_put_attributes(b, STR("attributes"), &x->attributes);
    buf_putc(b, '}');
    put_trace_id(&o->point.trace_ids, &x->trace_id);
    o->point.too_deep |= x->attributes.too_deep;
}

static void put_list(struct buf *out, struct str key, const struct buf *list)
{
    api_otlp_comma(out);
    api_otlp_put_text(out, key);
    BUF_LITERAL(out, ":[");
    buf_puts(out, buf_str(list));
    buf_putc(out, ']');
    out->failed = out->failed || !buf_is_ok(list);
}

static void put_buckets(struct buf *out, struct str key, const struct api_otlp_buckets_place *buckets)
{
    api_otlp_comma(out);
    api_otlp_put_text(out, key);
    BUF_LITERAL(out, ":{\"offset\":");
    buf_put_i64(out, buckets->offset);
    put_list(out, STR("bucket_counts"), &buckets->counts);
    buf_putc(out, '}');
}

static void put_exponential(struct buf *out, const struct api_otlp_point_place *p)
{
    BUF_LITERAL(out, "\"scale\":");
    buf_put_i64(out, p->scale);
    BUF_LITERAL(out, ",\"zero_count\":");
    buf_put_u64(out, p->zero_count);
    BUF_LITERAL(out, ",\"zero_threshold\":");
    api_otlp_put_double(out, p->zero_threshold.real);
    if (p->has_positive)
        put_buckets(out, STR("positive"), &p->positive);
    if (p->has_negative)
        put_buckets(out, STR("negative"), &p->negative);
}

/* What a kind of point has beyond numbers of its own; absent for gauges and sums. */
static struct str point_detail(struct api_otlp_state *o)
{
    const struct api_otlp_point_place *const p = &o->point;
    struct buf *const out = &o->scratch;
    buf_clear(out);
    switch (o->metric.kind) {
    case DB_METRIC_GAUGE:
    case DB_METRIC_SUM: return (struct str){NULL, 0};
    case DB_METRIC_HISTOGRAM:
        put_list(out, STR("bucket_counts"), &p->counts);
        put_list(out, STR("explicit_bounds"), &p->bounds);
        break;
    case DB_METRIC_EXPONENTIAL_HISTOGRAM: put_exponential(out, p); break;
    case DB_METRIC_SUMMARY: put_list(out, STR("quantiles"), &p->quantiles); break;
    }
    return api_otlp_keep_in(o, out, '{', '}');
}

static double number_of(const struct api_otlp_number *n)
{
    return n->is_int ? (double)n->integer : n->real;
}

static void fill_numbers(struct db_point *row, const struct api_otlp_point_place *p, enum db_metric_kind kind)
{
    row->flags = p->flags;
    row->has_value = p->value.has;
    row->value_is_int = p->value.is_int;
    row->value = number_of(&p->value);
    row->value_int = p->value.integer;
    row->has_count = kind != DB_METRIC_GAUGE && kind != DB_METRIC_SUM;
    row->count = p->count;
    /* A summary's sum has no presence of its own. */
    row->has_sum = p->sum.has || kind == DB_METRIC_SUMMARY;
    row->sum = p->sum.real;
    row->has_min = p->min.has;
    row->min = p->min.real;
    row->has_max = p->max.has;
    row->max = p->max.real;
}

static void fill_trace_ids(struct api_otlp_state *o, struct db_point *row)
{
    const struct str bytes = api_otlp_keep(o, &o->point.trace_ids);
    const size_t n = bytes.len / DB_TRACE_ID_BYTES;
    struct str *const ids = n == 0 ? NULL : arena_calloc(o->arena, n, sizeof *ids);
    if (n > 0 && ids == NULL)
        api_otlp_full(o);
    if (ids == NULL)
        return;
    for (size_t i = 0; i < n; i++)
        ids[i] = (struct str){bytes.ptr + i * DB_TRACE_ID_BYTES, DB_TRACE_ID_BYTES};
    row->trace_ids = ids;
    row->n_trace_ids = n;
}

static void fill_point(struct api_otlp_state *o, struct db_point *row)
{
    struct api_otlp_point_place *const p = &o->point;
    struct api_otlp_id named = {.n = DB_TRACE_ID_BYTES};
    if (hex_parse(p->attributes.watched, named.bytes, sizeof named.bytes))
        put_trace_id(&p->trace_ids, &named);
    row->time_ns = (int64_t)p->time;
    row->start_ns = p->start > INT64_MAX ? 0 : (int64_t)p->start;
    row->metric = (uint32_t)(o->out->metrics.n - 1);
    row->resource = (uint32_t)o->at_resource.resource;
    row->scope = (uint32_t)o->at_scope.scope;
    fill_numbers(row, p, o->metric.kind);
    row->attributes = api_otlp_keep_in(o, &p->attributes.text, '{', '}');
    row->detail = point_detail(o);
    if (p->exemplars.len > 0)
        row->exemplars = api_otlp_keep_in(o, &p->exemplars, '[', ']');
    fill_trace_ids(o, row);
}

void api_otlp_point_end(struct api_otlp_state *o)
{
    const struct api_otlp_point_place *const p = &o->point;
    const char *const fault = p->attributes.too_deep || p->too_deep ? "a data point's attribute is nested deeper than 64 levels"
                                                                    : api_otlp_time_fault(o, p->time);
    if (fault != NULL) {
        api_otlp_reject(o, 1, fault);
        return;
    }
    struct db_point *const row = db_batch_add_point(o->out);
    if (row == NULL)
        api_otlp_full(o);
    else
        fill_point(o, row);
}

static void hash_point(struct api_otlp_state *o, struct db_point *row)
{
    struct buf *const b = &o->scratch;
    buf_clear(b);
    buf_put_be64(b, (uint64_t)o->out->metrics.items[row->metric].metric_id);
    buf_put_be64(b, (uint64_t)o->out->resources.items[row->resource].resource_id);
    buf_put_be64(b, (uint64_t)o->out->scopes.items[row->scope].scope_id);
    buf_put_be64(b, (uint64_t)row->start_ns);
    buf_put_be64(b, (uint64_t)row->time_ns);
    api_otlp_hash_text(b, row->attributes);
    hash128(api_otlp_hashed(o), row->point_id);
}

void api_otlp_points_finish(struct api_otlp_state *o)
{
    for (size_t i = 0; i < o->out->points.n; i++)
        hash_point(o, &o->out->points.items[i]);
}
