#include "db/vector/vector_recall.h"

#include <math.h>
#include <stdlib.h>

#include "core/embedding.h"
#include "db/assemble/trace_merge.h"
#include "db/vector/similar_statements.h"
#include "db/window.h"

enum {
    NEAREST = 10,
    QUERIES_MAX = 100,
    QUERIES_MIN = 30,
    ROWS_READ_MAX = 10000000, /* by all exact searches of one measurement, where QUERIES_MIN allows */
    SAMPLE_PAGES = 400,       /* five rows of a vector each */
    EFFORTS_MAX = 64,
    ARENA_MAX_BYTES = 64 << 20,
};
/* Two distances of single precision are the same. */
static const double ROUNDING = 1e-6;
/* No cosine distance is greater. */
static const double FARTHEST = 2;

/* Vectors that searches use the index for: of traces that are not found by their patterns. A part of the pages is read, all of a
 * small table; where such traces are few among others, their own indexes lead to them. */
#define OF_INDEX "(embedding_model = '" DB_EMBEDDING_MODEL_GIVEN "' OR (pattern_id IS NULL AND embedding IS NOT NULL))"
#define COLUMNS "SELECT trace_id, embedding, embedding_model FROM traces "
static const struct db_statement samples[] = {
    {"vector_sample", COLUMNS "TABLESAMPLE SYSTEM ($1) WHERE embedding IS NOT NULL AND " OF_INDEX " ORDER BY random() LIMIT $2"},
    {"vector_sample", COLUMNS "WHERE $1::float8 > 0 AND " OF_INDEX " ORDER BY random() LIMIT $2"},
    {"vector_sample", COLUMNS "TABLESAMPLE SYSTEM ($1) WHERE embedding IS NOT NULL ORDER BY random() LIMIT $2"},
};
static const struct db_statement count_pages = {
    "vector_pages", "SELECT pg_relation_size('traces') / current_setting('block_size')::bigint"};

struct query {
    struct str trace_id, model;
    float vector[EMBEDDING_DIMENSIONS];
    double farthest; /* of its NEAREST by exact search */
    int64_t n_nearest;
};

struct sample {
    struct db_conn *conn;
    const struct db_wait *wait;
    struct arena *arena;
    struct query *queries;
    size_t n_queries;
};

static size_t n_queries_for(int64_t n_rows)
{
    const int64_t n = ROWS_READ_MAX / (n_rows > 0 ? n_rows : 1);
    return (size_t)(n < QUERIES_MIN ? QUERIES_MIN : n > QUERIES_MAX ? QUERIES_MAX : n);
}

static enum err page_share(struct sample *s, double *percent, struct err_info *e)
{
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(s->conn, s->wait, &count_pages, NULL, &r, e));
    const double n_pages = (double)db_get_i64(r, 0, 0);
    *percent = n_pages <= SAMPLE_PAGES ? 100 : 100.0 * SAMPLE_PAGES / n_pages;
    return OK;
}

static enum err take_query(const struct db_result *r, int row, struct arena *arena, struct query *out, struct err_info *e)
{
    out->trace_id = arena_copy(arena, db_get_str(r, row, 0));
    out->model = arena_copy(arena, db_get_str(r, row, 2));
    const bool is_vector = db_get_vector(r, row, 1, out->vector, EMBEDDING_DIMENSIONS);
    return out->trace_id.ptr == NULL || out->model.ptr == NULL || !is_vector ? ERR_SET_NOMEM(e) : OK;
}

static enum err draw_from(struct sample *s, const struct db_statement *from, double percent, size_t n_wanted, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, s->arena);
    db_put_f64(&p, percent);
    db_put_i64(&p, (int64_t)n_wanted);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run_anew(s->conn, s->wait, from, &p, &r, e));
    s->n_queries = (size_t)db_n_rows(r);
    for (size_t i = 0; i < s->n_queries; i++)
        TRY(take_query(r, (int)i, s->arena, &s->queries[i], e));
    return OK;
}

static enum err draw(struct sample *s, int64_t n_rows, struct err_info *e)
{
    const size_t n_wanted = n_queries_for(n_rows);
    double percent = 100;
    s->queries = arena_calloc(s->arena, n_wanted, sizeof *s->queries);
    if (s->queries == NULL)
        return ERR_SET_NOMEM(e);
    TRY(page_share(s, &percent, e));
    for (size_t i = 0; i < ARRAY_LEN(samples) && s->n_queries < n_wanted / 2; i++)
        TRY(draw_from(s, &samples[i], percent, n_wanted, e));
    return OK;
}

/* Searches as a search of the NEAREST to that trace does, only without its threshold. */
static enum err search(const struct sample *s, const struct query *q, enum db_similar_way way, struct db_result **out,
                       struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, s->arena);
    db_put_vector(&p, q->vector, EMBEDDING_DIMENSIONS);
    db_put_text(&p, q->model);
    db_put_bytes(&p, q->trace_id);
    db_put_text(&p, (struct str){NULL, 0});
    db_put_i64(&p, DB_WINDOW_ALL.start_ns);
    db_put_i64(&p, DB_WINDOW_ALL.end_ns);
    db_put_text(&p, (struct str){NULL, 0});
    db_put_f64(&p, FARTHEST);
    db_put_i64(&p, NEAREST);
    return db_run_anew(s->conn, s->wait, &db_similar_statements[way][false], &p, out, e);
}

static double distance(const struct db_result *r, int row)
{
    return 1 - db_get_f64(r, row, DB_SIMILAR_SIMILARITY);
}

static int64_t n_found(const struct db_result *r)
{
    return db_is_null(r, 0, 0) ? 0 : db_n_rows(r);
}

static enum err find_truth(struct sample *s, struct err_info *e)
{
    for (size_t i = 0; i < s->n_queries; i++) {
        struct query *const q = &s->queries[i];
        AUTO(db_result) struct db_result *r = NULL;
        TRY(search(s, q, DB_SIMILAR_SCAN, &r, e));
        q->n_nearest = n_found(r);
        q->farthest = q->n_nearest > 0 ? distance(r, (int)q->n_nearest - 1) : 0;
    }
    return OK;
}

static enum err recall_of(const struct sample *s, const struct query *q, double *out, struct err_info *e)
{
    AUTO(db_result) struct db_result *r = NULL;
    TRY(search(s, q, DB_SIMILAR_INDEX, &r, e));
    int64_t n_near = 0;
    for (int row = 0; row < n_found(r); row++)
        n_near += distance(r, row) <= q->farthest + ROUNDING;
    *out = q->n_nearest == 0 ? 1 : (double)n_near / (double)q->n_nearest;
    return OK;
}

struct recall {
    double mean, error; /* error: the standard error of the mean */
};

/* Where statistics are old the planner may take another way, which would be measured in place of the index. */
static enum err insist_on_index(const struct sample *s, struct err_info *e)
{
    return db_exec(s->conn, s->wait, "SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off", NULL, e);
}

static enum err let_planner_choose(const struct sample *s, struct err_info *e)
{
    return db_exec(s->conn, s->wait, "RESET enable_seqscan; RESET enable_sort; RESET enable_bitmapscan", NULL, e);
}

static enum err measure(const struct sample *s, const struct db_vector_use *use, struct recall *out, struct err_info *e)
{
    double sum = 0, squares = 0;
    TRY(db_vector_use_set(s->conn, s->wait, s->arena, use, e));
    TRY(insist_on_index(s, e));
    for (size_t i = 0; i < s->n_queries; i++) {
        double recall = 0;
        TRY(recall_of(s, &s->queries[i], &recall, e));
        sum += recall;
        squares += recall * recall;
    }
    const double n = s->n_queries > 0 ? (double)s->n_queries : 1;
    const double mean = s->n_queries > 0 ? sum / n : 1;
    *out = (struct recall){mean, sqrt(fmax(0, squares / n - mean * mean) / n)};
    return OK;
}

static enum err begin(struct sample *s, int64_t n_rows, struct err_info *e)
{
    TRY(let_planner_choose(s, e));
    TRY(draw(s, n_rows, e));
    return find_truth(s, e);
}

enum err db_vector_measure(struct db_conn *c, const struct db_wait *wait, const struct db_vector_facts *facts,
                           struct db_vector_measured *out, struct err_info *e)
{
    AUTO(arena) struct arena arena;
    struct recall recall = {0};
    arena_init(&arena, ARENA_MAX_BYTES);
    struct sample s = {.conn = c, .wait = wait, .arena = &arena};
    const struct db_vector_use use = db_vector_use_of(facts);
    TRY(begin(&s, facts->n_rows, e));
    TRY(measure(&s, &use, &recall, e));
    *out = (struct db_vector_measured){use.effort, (int64_t)s.n_queries, recall.mean, recall.error};
    return OK;
}

/* The search for the least effort that is enough. too_little: the greatest known not to be, 0 when none is. */
struct calibration {
    const struct sample *sample;
    struct db_vector_use use;
    double target;
    int64_t too_little;
    struct db_vector_measured *out;
};

/* Tells in out what was measured last, and the effort once one is enough. */
static enum err try_effort(struct calibration *k, int64_t effort, struct err_info *e)
{
    struct recall recall = {0};
    k->use.effort = effort;
    TRY(measure(k->sample, &k->use, &recall, e));
    const bool is_enough = recall.mean - recall.error >= k->target;
    if (!is_enough)
        k->too_little = effort;
    if (!is_enough && k->out->effort > 0)
        return OK;
    k->out->effort = is_enough ? effort : 0;
    k->out->recall = recall.mean;
    k->out->recall_error = recall.error;
    return OK;
}

static enum err climb(struct calibration *k, const int64_t *efforts, size_t n_efforts, struct err_info *e)
{
    for (size_t i = 0; i < n_efforts && k->out->effort == 0; i++)
        TRY(try_effort(k, efforts[i], e));
    return OK;
}

static enum err narrow(struct calibration *k, struct err_info *e)
{
    int64_t between = 0;
    while (k->out->effort > 0 && (between = db_vector_effort_between(k->too_little, k->out->effort)) > 0)
        TRY(try_effort(k, between, e));
    return OK;
}

enum err db_vector_calibrate(struct db_conn *c, const struct db_wait *wait, const struct db_vector_wish *wish,
                             const struct db_vector_facts *facts, const struct db_vector_index *index,
                             struct db_vector_measured *out, struct err_info *e)
{
    AUTO(arena) struct arena arena;
    int64_t efforts[EFFORTS_MAX];
    const size_t n_efforts = db_vector_efforts(index->method, index->lists, efforts, EFFORTS_MAX);
    arena_init(&arena, ARENA_MAX_BYTES);
    struct sample s = {.conn = c, .wait = wait, .arena = &arena};
    *out = (struct db_vector_measured){.effort = 0};
    TRY(begin(&s, facts->n_rows, e));
    struct calibration k = {.sample = &s, .target = wish->recall_target, .out = out,
                            .use = {.method = index->method, .lists = index->lists, .can_iterate = db_vector_can_iterate(facts)}};
    TRY(climb(&k, efforts, n_efforts, e));
    TRY(narrow(&k, e));
    out->n_queries = (int64_t)s.n_queries;
    return OK;
}
