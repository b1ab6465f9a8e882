#include "bench/store/derive.h"
#include "bench/store/table.h"
#include "db/copyrow.h"

#define COLUMNS                                                                                                       \
    "pattern_id, service, name, services, operations, operation_names, operations_are_cut, error_message, embedding,"  \
    " embedding_model, trace_count, error_count, first_seen_ns, last_seen_ns, exemplar_trace_id"
enum { N_COLUMNS = 15, PATTERNS_MAX = 1024 };

static struct pattern {
    struct db_trace_row row; /* of its first trace */
    int64_t n_traces, n_errors, last_ns;
    uint8_t newest[DB_TRACE_ID_BYTES];
} patterns[PATTERNS_MAX];
static size_t n_patterns;

static struct pattern *pattern_of(int64_t id)
{
    size_t i = 0;
    while (i < n_patterns && patterns[i].row.pattern_id != id)
        i++;
    return i < PATTERNS_MAX ? &patterns[i] : NULL;
}

/* Traces come in the order of their time. */
static bool note_pattern(struct job *j, uint64_t number)
{
    struct trace t;
    struct db_assemble_output derived;
    if (!derive_number(&j->store, number, false, &j->arena, &t, &derived))
        return false;
    struct pattern *const p = pattern_of(derived.row.pattern_id);
    if (p == NULL)
        return false;
    if (p == &patterns[n_patterns]) {
        n_patterns++;
        if (!derive_number(&j->store, number, true, &j->kept, &t, &derived))
            return false;
        p->row = derived.row;
    }
    p->n_traces++;
    p->n_errors += t.error != NULL;
    p->last_ns = derived.row.start_ns;
    memcpy(p->newest, t.trace_id, sizeof p->newest);
    return true;
}

static void put_patterns(struct job *j)
{
    struct buf *const out = &j->out;
    for (const struct pattern *p = patterns; p < patterns + n_patterns; p++) {
        db_copyrow_start(out, N_COLUMNS);
        db_copyrow_i64(out, p->row.pattern_id);
        db_copyrow_text(out, p->row.service);
        db_copyrow_text(out, p->row.name);
        db_copyrow_text_array(out, p->row.services, p->row.n_services);
        db_copyrow_text_array(out, p->row.operations, p->row.n_operations);
        db_copyrow_text_array(out, p->row.operation_names, p->row.n_operations);
        db_copyrow_bool(out, p->row.operations_are_cut);
        db_copyrow_str(out, p->row.error_message);
        db_copyrow_vector(out, p->row.embedding, EMBEDDING_DIMENSIONS);
        db_copyrow_text(out, p->row.embedding_model);
        db_copyrow_i64(out, p->n_traces);
        db_copyrow_i64(out, p->n_errors);
        db_copyrow_i64(out, p->row.start_ns);
        db_copyrow_i64(out, p->last_ns);
        db_copyrow_bytes(out, p->newest, sizeof p->newest);
    }
}

const struct table table_patterns = {"patterns", TABLE_COLUMNS(COLUMNS), note_pattern, put_patterns};
