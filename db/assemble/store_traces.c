#include "db/assemble/store_traces.h"

#include <stdlib.h>

#include "core/hash.h"
#include "db/assemble/assemble_operations.h"
#include "db/assemble/trace_merge.h"
#include "db/write/copyrow.h"
#include "db/write/stage.h"

enum { STREAM_MAX_BYTES = 1 << 29, STATUS_UNSET = 0, KIND_UNSPECIFIED = 0 };

/* The shape of a trace of which no span is known but what it says of itself. Traces with embeddings of their own share no
 * pattern with those that have their pattern's. */
static enum err derive(const struct db_given_trace *t, struct arena *arena, struct db_trace_row *row, struct err_info *e)
{
    const struct shape_span span = {
        .service = t->service,
        .operation = t->name,
        .parent = SHAPE_NO_PARENT,
        .kind = KIND_UNSPECIFIED,
        .status = str_equal(t->status, STR("error")) ? SHAPE_STATUS_ERROR : STATUS_UNSET,
    };
    const struct shape_trace shape = {&span, 1, t->service, t->name, NULL, 0};
    uint64_t fingerprint = 0;
    TRY(shape_fingerprint(&shape, arena, &fingerprint, e));
    row->has_pattern = true;
    row->pattern_id = (int64_t)fingerprint;
    if (t->embedding != NULL) {
        row->embedding = t->embedding;
        row->embedding_model = STR(DB_EMBEDDING_MODEL_GIVEN);
        row->pattern_id = (int64_t)hash64(row->embedding_model, fingerprint);
    }
    if (t->embedding != NULL || t->embeds_later)
        return OK;
    float *const embedding = arena_calloc(arena, EMBEDDING_DIMENSIONS, sizeof *embedding);
    if (embedding == NULL)
        return ERR_SET_NOMEM(e);
    TRY(embedding_of_trace(&shape, arena, embedding, e));
    row->embedding = embedding;
    row->embedding_model = STR(EMBEDDING_MODEL);
    return OK;
}

static enum err put_row(struct buf *stream, const struct db_given_trace *t, struct arena *arena, struct err_info *e)
{
    struct db_trace_row row = {
        .trace_id = {(const char *)t->trace_id, sizeof t->trace_id},
        .service = t->service,
        .name = t->name,
        .start_ns = t->start_ns,
        .end_ns = t->end_ns,
        .status = t->status,
        .attributes = t->attributes.len > 0 ? t->attributes : STR("{}"),
        .services = &t->service,
        .n_services = 1,
    };
    const struct db_assemble_span span = {.service = t->service, .name = t->name};
    TRY(derive(t, arena, &row, e));
    TRY(db_assemble_operations(&(struct db_assemble_input){.spans = &span, .n_spans = 1}, arena, &row, e));
    db_trace_merge_put(stream, &row);
    return OK;
}

/* By id, then by place. */
static int compare(const void *a, const void *b)
{
    const struct db_given_trace *const x = *(const struct db_given_trace *const *)a;
    const struct db_given_trace *const y = *(const struct db_given_trace *const *)b;
    const int order = memcmp(x->trace_id, y->trace_id, sizeof x->trace_id);
    return order != 0 ? order : (x > y) - (x < y);
}

static enum err put_all(struct buf *stream, const struct db_given_trace *traces, size_t n, struct arena *arena,
                        struct err_info *e)
{
    const struct db_given_trace **const sorted = arena_calloc(arena, n, sizeof *sorted);
    if (sorted == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &traces[i];
    qsort(sorted, n, sizeof *sorted, compare);
    db_copyrow_begin(stream);
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || memcmp(sorted[i]->trace_id, sorted[i + 1]->trace_id, DB_TRACE_ID_BYTES) != 0)
            TRY(put_row(stream, sorted[i], arena, e));
    db_copyrow_end(stream);
    return buf_is_ok(stream) ? OK : ERR_SET_NOMEM(e);
}

enum err db_store_traces_within(struct db_conn *c, const struct db_wait *wait, const struct db_given_trace *traces, size_t n,
                                struct arena *arena, struct err_info *e)
{
    AUTO(buf) struct buf stream;
    buf_init_share(&stream, STREAM_MAX_BYTES, arena->share);
    TRY(put_all(&stream, traces, n, arena, e));
    TRY(db_trace_merge(c, wait, buf_str(&stream), e));
    return db_trace_merge_end(c, wait, e);
}

/* The session is kept: one made in its place between two commands would lack the tables that rows are staged in. */
static enum err store(struct db_conn *c, const struct db_wait *wait, const struct db_given_trace *traces, size_t n,
                      struct arena *arena, struct err_info *e)
{
    TRY(db_conn_open(c, wait, e));
    db_conn_keep(c);
    TRY(db_trace_merge_prepare(c, wait, e));
    TRY(db_stage_begin(c, wait, e));
    TRY(db_store_traces_within(c, wait, traces, n, arena, e));
    return db_commit(c, wait, e);
}

enum err db_store_traces(struct db_conn *c, const struct db_wait *wait, const struct db_given_trace *traces, size_t n,
                         struct arena *arena, struct err_info *e)
{
    const enum err code = store(c, wait, traces, n, arena, e);
    if (code != OK)
        db_rollback(c, wait);
    return code;
}
