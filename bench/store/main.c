/* Makes traces as a store would hold them, as a binary COPY stream: store N [FIRST] [SEED].
 *
 * 20 services, 50 operations, a tenth failed, over the day before now; each of 60 shapes of call has a centre of its own on the unit
 * sphere, and each trace lies around the centre of its shape (cosine about 0.7 to it), with an embedding given to it. The same
 * number and seed make the same trace, whatever N. For: \copy traces (...) FROM PROGRAM, with the columns that --columns prints. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/embedding.h"
#include "db/copyrow.h"

enum { N_SERVICES = 20, N_OPERATIONS = 50, N_SHAPES = 60, ROW_MAX_BYTES = 1 << 16, TRACE_ID_BYTES = 16, N_COLUMNS = 15 };
static const char columns[] = "trace_id, service, name, start_time, end_time, start_ns, end_ns, duration_ms, status, span_count,"
                              " error_count, attributes, embedding, embedding_model, embedding_generated_at";
static const double NOISE = 1.0;
static const double TAU = 6.283185307179586;

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state)
{
    return ((double)(next_random(state) >> 11) + 0.5) * 0x1p-53;
}

/* Box and Muller's method, two at a time. */
static void put_normal(uint64_t *state, float *out)
{
    for (size_t i = 0; i < EMBEDDING_DIMENSIONS; i += 2) {
        const double radius = sqrt(-2 * log(uniform(state)));
        const double angle = TAU * uniform(state);
        out[i] = (float)(radius * cos(angle));
        out[i + 1] = (float)(radius * sin(angle));
    }
}

static void normalise(float *v, double length)
{
    double sum = 0;
    for (size_t i = 0; i < EMBEDDING_DIMENSIONS; i++)
        sum += (double)v[i] * (double)v[i];
    for (size_t i = 0; i < EMBEDDING_DIMENSIONS; i++)
        v[i] = (float)((double)v[i] * length / sqrt(sum));
}

static void make_centres(uint64_t seed, float (*centres)[EMBEDDING_DIMENSIONS])
{
    uint64_t state = seed;
    for (size_t i = 0; i < N_SHAPES; i++) {
        put_normal(&state, centres[i]);
        normalise(centres[i], 1);
    }
}

static void put_text(struct buf *out, const char *format, unsigned n)
{
    char text[32];
    (void)snprintf(text, sizeof text, format, n);
    db_copyrow_text(out, str_of(text));
}

static void put_trace(struct buf *out, uint64_t number, uint64_t seed, float (*centres)[EMBEDDING_DIMENSIONS], int64_t now_ns)
{
    uint64_t state = seed ^ (number * UINT64_C(0xd1342543de82ef95));
    const unsigned shape = (unsigned)(next_random(&state) % N_SHAPES);
    const bool has_failed = shape % 10 == 0;
    const int64_t start_ns = now_ns - (int64_t)(uniform(&state) * (double)NS_PER_DAY);
    const int64_t duration_ns = (int64_t)(-log(uniform(&state)) * 50 * (double)NS_PER_MS);
    uint64_t id[2] = {next_random(&state), number};
    float vector[EMBEDDING_DIMENSIONS];
    put_normal(&state, vector);
    normalise(vector, NOISE);
    for (size_t i = 0; i < EMBEDDING_DIMENSIONS; i++)
        vector[i] += centres[shape][i];
    db_copyrow_start(out, N_COLUMNS);
    db_copyrow_bytes(out, (const uint8_t *)id, TRACE_ID_BYTES);
    put_text(out, "service-%02u", shape % N_SERVICES);
    put_text(out, "operation %02u", shape % N_OPERATIONS);
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
    db_copyrow_text(out, STR("given"));
    db_copyrow_time(out, now_ns);
}

static bool flush(struct buf *out)
{
    const bool is_ok = buf_is_ok(out) && fwrite(out->data, 1, out->len, stdout) == out->len;
    buf_clear(out);
    return is_ok;
}

int main(int argc, char **argv)
{
    static float centres[N_SHAPES][EMBEDDING_DIMENSIONS];
    uint64_t n = 0, first = 0, seed = 1;
    if (argc == 2 && strcmp(argv[1], "--columns") == 0)
        return puts(columns) >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    if (argc < 2 || !str_to_u64(str_of(argv[1]), &n) || (argc > 2 && !str_to_u64(str_of(argv[2]), &first)) ||
        (argc > 3 && !str_to_u64(str_of(argv[3]), &seed)))
        return fputs("usage: store N [FIRST] [SEED] | --columns\n", stderr), 2;
    AUTO(buf) struct buf out;
    buf_init(&out, ROW_MAX_BYTES);
    const int64_t now_ns = clock_wall_ns();
    make_centres(seed, centres);
    db_copyrow_begin(&out);
    bool is_ok = flush(&out);
    for (uint64_t i = 0; i < n && is_ok; i++) {
        put_trace(&out, first + i, seed, centres, now_ns);
        is_ok = flush(&out);
    }
    db_copyrow_end(&out);
    return is_ok && flush(&out) && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
