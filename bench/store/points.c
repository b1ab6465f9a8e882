#include "bench/store/points.h"

#include "bench/store/random.h"
#include "core/clock.h"
#include "core/hash.h"
#include "core/hex.h"

enum { N_BOUNDS = 9, REQUESTS_PER_S = 3 };
enum metric { DURATION, REQUESTS, MEMORY, DEPTH, CONNECTIONS };

static struct str detail_of(uint64_t *state, uint64_t *count, struct arena *arena)
{
    uint64_t n[N_BOUNDS + 1];
    *count = 0;
    for (size_t i = 0; i < ARRAY_LEN(n); i++)
        *count += n[i] = random_below(state, 100);
    return arena_printf(arena, "{\"bucket_counts\": [%d, %d, %d, %d, %d, %d, %d, %d, %d, %d], \"explicit_bounds\":"
                        " [5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0]}", (int)n[0], (int)n[1], (int)n[2],
                        (int)n[3], (int)n[4], (int)n[5], (int)n[6], (int)n[7], (int)n[8], (int)n[9]);
}

static bool put_exemplar(struct db_point *p, const struct trace *t, struct arena *arena)
{
    AUTO(buf) struct buf hex;
    buf_init(&hex, 2 * DB_TRACE_ID_BYTES);
    hex_put(&hex, t->trace_id, sizeof t->trace_id);
    struct str *const id = arena_alloc(arena, sizeof *id);
    if (id == NULL || !buf_is_ok(&hex))
        return false;
    *id = arena_copy(arena, (struct str){(const char *)t->trace_id, sizeof t->trace_id});
    p->exemplars = arena_printf(arena, "[{\"value\": %.3f, \"trace_id\": \"%.*s\", \"span_id\": \"\", \"attributes\": {},"
                                " \"time_unix_nano\": \"%lld\"}]", (double)t->duration_ns / (double)NS_PER_MS,
                                STR_ARG(buf_str(&hex)), (long long)t->start_ns);
    p->trace_ids = id;
    p->n_trace_ids = 1;
    return id->ptr != NULL && p->exemplars.ptr != NULL;
}

static bool put_durations(struct db_point *p, const struct trace *t, uint64_t *state, struct arena *arena)
{
    p->has_count = p->has_sum = true;
    p->detail = detail_of(state, &p->count, arena);
    p->sum = (double)p->count * 50 * random_uniform(state);
    return p->detail.ptr != NULL && put_exemplar(p, t, arena);
}

static void put_number(struct db_point *p, enum metric metric, int64_t begun_ns, uint64_t *state)
{
    static const unsigned most[] = {[DEPTH] = 500, [CONNECTIONS] = 20};
    p->has_value = p->value_is_int = true;
    if (metric == REQUESTS)
        p->value_int = (p->time_ns - begun_ns) / NS_PER_S * REQUESTS_PER_S;
    else if (metric == MEMORY)
        p->value_int = 200000000 + (int64_t)random_below(state, 50000000);
    else
        p->value_int = random_below(state, most[metric]);
    p->value = (double)p->value_int;
}

bool point_make(struct db_batch *out, struct store *store, uint64_t number, struct arena *arena)
{
    struct trace of;
    const int64_t begun_ns = store->now_ns - NS_PER_DAY;
    const uint64_t key[] = {store->seed, number};
    trace_begin(&of, store, number);
    db_batch_init(out, arena, DB_SIGNAL_METRICS, DB_ENCODING_PROTOBUF);
    out->metrics.items = store->world.metrics;
    out->metrics.n = WORLD_METRICS;
    out->resources.items = store->world.resources;
    out->scopes.items = store->world.scopes;
    struct db_point *const p = db_batch_add_point(out);
    if (p == NULL)
        return false;
    p->metric = (uint32_t)(number % WORLD_METRICS);
    p->resource = (uint32_t)(number / WORLD_METRICS % WORLD_SERVICES);
    p->time_ns = of.start_ns + of.duration_ns;
    p->start_ns = p->metric == REQUESTS || p->metric == DURATION ? begun_ns : 0;
    p->attributes = STR("{}");
    hash128((struct str){(const char *)key, sizeof key}, p->point_id);
    if (p->metric == DURATION)
        return put_durations(p, &of, &of.state, arena);
    put_number(p, (enum metric)p->metric, begun_ns, &of.state);
    return true;
}
