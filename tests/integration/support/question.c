#include "tests/integration/support/question.h"

#include <stdio.h>
#include <unistd.h>

#include "db/schema/migrate.h"

enum { ARENA_MAX = 64 << 20, SEEN_MAX = 1 << 20, WAIT_MS = 20000, SQL_MAX = 512, N_DAYS = 3 };

static const char *const functions =
    "CREATE OR REPLACE FUNCTION at_ns(ms float8) RETURNS bigint IMMUTABLE LANGUAGE sql AS"
    " 'SELECT 1674950400000000000 + (ms * 1000000)::bigint';"
    "CREATE OR REPLACE FUNCTION at(ms float8) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS"
    " $$SELECT 'epoch'::timestamptz + (at_ns(ms) / 1000) * interval '1 microsecond'$$;"
    "CREATE OR REPLACE FUNCTION id16(n int) RETURNS bytea IMMUTABLE LANGUAGE sql AS"
    " $$SELECT decode(lpad(to_hex(n), 32, '0'), 'hex')$$;"
    "CREATE OR REPLACE FUNCTION id8(n int) RETURNS bytea IMMUTABLE LANGUAGE sql AS"
    " $$SELECT decode(lpad(to_hex(n), 16, '0'), 'hex')$$;"
    "CREATE OR REPLACE FUNCTION unit(n int, weight float8 DEFAULT 0) RETURNS vector IMMUTABLE LANGUAGE sql AS"
    " $$SELECT array_agg(CASE i WHEN n THEN 1.0 WHEN 384 THEN weight ELSE 0 END ORDER BY i)::vector"
    " FROM generate_series(1, 384) AS i$$;"
    "CREATE OR REPLACE FUNCTION put_log(n int, ms float8, service text, severity int, body text, trace int DEFAULT NULL,"
    " span int DEFAULT NULL) RETURNS void LANGUAGE sql AS $$"
    " INSERT INTO logs (time, time_ns, log_id, trace_id, span_id, severity, resource_id, scope_id, service, body, attributes)"
    " VALUES (at(ms), at_ns(ms), id16(n), id16(trace), id8(span), severity, 1, 1, service, body, '{}')$$;"
    "CREATE OR REPLACE FUNCTION put_span(trace int, span int, parent int, ms float8, duration float8, service text, name text,"
    " status int DEFAULT 0, message text DEFAULT '') RETURNS void LANGUAGE sql AS $$"
    " INSERT INTO spans (trace_id, span_id, parent_span_id, start_time, start_ns, end_ns, kind, status, resource_id, scope_id,"
    " service, name, status_message, attributes) VALUES (id16(trace), id8(span), id8(parent), at(ms), at_ns(ms),"
    " at_ns(ms + duration), 2, status, 1, 1, service, name, message, '{\"k\": 1}')$$;"
    "CREATE OR REPLACE FUNCTION put_trace(trace int, ms float8, duration float8, service text, name text, status text,"
    " pattern int DEFAULT NULL, attributes jsonb DEFAULT '{}', embedding vector DEFAULT NULL, model text DEFAULT 'hash-v1')"
    " RETURNS void LANGUAGE sql AS $$"
    " INSERT INTO traces (trace_id, service, name, start_time, end_time, start_ns, end_ns, duration_ms, status, span_count,"
    " error_count, pattern_id, attributes, embedding, embedding_model) VALUES (id16(trace), service, name, at(ms),"
    " at(ms + duration), at_ns(ms), at_ns(ms + duration), duration, status, 1, 0, pattern, attributes, embedding, model)$$;"
    "INSERT INTO resources VALUES (1, 'shop', '{\"host\": \"h1\"}', 'https://resource', 3) ON CONFLICT DO NOTHING;"
    "INSERT INTO scopes VALUES (1, 'tracer', '1.2', '{\"s\": true}', 'https://scope', 4) ON CONFLICT DO NOTHING;";

static void make_partitions(void)
{
    static const char *const tables[] = {"spans", "logs", "metric_points"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (int day = 0; day < N_DAYS; day++) {
            char sql[SQL_MAX];
            (void)snprintf(sql, sizeof sql,
                           "CREATE TABLE %s_202301%d PARTITION OF %s FOR VALUES FROM (at(%d * 86400e3)) TO (at(%d * 86400e3))",
                           tables[i], 29 + day, tables[i], day, day + 1);
            question_put(sql);
        }
}

void question_schema(void)
{
    struct db_conn *c = db_conn_new(database_url(), "test");
    const struct db_wait wait = database_wait(WAIT_MS);
    struct err_info e = {.code = OK};
    int n_applied = 0;
    ck_assert_msg(db_migrate_run(c, &wait, &n_applied, &e) == OK, "%s %s", e.message, e.detail);
    db_conn_free(c);
    question_put(functions);
    make_partitions();
}

void question_open(struct question *q)
{
    *q = (struct question){.conn = db_conn_new(database_url(), "test"), .wait = database_wait(WAIT_MS)};
    ck_assert_ptr_nonnull(q->conn);
    arena_init(&q->arena, ARENA_MAX);
    buf_init(&q->seen, SEEN_MAX);
}

void question_close(struct question *q)
{
    db_conn_free(q->conn);
    buf_close(&q->seen);
    arena_close(&q->arena);
}

void question_put(const char *sql)
{
    database_exec(database_url(), sql);
}

void question_see(struct question *q, struct str word)
{
    if (q->seen.len > 0)
        buf_putc(&q->seen, ' ');
    buf_puts(&q->seen, word);
}

const char *question_seen(struct question *q)
{
    ck_assert(buf_is_ok(&q->seen));
    const struct str text = arena_copy(&q->arena, buf_str(&q->seen));
    ck_assert_ptr_nonnull(text.ptr);
    buf_clear(&q->seen);
    return text.ptr;
}

static struct str id_of(struct question *q, unsigned n, size_t size)
{
    unsigned char *id = arena_calloc(&q->arena, 1, size);
    ck_assert_ptr_nonnull(id);
    for (size_t i = 0; i < sizeof n; i++)
        id[size - 1 - i] = (unsigned char)(n >> (8 * i));
    return (struct str){(const char *)id, size};
}

struct str question_trace_id(struct question *q, unsigned n)
{
    return id_of(q, n, 16);
}

struct str question_span_id(struct question *q, unsigned n)
{
    return id_of(q, n, 8);
}

unsigned question_id_number(struct str id)
{
    unsigned n = 0;
    for (size_t i = 0; i < id.len; i++)
        n = n << 8 | (unsigned char)id.ptr[i];
    return n;
}

int64_t question_chunk(struct question *q)
{
    int64_t n_chunks = 0;
    for (int table = 0; table < DB_CHUNKED_TABLES; table++) {
        struct db_chunk_built done = {.is_due = true};
        while (done.is_due) {
            const enum err err = db_chunk_round(q->conn, &q->wait, (enum db_chunked)table,
                                                &(struct db_chunk_when){0, 1, 0}, &done, &q->e);
            ck_assert_msg(err == OK, "%s %s", q->e.message, q->e.detail);
            n_chunks += done.n_chunks;
        }
    }
    return n_chunks;
}

/* A session tells its counts when it ends, a moment after the client has left. */
static void wait_for_sessions(void)
{
    static const char *const others =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'test'";
    const int64_t deadline_ns = clock_mono_ns() + 10 * NS_PER_S;
    while (database_number(database_url(), others) > 0 && clock_mono_ns() < deadline_ns)
        (void)usleep(10000);
    ck_assert_int_eq(database_number(database_url(), others), 0);
}

int64_t question_n_reads(const char *table)
{
    char sql[SQL_MAX];
    wait_for_sessions();
    (void)snprintf(sql, sizeof sql, "SELECT coalesce(seq_scan, 0) + coalesce(idx_scan, 0) FROM pg_stat_user_tables"
                                    " WHERE relname = '%s'", table);
    return database_number(database_url(), sql);
}
