#include "db/chunk/chunk_find.h"

#include "core/clock.h"

/* The grams of words, of which there are few, come last; each of the others is in most chunks. */
enum { GRAMS_MAX = 64 };
/* Chunks are apart by about the time between two rows; to read so small a part more costs less than another statement. */
enum { GAP_SHARE = 8 };

/* One snapshot of all, for an arrival may become a chunk at any time. Only the partitions' time may be looked up besides the
 * grams: + 0 keeps other indexes out. */
#define CHUNKS(noun, which)                                                                                          \
    "SELECT from_ns, to_ns, n_rows FROM " noun "_chunks WHERE time BETWEEN $1 AND $2 AND " which                     \
    " AND from_ns + 0 <= $4 AND to_ns >= $3"
#define FIND(noun, order)                                                                                            \
    CHUNKS(noun, "grams @> $5") " UNION ALL " CHUNKS(noun, "grams IS NULL")                                          \
    " UNION ALL SELECT from_ns, to_ns, n_rows FROM " noun "_arrivals WHERE from_ns <= $4 AND to_ns >= $3"            \
    " ORDER BY " order " LIMIT $6"

/* By whether the oldest come first. */
static const struct db_statement statements[DB_CHUNKED_TABLES][2] = {
    [DB_CHUNKED_LOGS] = {{"find_log_chunks", FIND("log", "to_ns DESC")}, {"find_log_chunks", FIND("log", "from_ns")}},
    [DB_CHUNKED_ERRORS] = {{"find_error_chunks", FIND("error", "to_ns DESC")}, {"find_error_chunks", FIND("error", "from_ns")}},
};
enum column { FROM_NS, TO_NS, N_ROWS };

/* The planner knows nothing of how long it takes to unpack the grams of every chunk. */
static const char begin_sql[] = "BEGIN READ ONLY; SET LOCAL enable_seqscan = off";

static enum err run(struct db_conn *c, const struct db_wait *wait, const struct db_statement *s, const struct db_params *p,
                    struct db_result **out, struct err_info *e)
{
    TRY(db_exec(c, wait, begin_sql, NULL, e));
    enum err code = db_run(c, wait, s, p, out, e);
    if (code == OK)
        code = db_exec(c, wait, "COMMIT", NULL, e);
    if (code != OK)
        db_rollback(c, wait);
    return code;
}

/* Chunks lie within a day, so those that reach into the window begin on its first day at the earliest. */
static enum err put_params(struct db_params *p, struct arena *arena, const struct grams *wanted, struct db_window window,
                           struct err_info *e)
{
    int32_t *const grams = arena_calloc(arena, GRAMS_MAX, sizeof *grams);
    if (grams == NULL)
        return ERR_SET_NOMEM(e);
    db_put_time(p, clock_day(window.start_ns) * NS_PER_DAY);
    db_put_time(p, window.end_ns - 1);
    db_put_i64(p, window.start_ns);
    db_put_i64(p, window.end_ns - 1);
    db_put_i32_array(p, grams, grams_last(wanted, grams, GRAMS_MAX));
    db_put_i64(p, DB_CHUNK_FIND_MAX);
    return OK;
}

/* The part of a row's range that is in the window. */
static struct db_chunk_range range_of(const struct db_result *r, int row, struct db_window window)
{
    const int64_t from_ns = db_get_i64(r, row, FROM_NS);
    const int64_t to_ns = db_get_i64(r, row, TO_NS);
    return (struct db_chunk_range){.window = {from_ns > window.start_ns ? from_ns : window.start_ns,
                                              to_ns < window.end_ns ? to_ns + 1 : window.end_ns},
                                   .n_rows = db_get_i64(r, row, N_ROWS)};
}

/* Whether the next range begins within the one before it, in order, or hardly after it. */
static bool is_near(struct db_window before, struct db_window next, bool oldest_first)
{
    const int64_t gap_ns = oldest_first ? next.start_ns - before.end_ns : before.start_ns - next.end_ns;
    return gap_ns <= (before.end_ns - before.start_ns) / GAP_SHARE;
}

static void add(struct db_chunk_ranges *out, struct db_chunk_range next, bool oldest_first)
{
    struct db_chunk_range *const before = out->n == 0 ? NULL : &out->items[out->n - 1];
    if (before == NULL || !is_near(before->window, next.window, oldest_first)) {
        out->items[out->n++] = next;
        return;
    }
    before->window = db_window_hull(before->window, next.window);
    before->n_rows += next.n_rows;
}

enum err db_chunk_find(struct db_conn *c, const struct db_wait *wait, struct arena *arena, enum db_chunked table,
                       const struct grams *wanted, struct db_window window, bool oldest_first, struct db_chunk_ranges *out,
                       struct err_info *e)
{
    struct db_params p;
    AUTO(db_result) struct db_result *r = NULL;
    db_params_init(&p, arena);
    TRY(put_params(&p, arena, wanted, window, e));
    TRY(run(c, wait, &statements[table][oldest_first], &p, &r, e));
    out->n = 0;
    for (int row = 0; row < db_n_rows(r); row++)
        add(out, range_of(r, row, window), oldest_first);
    out->is_all = db_n_rows(r) < DB_CHUNK_FIND_MAX;
    return OK;
}
