#include "db/chunk/chunk_build.h"

#include "core/clock.h"
#include "db/schema/partition.h"
#include "db/session/advisory.h"
#include "db/session/types.h"

/* A text is of DB_CHUNK_TEXT_MAX_BYTES at most, so a reading's rows are few. */
enum { ARENA_MAX_BYTES = 1 << 20, READ_ROWS = 256, ARRIVALS_MAX = 4096 };
/* More grams than these tell texts that have nothing in common: to index them would cost more than to read the chunk. */
enum { GRAMS_MAX = 1 << 15, GRAM_BYTES = 64 }; /* of an arena, on its way into a parameter */

/* Of the chunks and arrivals of a noun: log_chunks, log_arrivals. */
#define WAITING(noun)                                                                                                       \
    "SELECT coalesce(sum(n_rows), 0)::bigint, min(arrived_at),"                                                             \
    " min(from_ns) FILTER (WHERE arrived_at <= clock_timestamp() - $1 * interval '1 ms'),"                                  \
    " (clock_timestamp() - min(arrived_at) >= $1 * interval '1 ms' AND sum(n_rows) >= $2)"                                  \
    " OR clock_timestamp() - min(arrived_at) >= greatest($1, $3) * interval '1 ms' FROM " noun "_arrivals"
/* Arrivals of a day with the chunk that each begins in or after. */
#define ARRIVED(noun)                                                                                                       \
    "SELECT a.from_ns, a.to_ns, a.n_rows, c.from_ns, c.to_ns, c.n_rows FROM (SELECT * FROM " noun "_arrivals"               \
    " WHERE from_ns BETWEEN $1 AND $2 AND arrived_at <= clock_timestamp() - $5 * interval '1 ms' ORDER BY from_ns LIMIT $6)" \
    " AS a LEFT JOIN LATERAL (SELECT from_ns, to_ns, n_rows FROM " noun "_chunks WHERE time BETWEEN $3 AND $4"              \
    " AND from_ns <= a.from_ns ORDER BY from_ns DESC LIMIT 1) AS c ON true ORDER BY a.from_ns"
#define COVERED(noun)                                                                                                       \
    "SELECT max(to_ns), sum(n_rows)::bigint FROM " noun "_chunks WHERE time BETWEEN $3 AND $4 AND from_ns BETWEEN $1 AND $2"
#define ADD(noun) "INSERT INTO " noun "_chunks (time, from_ns, to_ns, n_rows, grams) VALUES ($1, $2, $3, $4, $5)"
#define DROP_CHUNKS(noun) \
    "DELETE FROM " noun "_chunks WHERE time BETWEEN $3 AND $4 AND from_ns BETWEEN $1 AND $2 AND to_ns <= $2"
#define DROP_ARRIVALS(noun) "DELETE FROM " noun "_arrivals WHERE from_ns BETWEEN $1 AND $2 AND to_ns <= $2"
#define ADD_ARRIVAL(noun) "INSERT INTO " noun "_arrivals (from_ns, to_ns, n_rows, arrived_at) VALUES ($1, $2, $3, $4)"
#define BOUNDED(text) "CASE WHEN octet_length(" text ") <= " TEXT_OF(TEXT_MAX) " THEN " text " END"
#define TEXT_MAX 1048576
_Static_assert(TEXT_MAX == DB_CHUNK_TEXT_MAX_BYTES, "the header's bound");

/* The columns that all read statements begin with; a NULL as the text is one too long. */
enum read_column { READ_NS, READ_ID, READ_TEXT, READ_SERVICE, READ_REST };

static void add_log(struct grams *g, const struct db_result *r, int row)
{
    db_chunk_add_log(g, db_get_str(r, row, READ_SERVICE), db_get_i64(r, row, READ_REST), db_get_str(r, row, READ_TEXT));
}

static void add_error(struct grams *g, const struct db_result *r, int row)
{
    db_chunk_add_error(g, db_get_str(r, row, READ_SERVICE), db_get_str(r, row, READ_REST), db_get_str(r, row, READ_REST + 1),
                       db_get_str(r, row, READ_TEXT));
}

struct chunked {
    const char *chunks;
    struct db_statement waiting, arrived, covered, read, add, drop_chunks, drop_arrivals, add_arrival;
    void (*add_row)(struct grams *g, const struct db_result *r, int row);
};

/* Rows after $2, $3 up to $5, in order; $1 and $4, the same in microseconds, are for the partitions. */
#define READ_LOGS                                                                                                           \
    "SELECT time_ns, log_id, " BOUNDED("body") ", service, severity FROM logs WHERE time >= $1 AND time <= $4"              \
    " AND (time, time_ns, log_id) > ($1, $2, $3) AND time_ns <= $5 ORDER BY time, time_ns, log_id LIMIT $6"
#define READ_ERRORS                                                                                                         \
    "SELECT start_ns, error_id, " BOUNDED("message") ", service, name, type FROM errors"                                    \
    " WHERE start_time >= $1 AND start_time <= $4 AND (start_ns, error_id) > ($2, $3) AND start_ns <= $5 ORDER BY start_ns, error_id LIMIT $6"

#define CHUNKED(noun, read_sql, add_row_fn)                                                                                 \
    {                                                                                                                       \
        .chunks = noun "_chunks", .waiting = {noun "_chunks_waiting", WAITING(noun)},                                       \
        .arrived = {noun "_chunks_arrived", ARRIVED(noun)}, .covered = {noun "_chunks_covered", COVERED(noun)},             \
        .read = {noun "_chunks_read", read_sql}, .add = {noun "_chunks_add", ADD(noun)},                                    \
        .drop_chunks = {noun "_chunks_drop", DROP_CHUNKS(noun)},                                                            \
        .drop_arrivals = {noun "_arrivals_drop", DROP_ARRIVALS(noun)},                                                      \
        .add_arrival = {noun "_arrivals_add", ADD_ARRIVAL(noun)}, .add_row = (add_row_fn),                                  \
    }
static const struct chunked tables[DB_CHUNKED_TABLES] = {
    [DB_CHUNKED_LOGS] = CHUNKED("log", READ_LOGS, add_log),
    [DB_CHUNKED_ERRORS] = CHUNKED("error", READ_ERRORS, add_error),
};

/* A round under way. */
struct round {
    const struct chunked *table;
    struct db_conn *conn;
    const struct db_wait *wait;
    struct grams *grams;
    int64_t day;
    int64_t from_ns, to_ns; /* the range, in the day */
    int64_t n_expected;     /* rows in it, as far as is known */
    int64_t since_ns;       /* when the first of what waits arrived */
    int64_t n_read, n_chunks;
    int64_t chunk_from_ns, chunk_to_ns, n_in_chunk; /* the one being filled */
    bool is_unsure;                                 /* a text of it was not looked into */
};

enum err db_chunk_lead(struct db_conn *c, const struct db_wait *wait, bool *is_leader, struct err_info *e)
{
    TRY(db_conn_open(c, wait, e));
    db_conn_keep(c);
    return db_advisory_try(c, wait, DB_ADVISORY_CHUNKS, is_leader, e);
}

/* --- which range */

static int64_t day_start_ns(const struct round *r)
{
    return r->day * NS_PER_DAY;
}

static int64_t day_end_ns(const struct round *r)
{
    return day_start_ns(r) + NS_PER_DAY - 1;
}

static void put_range(struct db_params *p, const struct round *r, int64_t from_ns, int64_t to_ns)
{
    db_put_i64(p, from_ns);
    db_put_i64(p, to_ns);
    db_put_time(p, day_start_ns(r));
    db_put_time(p, day_end_ns(r));
}

enum arrived_column { FROM_NS, TO_NS, N_ROWS, CHUNK_FROM_NS, CHUNK_TO_NS, CHUNK_N_ROWS };

/* The chunk before the first arrival is built anew with it when it reaches into it, or is so small that it should grow. */
static void reach_back(struct round *r, const struct db_result *arrived)
{
    if (db_is_null(arrived, 0, CHUNK_FROM_NS))
        return;
    const bool reaches = db_get_i64(arrived, 0, CHUNK_TO_NS) >= r->from_ns;
    if (!reaches && db_get_i64(arrived, 0, CHUNK_N_ROWS) >= DB_CHUNK_ROWS / 2)
        return;
    r->from_ns = db_get_i64(arrived, 0, CHUNK_FROM_NS);
}

/* Arrivals up to the next chunk that lies between two of them: what is between others can only be what they tell of. */
static void join_arrivals(struct round *r, const struct db_result *arrived)
{
    r->from_ns = db_get_i64(arrived, 0, FROM_NS);
    r->to_ns = r->from_ns;
    for (int row = 0; row < db_n_rows(arrived) && r->n_expected < DB_CHUNK_ROUND_ROWS; row++) {
        const int64_t to_ns = db_get_i64(arrived, row, TO_NS);
        if (db_get_i64(arrived, row, CHUNK_FROM_NS) != db_get_i64(arrived, 0, CHUNK_FROM_NS))
            break;
        r->to_ns = to_ns > r->to_ns ? to_ns : r->to_ns;
        r->n_expected += db_get_i64(arrived, row, N_ROWS);
    }
    reach_back(r, arrived);
}

/* Chunks that begin in the range are built anew, so it holds the last of them whole. */
static enum err join_chunks(struct round *r, struct arena *arena, struct err_info *e)
{
    struct db_params p;
    AUTO(db_result) struct db_result *covered = NULL;
    db_params_init(&p, arena);
    put_range(&p, r, r->from_ns, r->to_ns);
    TRY(db_run(r->conn, r->wait, &r->table->covered, &p, &covered, e));
    if (!db_is_null(covered, 0, 0) && db_get_i64(covered, 0, 0) > r->to_ns)
        r->to_ns = db_get_i64(covered, 0, 0);
    r->n_expected += db_get_i64(covered, 0, 1);
    return OK;
}

static enum err choose_range(struct round *r, int64_t settled_ms, bool *is_found, struct err_info *e)
{
    AUTO(arena) struct arena arena;
    AUTO(db_result) struct db_result *arrived = NULL;
    struct db_params p;
    arena_init(&arena, ARENA_MAX_BYTES);
    db_params_init(&p, &arena);
    put_range(&p, r, day_start_ns(r), day_end_ns(r));
    db_put_i64(&p, settled_ms);
    db_put_i64(&p, ARRIVALS_MAX);
    TRY(db_run(r->conn, r->wait, &r->table->arrived, &p, &arrived, e));
    *is_found = db_n_rows(arrived) > 0;
    if (!*is_found)
        return OK;
    join_arrivals(r, arrived);
    return join_chunks(r, &arena, e);
}

/* --- its chunks */

static enum err put_grams(struct db_params *p, const struct round *r, struct arena *arena, struct err_info *e)
{
    const size_t n = grams_count(r->grams);
    if (r->is_unsure || n > GRAMS_MAX) {
        db_put_null(p, DB_OID_INT4_ARRAY);
        return OK;
    }
    int32_t *const grams = arena_calloc(arena, n + 1, sizeof *grams);
    if (grams == NULL)
        return ERR_SET_NOMEM(e);
    db_put_i32_array(p, grams, grams_last(r->grams, grams, n));
    return OK;
}

static enum err end_chunk(struct round *r, struct err_info *e)
{
    AUTO(arena) struct arena arena;
    struct db_params p;
    arena_init(&arena, ARENA_MAX_BYTES + GRAMS_MAX * GRAM_BYTES);
    db_params_init(&p, &arena);
    if (r->n_in_chunk == 0)
        return OK;
    if (!grams_is_ok(r->grams))
        return ERR_SET_NOMEM(e);
    db_put_time(&p, r->chunk_from_ns);
    db_put_i64(&p, r->chunk_from_ns);
    db_put_i64(&p, r->chunk_to_ns);
    db_put_i64(&p, r->n_in_chunk);
    TRY(put_grams(&p, r, &arena, e));
    TRY(db_run(r->conn, r->wait, &r->table->add, &p, NULL, e));
    grams_clear(r->grams);
    r->n_in_chunk = 0;
    r->is_unsure = false;
    r->n_chunks++;
    return OK;
}

/* The rows of a range in equal parts, so that one row too many does not become a chunk of its own. */
static int64_t rows_per_chunk(const struct round *r)
{
    const int64_t n_chunks = (r->n_expected + DB_CHUNK_ROWS / 2) / DB_CHUNK_ROWS;
    return n_chunks == 0 ? DB_CHUNK_ROWS : (r->n_expected + n_chunks - 1) / n_chunks;
}

/* A chunk ends where time goes on, so that no two share an instant. *is_full: the round has read enough. */
static enum err take_row(struct round *r, const struct db_result *rows, int row, bool *is_full, struct err_info *e)
{
    const int64_t ns = db_get_i64(rows, row, READ_NS);
    if (r->n_in_chunk >= rows_per_chunk(r) && ns != r->chunk_to_ns) {
        TRY(end_chunk(r, e));
        *is_full = r->n_read >= DB_CHUNK_ROUND_ROWS;
        if (*is_full)
            return OK;
    }
    if (r->n_in_chunk == 0)
        r->chunk_from_ns = ns;
    r->chunk_to_ns = ns;
    r->n_in_chunk++;
    r->n_read++;
    r->is_unsure = r->is_unsure || db_is_null(rows, row, READ_TEXT);
    r->table->add_row(r->grams, rows, row);
    return OK;
}

/* Where a reading goes on. */
struct place {
    int64_t ns;
    struct str id;
};

static enum err read_rows(const struct round *r, struct arena *arena, const struct place *after, struct db_result **out,
                          struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    db_put_time(&p, after->ns);
    db_put_i64(&p, after->ns);
    db_put_bytes(&p, after->id);
    db_put_time(&p, r->to_ns);
    db_put_i64(&p, r->to_ns);
    db_put_i64(&p, READ_ROWS);
    return db_run(r->conn, r->wait, &r->table->read, &p, out, e);
}

static enum err take_rows(struct round *r, const struct db_result *rows, bool *is_full, struct err_info *e)
{
    for (int row = 0; row < db_n_rows(rows) && !*is_full; row++)
        TRY(take_row(r, rows, row, is_full, e));
    return OK;
}

/* What a full round has not read arrives once more. */
static enum err leave_rest(const struct round *r, struct err_info *e)
{
    AUTO(arena) struct arena arena;
    struct db_params p;
    arena_init(&arena, ARENA_MAX_BYTES);
    db_params_init(&p, &arena);
    db_put_i64(&p, r->chunk_to_ns + 1);
    db_put_i64(&p, r->to_ns);
    db_put_i64(&p, r->n_expected > r->n_read ? r->n_expected - r->n_read : 0);
    db_put_time(&p, r->since_ns);
    return db_run(r->conn, r->wait, &r->table->add_arrival, &p, NULL, e);
}

static enum err build(struct round *r, struct err_info *e)
{
    struct place after = {r->from_ns, STR("")};
    AUTO(db_result) struct db_result *last = NULL; /* holds the place */
    for (int n_rows = READ_ROWS; n_rows == READ_ROWS;) {
        AUTO(arena) struct arena arena;
        AUTO(db_result) struct db_result *rows = NULL;
        bool is_full = false;
        arena_init(&arena, ARENA_MAX_BYTES);
        TRY(read_rows(r, &arena, &after, &rows, e));
        TRY(take_rows(r, rows, &is_full, e));
        if (is_full)
            return leave_rest(r, e);
        n_rows = db_n_rows(rows);
        if (n_rows > 0)
            after = (struct place){db_get_i64(rows, n_rows - 1, READ_NS), db_get_str(rows, n_rows - 1, READ_ID)};
        db_result_free(last);
        last = TAKE(rows);
    }
    return end_chunk(r, e);
}

/* What the new chunks are to tell of. */
static enum err drop_old(const struct round *r, struct err_info *e)
{
    AUTO(arena) struct arena arena;
    struct db_params p;
    arena_init(&arena, ARENA_MAX_BYTES);
    db_params_init(&p, &arena);
    db_put_i64(&p, r->from_ns);
    db_put_i64(&p, r->to_ns);
    TRY(db_run(r->conn, r->wait, &r->table->drop_arrivals, &p, NULL, e));
    db_params_init(&p, &arena);
    put_range(&p, r, r->from_ns, r->to_ns);
    return db_run(r->conn, r->wait, &r->table->drop_chunks, &p, NULL, e);
}

/* One snapshot: what is dropped is what will be read. */
static enum err run(struct round *r, int64_t settled_ms, struct err_info *e)
{
    bool is_found = false;
    TRY(db_exec(r->conn, r->wait, "BEGIN ISOLATION LEVEL REPEATABLE READ", NULL, e));
    TRY(choose_range(r, settled_ms, &is_found, e));
    if (is_found) {
        TRY(drop_old(r, e));
        TRY(build(r, e));
    }
    return db_exec(r->conn, r->wait, "COMMIT", NULL, e);
}

/* --- when */

enum waiting_column { WAITING_ROWS, WAITING_SINCE, WAITING_FROM_NS, WAITING_IS_DUE };

static enum err look(struct db_conn *c, const struct db_wait *wait, const struct chunked *table,
                     const struct db_chunk_when *when, struct db_result **out, struct err_info *e)
{
    AUTO(arena) struct arena arena;
    struct db_params p;
    arena_init(&arena, ARENA_MAX_BYTES);
    db_params_init(&p, &arena);
    db_put_i64(&p, when->settled_ms);
    db_put_i64(&p, when->n_rows);
    db_put_i64(&p, when->max_age_ms);
    return db_run(c, wait, &table->waiting, &p, out, e);
}

enum err db_chunk_round(struct db_conn *c, const struct db_wait *wait, enum db_chunked table, const struct db_chunk_when *when,
                        struct db_chunk_built *out, struct err_info *e)
{
    AUTO(db_result) struct db_result *waiting = NULL;
    TRY(look(c, wait, &tables[table], when, &waiting, e));
    struct db_chunk_built done = {.n_waiting = db_get_i64(waiting, 0, WAITING_ROWS),
                                  .oldest_ns = db_get_time(waiting, 0, WAITING_SINCE),
                                  .is_due = db_get_bool(waiting, 0, WAITING_IS_DUE)};
    if (done.is_due) {
        AUTO(grams) struct grams *grams = grams_new();
        if (grams == NULL)
            return ERR_SET_NOMEM(e);
        struct round r = {.table = &tables[table], .conn = c, .wait = wait, .grams = grams, .since_ns = done.oldest_ns,
                          .day = clock_day(db_get_i64(waiting, 0, WAITING_FROM_NS))};
        TRY(db_partition_make(c, wait, r.table->chunks, r.day, e));
        const enum err code = run(&r, when->settled_ms, e);
        if (code != OK) {
            db_rollback(c, wait);
            return code;
        }
        done.n_rows = r.n_read;
        done.n_chunks = r.n_chunks;
    }
    *out = done;
    return OK;
}
