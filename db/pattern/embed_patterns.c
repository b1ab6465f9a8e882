#include "db/pattern/embed_patterns.h"

#include "db/assemble/trace_merge.h"
#include "db/pattern/pattern_text.h"
#include "db/session/advisory.h"

enum { STORE_ARENA_BYTES = 1 << 20, IDS_MAX_BYTES = 1 << 16 };

/* As the assembler's: plans are made when the tables may still be small. */
static const char prepare_sql[] = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off";

/* More operations than these do not fit into a text. */
static const struct db_statement waiting = {
    "embed_waiting",
    "SELECT pattern_id, service, name, error_message, services[:64], operations[:64] FROM patterns"
    " WHERE " DB_PATTERN_MODELS_OF("$1", "$2") " AND pattern_id <> ALL($3::text::bigint[])"
    " ORDER BY last_seen_ns DESC, pattern_id LIMIT $4"};
enum waiting_column { PATTERN_ID, SERVICE, NAME, ERROR_MESSAGE, SERVICES, OPERATIONS };

static const struct db_statement store = {
    "embed_store", "UPDATE patterns SET embedding = $2::vector, embedding_model = $3, is_spread = false WHERE pattern_id = $1"
    " AND embedding_model IS DISTINCT FROM '" DB_EMBEDDING_MODEL_GIVEN "'"};

enum err db_embed_lead(struct db_conn *c, const struct db_wait *wait, bool *is_leader, struct err_info *e)
{
    bool is_held = false;
    TRY(db_conn_open(c, wait, e));
    db_conn_keep(c);
    TRY(db_exec(c, wait, prepare_sql, NULL, e));
    TRY(db_trace_merge_prepare(c, wait, e));
    TRY(db_advisory_try(c, wait, DB_ADVISORY_EMBED, &is_held, e));
    *is_leader = is_held;
    return OK;
}

static enum err put_ids(struct db_params *p, const int64_t *ids, size_t n, struct err_info *e)
{
    AUTO(buf) struct buf text;
    buf_init(&text, IDS_MAX_BYTES);
    buf_putc(&text, '{');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_putc(&text, ',');
        buf_put_i64(&text, ids[i]);
    }
    buf_putc(&text, '}');
    const struct str copy = buf_is_ok(&text) ? arena_copy(p->arena, buf_str(&text)) : (struct str){NULL, 0};
    if (copy.ptr == NULL)
        return ERR_SET_NOMEM(e);
    db_put_text(p, copy);
    return OK;
}

static enum err read_row(const struct db_result *r, int row, struct arena *arena, struct db_pattern_waiting *out, struct err_info *e)
{
    struct str *services = NULL, *operations = NULL;
    struct db_pattern_words words = {
        .service = db_get_str(r, row, SERVICE), .name = db_get_str(r, row, NAME), .error_message = db_get_str(r, row, ERROR_MESSAGE)};
    TRY(db_get_array(r, row, SERVICES, arena, &services, &words.n_services, e));
    TRY(db_get_array(r, row, OPERATIONS, arena, &operations, &words.n_operations, e));
    words.services = services;
    words.operations = operations;
    *out = (struct db_pattern_waiting){db_get_i64(r, row, PATTERN_ID), db_pattern_text(arena, &words)};
    return out->text.ptr == NULL ? ERR_SET_NOMEM(e) : OK;
}

enum err db_embed_waiting(struct db_conn *c, const struct db_wait *wait, struct arena *arena, const struct db_pattern_models *models,
                          const int64_t *skipped, size_t n_skipped, size_t n_max, struct db_pattern_waiting **out, size_t *n_out,
                          struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    db_pattern_models_put(&p, models);
    TRY(put_ids(&p, skipped, n_skipped, e));
    db_put_i64(&p, (int64_t)n_max);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &waiting, &p, &r, e));
    const size_t n = (size_t)db_n_rows(r);
    struct db_pattern_waiting *const rows = arena_calloc(arena, n, sizeof *rows);
    if (rows == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < n; i++)
        TRY(read_row(r, (int)i, arena, &rows[i], e));
    *out = rows;
    *n_out = n;
    return OK;
}

static enum err store_one(struct db_conn *c, const struct db_wait *wait, struct str model, int64_t pattern_id, const float *vector,
                          struct err_info *e)
{
    AUTO(arena) struct arena arena;
    struct db_params p;
    arena_init(&arena, STORE_ARENA_BYTES);
    db_params_init(&p, &arena);
    db_put_i64(&p, pattern_id);
    db_put_vector(&p, vector, EMBEDDING_DIMENSIONS);
    db_put_text(&p, model);
    return db_run(c, wait, &store, &p, NULL, e);
}

static enum err store_all(struct db_conn *c, const struct db_wait *wait, struct str model, const struct db_pattern_waiting *patterns,
                          float (*vectors)[EMBEDDING_DIMENSIONS], size_t n, struct err_info *e)
{
    TRY(db_exec(c, wait, "BEGIN", NULL, e));
    TRY(db_trace_merge_lock(c, wait, e));
    for (size_t i = 0; i < n; i++)
        TRY(store_one(c, wait, model, patterns[i].pattern_id, vectors[i], e));
    return db_exec(c, wait, "COMMIT", NULL, e);
}

enum err db_embed_store(struct db_conn *c, const struct db_wait *wait, struct str model, const struct db_pattern_waiting *patterns,
                        float (*vectors)[EMBEDDING_DIMENSIONS], size_t n, struct err_info *e)
{
    const enum err code = store_all(c, wait, model, patterns, vectors, n, e);
    if (code != OK)
        db_rollback(c, wait);
    return code;
}
