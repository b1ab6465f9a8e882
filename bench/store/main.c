/* Makes a store as the service would hold it, table by table, each a binary COPY stream: store TABLE N [SEED] [NOW_NS].
 *
 * N traces with their spans, logs, errors, patterns and operations, and as many metric points, over the day before now, of the
 * company of world.h; the same number, seed and time make the same rows, so that the tables, made by as many processes, fit each
 * other. What the service derives of spans and logs is derived by its own functions (derive.h). For
 * \copy TABLE (COLUMNS) FROM PROGRAM, with the columns that `store --columns TABLE` prints.
 *
 * Of traces there are three kinds: "traces" have the built-in embedder's vectors, as the service gives them; "traces_given" the same
 * rows with vectors as a client would give them, each another, around a centre a shape (vectors.h); "vectors N [FIRST] [SEED]"
 * only what a search for similar traces reads, at any time of the day. `store days` makes the partitions, in the database of
 * TRACEKIN_DATABASE_URL; `store word N` prints the N-th most frequent word of the logs. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/store/table.h"
#include "bench/store/vectors.h"
#include "core/clock.h"
#include "db/schema/partition.h"
#include "db/write/copyrow.h"
#include "db/write/store.h"

enum { ROW_MAX_BYTES = 1 << 20, TRACE_MAX_BYTES = 1 << 22, FLUSH_BYTES = 1 << 18, DAYS_TIMEOUT_S = 60 };

static const struct table *const tables[] = {
    &table_resources, &table_scopes,       &table_metrics, &table_spans,    &table_logs,       &table_points,
    &table_traces,    &table_traces_given, &table_errors,  &table_patterns, &table_operations, &table_vectors,
};

static const struct table *table_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        if (strcmp(name, tables[i]->name) == 0)
            return tables[i];
    return NULL;
}

static int print_columns(const char *name)
{
    const struct table *const table = table_of(name);
    if (table == NULL)
        return EXIT_FAILURE;
    const struct str columns = table->columns.ptr == NULL ? signals_columns(name) : table->columns;
    return printf("%.*s\n", STR_ARG(columns)) > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int print_word(const char *number)
{
    char room[16];
    uint64_t n;
    if (!str_to_u64(str_of(number), &n) || n < 1 || n > WORLD_WORDS)
        return EXIT_FAILURE;
    return printf("%.*s\n", STR_ARG(world_word((unsigned)n - 1, room))) > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int make_days(const char *url)
{
    AUTO(db_conn) struct db_conn *c = db_conn_new(url, "store");
    const struct db_wait wait = {.deadline_ns = clock_mono_ns() + DAYS_TIMEOUT_S * NS_PER_S, .wake_fd = -1};
    const int64_t today = clock_day(clock_wall_ns());
    struct err_info e = {.code = OK};
    bool is_ok = c != NULL && db_conn_open(c, &wait, &e) == OK;
    for (size_t i = 0; i < DB_STORES && is_ok; i++)
        for (int64_t day = today - 1; day <= today && is_ok; day++)
            is_ok = db_partition_make(c, &wait, db_stores[i]->table, day, &e) == OK;
    if (!is_ok)
        (void)fprintf(stderr, "store: no partitions: %s %s\n", e.message, e.detail);
    return is_ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* --- the stream */

static bool flush(struct buf *out)
{
    const bool is_ok = buf_is_ok(out) && fwrite(out->data, 1, out->len, stdout) == out->len;
    buf_clear(out);
    return is_ok;
}

static bool put_all(struct job *j, const struct table *table, uint64_t first)
{
    bool is_ok = true;
    db_copyrow_begin(&j->out);
    for (uint64_t i = 0; table->put != NULL && i < j->store.n_traces && is_ok; i++) {
        is_ok = table->put(j, first + i) && (j->out.len < FLUSH_BYTES || flush(&j->out));
        arena_close(&j->arena);
    }
    if (table->end != NULL)
        table->end(j);
    db_copyrow_end(&j->out);
    return is_ok && flush(&j->out) && fflush(stdout) == 0;
}

static int usage(void)
{
    (void)fputs("usage: store TABLE N [SEED] [NOW_NS] | vectors N [FIRST] [SEED] | --columns TABLE | days | word N\n", stderr);
    return 2;
}

static int run(const struct table *table, uint64_t n, const uint64_t *more)
{
    static struct job j;
    const bool is_vectors = table == &table_vectors;
    const uint64_t first = is_vectors ? more[0] : 0;
    const uint64_t seed = is_vectors ? more[1] : more[0];
    j.store = (struct store){.n_traces = n, .seed = seed == 0 ? 1 : seed, .now_ns = clock_wall_ns()};
    if (!is_vectors && more[1] != 0)
        j.store.now_ns = (int64_t)more[1];
    j.has_given = table == &table_traces_given;
    buf_init(&j.out, ROW_MAX_BYTES);
    arena_init(&j.arena, TRACE_MAX_BYTES);
    arena_init(&j.kept, SIZE_MAX);
    vectors_init(j.store.seed);
    const bool is_ok = world_init(&j.store.world, j.store.seed, &j.kept) && put_all(&j, table, first);
    arena_close(&j.kept);
    arena_close(&j.arena);
    buf_close(&j.out);
    return is_ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    uint64_t n = 0, more[2] = {0, 0};
    const char *const url = getenv("TRACEKIN_DATABASE_URL");
    if (argc == 2 && strcmp(argv[1], "days") == 0 && url != NULL)
        return make_days(url);
    if (argc == 3 && strcmp(argv[1], "--columns") == 0)
        return print_columns(argv[2]);
    if (argc == 3 && strcmp(argv[1], "word") == 0)
        return print_word(argv[2]);
    const struct table *const table = argc >= 3 && argc <= 5 ? table_of(argv[1]) : NULL;
    if (table == NULL || !str_to_u64(str_of(argv[2]), &n) || (argc > 3 && !str_to_u64(str_of(argv[3]), &more[0])) ||
        (argc > 4 && !str_to_u64(str_of(argv[4]), &more[1])))
        return usage();
    return run(table, n, more);
}
