#include "bench/store/derive.h"
#include "bench/store/table.h"
#include "db/write/copyrow.h"

#define COLUMNS                                                                                                       \
    "pattern_id, service, name, services, operations, operation_names, operations_are_cut, error_message, embedding,"  \
    " embedding_model, trace_count, error_count, first_seen_ns, last_seen_ns, exemplar_trace_id"
enum { N_COLUMNS = 15 };

struct pattern {
    struct db_trace_row row; /* of its first trace */
    int64_t n_traces, last_ns;
    uint8_t newest[DB_TRACE_ID_BYTES];
};

/* Traces of one shape and outcome are of one pattern, whatever else differs: all but the first need only be counted. */
static struct pattern patterns[WORLD_SHAPES][1 + WORLD_ERRORS_OF_SHAPE];

static bool note_pattern(struct job *j, uint64_t number)
{
    struct trace t;
    struct db_assemble_output derived;
    trace_begin(&t, &j->store, number);
    struct pattern *const p = &patterns[t.shape][t.outcome];
    if (p->n_traces == 0) {
        if (!derive_number(&j->store, number, true, &j->kept, &t, &derived))
            return false;
        p->row = derived.row;
    }
    p->n_traces++;
    p->last_ns = t.start_ns;
    memcpy(p->newest, t.trace_id, sizeof p->newest);
    return true;
}

static void put_pattern(struct buf *out, const struct pattern *p, bool has_failed)
{
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
    db_copyrow_i64(out, has_failed ? p->n_traces : 0);
    db_copyrow_i64(out, p->row.start_ns);
    db_copyrow_i64(out, p->last_ns);
    db_copyrow_bytes(out, p->newest, sizeof p->newest);
}

static void put_patterns(struct job *j)
{
    for (size_t shape = 0; shape < WORLD_SHAPES; shape++)
        for (size_t outcome = 0; outcome <= WORLD_ERRORS_OF_SHAPE; outcome++)
            if (patterns[shape][outcome].n_traces > 0)
                put_pattern(&j->out, &patterns[shape][outcome], outcome > 0);
}

const struct table table_patterns = {"patterns", TABLE_COLUMNS(COLUMNS), note_pattern, put_patterns};
