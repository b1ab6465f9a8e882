#include "bench/store/derive.h"
#include "bench/store/table.h"
#include "bench/store/vectors.h"
#include "core/clock.h"
#include "db/assemble/trace_merge.h"
#include "db/write/copyrow.h"

#define TRACE_COLUMNS                                                                                                \
    "trace_id, service, name, start_time, end_time, start_ns, end_ns, duration_ms, status, span_count, error_count,"  \
    " error_message, pattern_id, attributes, embedding, embedding_model, embedding_generated_at"
#define ERROR_COLUMNS \
    "error_id, trace_id, span_id, service, name, type, message, source, start_time, start_ns, duration_ms"
enum { N_TRACE_COLUMNS = 17, N_ERROR_COLUMNS = 11 };

static void put_vector(struct job *j, struct trace *t, const struct db_trace_row *row)
{
    float given[EMBEDDING_DIMENSIONS];
    if (j->has_given)
        vectors_around(t->shape, &t->state, given);
    db_copyrow_vector(&j->out, j->has_given ? given : row->embedding, EMBEDDING_DIMENSIONS);
    db_copyrow_text(&j->out, j->has_given ? STR(DB_EMBEDDING_MODEL_GIVEN) : row->embedding_model);
    db_copyrow_time(&j->out, j->store.now_ns);
}

static bool put_trace(struct job *j, uint64_t number)
{
    struct trace t;
    struct db_assemble_output derived;
    if (!derive_number(&j->store, number, false, &j->arena, &t, &derived))
        return false;
    const struct db_trace_row *const row = &derived.row;
    struct buf *const out = &j->out;
    db_copyrow_start(out, N_TRACE_COLUMNS);
    db_copyrow_str(out, row->trace_id);
    db_copyrow_text(out, row->service);
    db_copyrow_text(out, row->name);
    db_copyrow_time(out, row->start_ns);
    db_copyrow_time(out, row->end_ns);
    db_copyrow_i64(out, row->start_ns);
    db_copyrow_i64(out, row->end_ns);
    db_copyrow_f64(out, (double)(row->end_ns - row->start_ns) / (double)NS_PER_MS);
    db_copyrow_text(out, row->status);
    db_copyrow_i32(out, row->n_spans);
    db_copyrow_i32(out, row->n_errors);
    db_copyrow_str(out, row->error_message);
    db_copyrow_i64(out, row->pattern_id);
    db_copyrow_json(out, row->attributes);
    put_vector(j, &t, row);
    return true;
}

static void put_error(struct buf *out, const struct db_trace_error *error)
{
    static const char *const sources[] = {
        [DB_ERROR_SPAN_STATUS] = "span_status", [DB_ERROR_SPAN_EVENT] = "span_event", [DB_ERROR_LOG] = "log"};
    db_copyrow_start(out, N_ERROR_COLUMNS);
    db_copyrow_bytes(out, error->error_id, sizeof error->error_id);
    db_copyrow_str(out, error->trace_id);
    db_copyrow_str(out, error->span_id);
    db_copyrow_text(out, error->service);
    db_copyrow_text(out, error->name);
    db_copyrow_text(out, error->type);
    db_copyrow_text(out, error->message);
    db_copyrow_text(out, str_of(sources[error->source]));
    db_copyrow_time(out, error->start_ns);
    db_copyrow_i64(out, error->start_ns);
    if (error->has_duration)
        db_copyrow_f64(out, error->duration_ms);
    else
        db_copyrow_null(out);
}

static bool put_errors(struct job *j, uint64_t number)
{
    struct trace t;
    struct db_assemble_output derived;
    trace_begin(&t, &j->store, number);
    if (t.error == NULL)
        return true;
    if (!derive_number(&j->store, number, false, &j->arena, &t, &derived))
        return false;
    for (size_t i = 0; i < derived.n_errors; i++)
        put_error(&j->out, &derived.errors[i]);
    return true;
}

const struct table table_traces = {"traces", TABLE_COLUMNS(TRACE_COLUMNS), put_trace, NULL};
const struct table table_traces_given = {"traces_given", TABLE_COLUMNS(TRACE_COLUMNS), put_trace, NULL};
const struct table table_errors = {"errors", TABLE_COLUMNS(ERROR_COLUMNS), put_errors, NULL};
