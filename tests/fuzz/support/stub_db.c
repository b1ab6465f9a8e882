#include "tests/fuzz/support/stub_db.h"

#include "api/endpoint/dispatch.h"
#include "api/endpoint/problem.h"
#include "api/endpoint/routes.h"
#include "db/session/conn_internal.h"
#include "db/session/types.h"
#include "tests/fuzz/fuzz.h"

enum { BODY_MAX_BYTES = 1 << 20, REPLY_MAX_BYTES = 16 << 20, MEMORY_MAX_BYTES = 256 << 20 };
enum { STATUS_MIN = 200, STATUS_END = 600, STATUS_ERROR = 400, STATUS_INTERNAL = 500 };

struct stub_db stub_db;

/* --- what would reach PostgreSQL */

static bool is_text_refused(const struct db_params *p, int i)
{
    const struct str value = {p->values[i], (size_t)p->lengths[i]};
    if (value.ptr == NULL || p->oids[i] != DB_OID_TEXT || fuzz_is_clean(value))
        return false;
    FUZZ_CHECK(stub_db.refuses_text, "parameter %d is a text that PostgreSQL refuses", i + 1);
    return true;
}

static void check_json(const struct db_params *p, int i)
{
    const struct str value = {p->values[i], (size_t)p->lengths[i]};
    if (value.ptr != NULL && p->oids[i] == DB_OID_JSONB)
        FUZZ_CHECK(value.len > 0 && fuzz_is_json((struct str){value.ptr + 1, value.len - 1}), "parameter %d is no jsonb", i + 1);
}

static enum err stub_call(const char *name, struct err_info *e)
{
    if (stub_db.n_statements++ < stub_db.n_before || stub_db.outcome == OK)
        return OK;
    return ERR_SET(e, stub_db.outcome, "the database that is none fails %s", name);
}

static enum err stub_rows(struct db_result **out, struct err_info *e)
{
    PGresult *rows = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    FUZZ_CHECK(rows != NULL, "out of memory");
    const enum err code = db_result_take(&rows, out, e);
    PQclear(rows);
    return code;
}

static enum err stub_run(const struct db_statement *s, const struct db_params *p, struct db_result **out, struct err_info *e)
{
    if (p != NULL && p->failed)
        return ERR_SET_NOMEM(e);
    for (int i = 0; p != NULL && i < p->n; i++) {
        check_json(p, i);
        if (is_text_refused(p, i))
            return ERR_SET(e, ERR_INVALID, "the database refuses this text");
    }
    TRY(stub_call(s->name, e));
    return stub_rows(out, e);
}

/* --- in place of db/session/run.c, db/session/exec.c and db/write/writer.c */

enum err db_run(struct db_conn *c, const struct db_wait *wait, const struct db_statement *s, const struct db_params *p,
                struct db_result **out, struct err_info *e)
{
    (void)c;
    (void)wait;
    return stub_run(s, p, out, e);
}

enum err db_run_anew(struct db_conn *c, const struct db_wait *wait, const struct db_statement *s, const struct db_params *p,
                     struct db_result **out, struct err_info *e)
{
    return db_run(c, wait, s, p, out, e);
}

enum err db_exec(struct db_conn *c, const struct db_wait *wait, const char *sql, struct db_result **out, struct err_info *e)
{
    (void)c;
    (void)wait;
    TRY(stub_call(sql, e));
    return stub_rows(out, e);
}

enum err db_commit(struct db_conn *c, const struct db_wait *wait, struct err_info *e)
{
    return db_exec(c, wait, "COMMIT", NULL, e);
}

enum err db_copy(struct db_conn *c, const struct db_wait *wait, const char *sql, struct str data, struct err_info *e)
{
    (void)c;
    (void)wait;
    FUZZ_CHECK(str_starts_with(data, STR("PGCOPY\n\377\r\n")), "what is copied has no header");
    return stub_call(sql, e);
}

void db_rollback(struct db_conn *c, const struct db_wait *wait)
{
    (void)c;
    (void)wait;
}

enum err db_writer_write(struct db_writer *w, const struct db_batch *batch, int64_t deadline_ns, struct db_written *out,
                         struct err_info *e)
{
    (void)w;
    (void)deadline_ns;
    TRY(stub_call("export", e));
    *out = (struct db_written){.n_stored = (int64_t)(batch->spans.n + batch->logs.n + batch->points.n)};
    return OK;
}

/* --- the world */

static bool stub_ready(void *arg, size_t i, const char **name, bool *is_ok, const char **why)
{
    (void)arg;
    *name = "database";
    *is_ok = stub_db.outcome == OK;
    *why = "it is none";
    return i == 0;
}

const struct api_world *stub_world(void)
{
    static struct api_world world;
    static max_align_t writer; /* nothing looks into it */
    if (world.vectors != NULL)
        return &world;
    fuzz_quiet();
    world.vectors = db_vector_board_new();
    FUZZ_CHECK(world.vectors != NULL, "out of memory");
    world.writer = (struct db_writer *)(void *)&writer;
    world.body_max_bytes = BODY_MAX_BYTES;
    world.wall_ns = fuzz_wall_ns;
    world.ready_check = stub_ready;
    return &world;
}

struct db_conn *stub_conn(void)
{
    static struct db_conn *conn;
    if (conn == NULL)
        conn = db_conn_new("", "fuzz");
    FUZZ_CHECK(conn != NULL, "out of memory");
    return conn;
}

/* --- replies */

static bool is_json_type(struct str content_type)
{
    return str_starts_with(content_type, STR("application/json")) || str_starts_with(content_type, STR("application/problem+json"));
}

void stub_check_reply(int status, struct str content_type, struct str body, const char *what)
{
    FUZZ_CHECK(status >= STATUS_MIN && status < STATUS_END, "%s: the status is %d", what, status);
    FUZZ_CHECK(status != STATUS_INTERNAL || stub_db.outcome == ERR_INTERNAL, "%s: 500 of what was sent: %.*s", what, STR_ARG(body));
    FUZZ_CHECK(status < STATUS_ERROR || content_type.len > 0, "%s: an error of no type", what);
    if (is_json_type(content_type) && body.len > 0)
        FUZZ_CHECK(fuzz_is_json(body), "%s: no JSON: %.*s", what, STR_ARG(body));
}

void stub_dispatch(struct api_req *req)
{
    struct budget whole;
    struct budget_share share;
    struct arena arena;
    struct api_reply reply = {0};
    struct err_info e = {0};
    struct str allow = {0};
    budget_init(&whole, MEMORY_MAX_BYTES);
    budget_share_init(&share, &whole, MEMORY_MAX_BYTES / 2);
    arena_init_share(&arena, &share);
    buf_init_share(&reply.body, REPLY_MAX_BYTES, &share);
    req->world = stub_world();
    req->arena = &arena;
    req->memory = &share;
    req->db = stub_conn();
    req->wait = (struct db_wait){.deadline_ns = INT64_MAX, .wake_fd = -1};
    if (api_route_find(req, &allow, &e) == OK)
        api_dispatch(req, &reply);
    else
        api_reply_error(req, &reply, &e);
    stub_check_reply(reply.status, str_of(reply.content_type), buf_str(&reply.body), req->route == NULL ? "no route" : req->route->name);
    buf_close(&reply.body);
    arena_close(&arena);
    FUZZ_CHECK(share.used_bytes == 0, "the request kept %zu bytes of its share", share.used_bytes);
    budget_share_close(&share);
}
