#include "bench/store/table.h"
#include "core/clock.h"
#include "db/assemble/assemble_operations.h"
#include "db/write/copyrow.h"

#define COLUMNS "operation_id, day, service, name, kind, first_seen_ns, last_seen_ns"
/* Slots, of which far fewer are taken: 50 operations in 20 services, on two days. */
enum { N_COLUMNS = 7, OPERATIONS_MAX = 8192 };

static struct operation {
    uint64_t id; /* 0: a free slot */
    int64_t day, first_ns, last_ns;
    struct str service, name;
    uint8_t kind;
} operations[OPERATIONS_MAX];

static struct operation *operation_of(uint64_t id, int64_t day)
{
    size_t at = (size_t)(id >> 1) % OPERATIONS_MAX;
    while (operations[at].id != 0 && (operations[at].id != id || operations[at].day != day))
        at = (at + 1) % OPERATIONS_MAX;
    return &operations[at];
}

static bool note_operations(struct job *j, uint64_t number)
{
    struct trace t;
    if (!trace_make(&t, &j->store, number, &j->arena))
        return false;
    for (size_t i = 0; i < t.batch.spans.n; i++) {
        const struct db_span *const s = &t.batch.spans.items[i];
        const struct str service = j->store.world.resources[s->resource].service;
        const uint64_t id = db_operation_id(service, s->name, s->kind);
        struct operation *const o = operation_of(id, clock_day(s->start_ns));
        if (o->id == 0)
            *o = (struct operation){id, clock_day(s->start_ns), s->start_ns, s->start_ns, service, s->name, s->kind};
        o->first_ns = s->start_ns < o->first_ns ? s->start_ns : o->first_ns;
        o->last_ns = s->start_ns > o->last_ns ? s->start_ns : o->last_ns;
    }
    return true;
}

static void put_operations(struct job *j)
{
    for (const struct operation *o = operations; o < operations + OPERATIONS_MAX; o++) {
        if (o->id == 0)
            continue;
        db_copyrow_start(&j->out, N_COLUMNS);
        db_copyrow_i64(&j->out, (int64_t)o->id);
        db_copyrow_date(&j->out, o->day);
        db_copyrow_text(&j->out, o->service);
        db_copyrow_text(&j->out, o->name);
        db_copyrow_i16(&j->out, o->kind);
        db_copyrow_i64(&j->out, o->first_ns);
        db_copyrow_i64(&j->out, o->last_ns);
    }
}

const struct table table_operations = {"operations", TABLE_COLUMNS(COLUMNS), note_operations, put_operations};
