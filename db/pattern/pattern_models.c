#include "db/pattern/pattern_models.h"

#include "core/embedding.h"
#include "db/assemble/trace_merge.h"

/* From one model to the next in the index. */
static const struct db_statement list = {
    "pattern_models",
    "WITH RECURSIVE models AS ((SELECT embedding_model FROM patterns WHERE embedding_model IS NOT NULL"
    " ORDER BY embedding_model LIMIT 1) UNION ALL SELECT (SELECT p.embedding_model FROM patterns p"
    " WHERE p.embedding_model > m.embedding_model ORDER BY p.embedding_model LIMIT 1) FROM models m"
    " WHERE m.embedding_model IS NOT NULL)"
    " SELECT embedding_model FROM models WHERE embedding_model IS NOT NULL"
    " UNION ALL SELECT NULL WHERE EXISTS (SELECT FROM patterns WHERE embedding_model IS NULL)"};

static const struct db_statement count = {
    "pattern_backlog",
    "SELECT count(*), min(stored_at), (SELECT count(*) FROM patterns WHERE NOT is_spread) FROM patterns"
    " WHERE " DB_PATTERN_MODELS_OF("$1", "$2") " OR " DB_PATTERN_MODELS_OF("$3", "$4")};

static void add(struct db_pattern_models *m, struct str name)
{
    if (name.ptr == NULL)
        m->has_none = true;
    else if (m->n < DB_PATTERN_MODELS_MAX)
        m->names[m->n++] = name;
}

/* Vectors of an older built-in embedder tell of fingerprints as old. */
static bool is_outdated(struct str model, struct str wanted)
{
    if (str_equal(wanted, STR(EMBEDDING_MODEL)))
        return true;
    return str_starts_with(model, STR("hash-")) && !str_equal(model, STR(EMBEDDING_MODEL));
}

enum err db_pattern_work_read(struct db_conn *c, const struct db_wait *wait, struct arena *arena, struct str wanted,
                              struct db_pattern_work *out, struct err_info *e)
{
    struct db_params none;
    struct db_pattern_work work = {.pending = {.n = 0}};
    db_params_init(&none, NULL);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &list, &none, &r, e));
    for (int i = 0; i < db_n_rows(r); i++) {
        const struct str model = db_get_str(r, i, 0);
        if (str_equal(model, wanted) || str_equal(model, STR(DB_EMBEDDING_MODEL_GIVEN)))
            continue;
        const struct str name = model.ptr == NULL ? model : arena_copy(arena, model);
        if (model.ptr != NULL && name.ptr == NULL)
            return ERR_SET_NOMEM(e);
        add(is_outdated(model, wanted) ? &work.outdated : &work.pending, name);
    }
    *out = work;
    return OK;
}

void db_pattern_models_put(struct db_params *p, const struct db_pattern_models *m)
{
    db_put_text_array(p, m->names, m->n);
    db_put_bool(p, m->has_none);
}

enum err db_pattern_backlog_read(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                                 const struct db_pattern_work *work, struct db_pattern_backlog *out, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    db_pattern_models_put(&p, &work->pending);
    db_pattern_models_put(&p, &work->outdated);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &count, &p, &r, e));
    *out = (struct db_pattern_backlog){db_get_i64(r, 0, 0), db_is_null(r, 0, 1) ? 0 : db_get_time(r, 0, 1), db_get_i64(r, 0, 2)};
    return OK;
}
