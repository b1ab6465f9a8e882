#include <stdio.h>

#include "bench/store/random.h"
#include "bench/store/table.h"
#include "bench/store/vectors.h"
#include "core/clock.h"
#include "db/assemble/trace_merge.h"
#include "db/write/copyrow.h"

#define COLUMNS                                                                                                      \
    "trace_id, service, name, start_time, end_time, start_ns, end_ns, duration_ms, status, span_count, error_count,"  \
    " attributes, embedding, embedding_model, embedding_generated_at"
enum { N_COLUMNS = 15 };

static void put_text(struct buf *out, const char *format, unsigned n)
{
    char text[32];
    (void)snprintf(text, sizeof text, format, n);
    db_copyrow_text(out, str_of(text));
}

static bool put_vectors(struct job *j, uint64_t number)
{
    struct buf *const out = &j->out;
    uint64_t state = random_state(j->store.seed, number);
    const unsigned shape = random_below(&state, VECTORS_CENTRES);
    const bool has_failed = shape % 10 == 0;
    const int64_t start_ns = j->store.now_ns - (int64_t)(random_uniform(&state) * (double)NS_PER_DAY);
    const int64_t duration_ns = (int64_t)random_wait(&state, 50 * (double)NS_PER_MS);
    const uint64_t id[2] = {random_next(&state), number};
    float vector[EMBEDDING_DIMENSIONS];
    vectors_around(shape, &state, vector);
    db_copyrow_start(out, N_COLUMNS);
    db_copyrow_bytes(out, (const uint8_t *)id, DB_TRACE_ID_BYTES);
    put_text(out, "service-%02u", shape % WORLD_SERVICES);
    put_text(out, "operation %02u", shape % WORLD_OPERATIONS);
    db_copyrow_time(out, start_ns);
    db_copyrow_time(out, start_ns + duration_ns);
    db_copyrow_i64(out, start_ns);
    db_copyrow_i64(out, start_ns + duration_ns);
    db_copyrow_f64(out, (double)duration_ns / (double)NS_PER_MS);
    db_copyrow_text(out, has_failed ? STR("error") : STR("ok"));
    db_copyrow_i32(out, 0);
    db_copyrow_i32(out, has_failed);
    db_copyrow_json(out, STR("{}"));
    db_copyrow_vector(out, vector, EMBEDDING_DIMENSIONS);
    db_copyrow_text(out, STR(DB_EMBEDDING_MODEL_GIVEN));
    db_copyrow_time(out, j->store.now_ns);
    return true;
}

const struct table table_vectors = {"vectors", TABLE_COLUMNS(COLUMNS), put_vectors, NULL};
