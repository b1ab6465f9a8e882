#include "tests/integration/support/batches.h"

#include <poll.h>

#include "db/schema/migrate.h"

enum { ARENA_MAX = 64 << 20, WAIT_MS = 20000 };

void batches_schema(void)
{
    struct db_conn *c = db_conn_new(database_url(), "test");
    const struct db_wait wait = database_wait(WAIT_MS);
    struct err_info e = {.code = OK};
    int n_applied = 0;
    ck_assert_msg(db_migrate_run(c, &wait, &n_applied, &e) == OK, "%s %s", e.message, e.detail);
    db_conn_free(c);
}

void made_batch_init(struct made_batch *b, enum db_signal signal, enum db_encoding encoding, const char *service)
{
    arena_init(&b->arena, ARENA_MAX);
    db_batch_init(&b->batch, &b->arena, signal, encoding);
    struct db_resource *const resource = db_batch_add_resource(&b->batch);
    *resource = (struct db_resource){.resource_id = service[0],
                                     .service = str_of(service),
                                     .attributes = STR("{\"host\":\"h1\"}"),
                                     .schema_url = STR(""),
                                     .raw = STR("{\"attributes\":[]}")};
    struct db_scope *const scope = db_batch_add_scope(&b->batch);
    *scope = (struct db_scope){.scope_id = 7, .name = STR("tests"), .attributes = STR("{}"), .raw = STR("{\"name\":\"tests\"}")};
}

void made_batch_close(struct made_batch *b)
{
    arena_close(&b->arena);
}

/* The number, big-endian, in the last bytes. */
static void put_id(uint8_t *id, size_t n_bytes, unsigned number)
{
    memset(id, 0, n_bytes);
    for (size_t i = 0; i < sizeof number; i++)
        id[n_bytes - 1 - i] = (uint8_t)(number >> (8 * i));
}

struct db_span *made_batch_add_span(struct made_batch *b, unsigned trace, unsigned span, unsigned parent, int64_t ms,
                                    const char *name)
{
    struct db_span *const s = db_batch_add_span(&b->batch);
    put_id(s->trace_id, sizeof s->trace_id, trace);
    put_id(s->span_id, sizeof s->span_id, span);
    put_id(s->parent_span_id, sizeof s->parent_span_id, parent);
    s->has_parent = parent != 0;
    s->kind = 2;
    s->start_ns = BATCHES_DAY_NS + ms * NS_PER_MS;
    s->end_ns = s->start_ns + 5 * NS_PER_MS;
    s->name = str_of(name);
    s->attributes = STR("{}");
    s->raw = STR("{\"name\":\"raw\"}");
    return s;
}

struct db_log *made_batch_add_log(struct made_batch *b, unsigned id, unsigned trace, unsigned span, int64_t ms,
                                  uint8_t severity, const char *body)
{
    struct db_log *const l = db_batch_add_log(&b->batch);
    put_id(l->log_id, sizeof l->log_id, id);
    put_id(l->trace_id, sizeof l->trace_id, trace);
    put_id(l->span_id, sizeof l->span_id, span);
    l->has_trace = trace != 0;
    l->has_span = span != 0;
    l->time_ns = BATCHES_DAY_NS + ms * NS_PER_MS;
    l->severity = severity;
    l->body = str_of(body);
    l->attributes = STR("{}");
    l->raw = STR("{\"body\":\"raw\"}");
    return l;
}

struct db_point *made_batch_add_point(struct made_batch *b, unsigned id, int64_t ms, double value)
{
    if (b->batch.metrics.n == 0) {
        struct db_metric *const m = db_batch_add_metric(&b->batch);
        *m = (struct db_metric){.metric_id = 11, .name = STR("load"), .unit = STR("1"), .kind = DB_METRIC_GAUGE};
    }
    struct db_point *const p = db_batch_add_point(&b->batch);
    put_id(p->point_id, sizeof p->point_id, id);
    p->time_ns = BATCHES_DAY_NS + ms * NS_PER_MS;
    p->has_value = true;
    p->value = value;
    p->attributes = STR("{}");
    p->raw = STR("{\"name\":\"load\"}");
    return p;
}

struct db_written batches_write(struct db_writer *w, struct made_batch *b)
{
    struct db_written written = {0};
    struct err_info e = {.code = OK};
    const enum err code = db_writer_write(w, &b->batch, clock_mono_ns() + WAIT_MS * NS_PER_MS, &written, &e);
    ck_assert_msg(code == OK, "%s %s %s", e.message, e.detail, e.sqlstate);
    return written;
}

void batches_slow_commits(void)
{
    database_exec(database_url(), "SET client_min_messages = warning;"
                                  "CREATE OR REPLACE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS"
                                  " 'BEGIN PERFORM pg_advisory_xact_lock_shared(20230129); RETURN NULL; END';"
                                  "DROP TRIGGER IF EXISTS slow_commit ON resources;"
                                  "CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON resources"
                                  " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow_commit()");
}

void batches_await_commit(void)
{
    while (batches_number("SELECT count(*) FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event_type = 'Lock'"
                          " AND datname = current_database()") == 0)
        (void)poll(NULL, 0, 20);
}

int64_t batches_number(const char *sql)
{
    return database_number(database_url(), sql);
}
