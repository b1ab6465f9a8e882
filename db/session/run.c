#include <stdio.h>

#include "core/clock.h"
#include "db/session/conn_internal.h"

enum { NUMBER_TEXT_MAX = 16, STEPS_MAX = 4 };

/* One db_run on its way: what was sent, in order, and what came back. All of it is one pipeline, so one round trip. */
enum run_step { STEP_TIMEOUT, STEP_PREPARE, STEP_STATEMENT, STEP_SYNC };

struct run {
    const struct db_statement *statement;
    bool is_anew; /* not prepared */
    enum run_step steps[STEPS_MAX];
    int n_steps;
    int n_done;
    int timeout_s;   /* what STEP_TIMEOUT sets */
    unsigned number; /* of the prepared statement */
    bool is_paid_for; /* rows are to be copied one by one, into the share of who asks */
    bool is_copied;   /* and are */
    struct db_rows copies;
    PGresult *rows;
    PGresult *failed; /* the first error */
};

/* A session that had a larger row to take in is not kept: libpq never gives back what it needed for that. */
enum { ROW_KEPT_MAX_BYTES = 4 << 20 };

static void run_init(struct run *run, const struct db_statement *s, bool is_anew, const struct db_params *p)
{
    *run = (struct run){.statement = s, .is_anew = is_anew, .is_paid_for = p->arena != NULL && p->arena->share != NULL};
    db_rows_init(&run->copies, run->is_paid_for ? p->arena->share : NULL);
}

static void run_auto(struct run *run)
{
    db_rows_close(&run->copies);
    PQclear(run->rows);
    PQclear(run->failed);
}

/* --- sending */

static unsigned prepared_number(const struct db_conn *c, const struct db_statement *s)
{
    for (int i = 0; i < c->n_prepared; i++)
        if (c->prepared[i].statement == s)
            return c->prepared[i].number;
    return 0;
}

static void prepared_add(struct db_conn *c, const struct db_statement *s, unsigned number)
{
    c->prepared[c->n_prepared++] = (struct db_prepared){.statement = s, .number = number};
}

static void prepared_forget(struct db_conn *c, const struct db_statement *s)
{
    for (int i = 0; i < c->n_prepared; i++)
        if (c->prepared[i].statement == s) {
            c->prepared[i] = c->prepared[--c->n_prepared];
            return;
        }
}

static bool send_timeout(struct db_conn *c, struct run *run)
{
    char text[NUMBER_TEXT_MAX];
    const char *const values[] = {text};
    (void)snprintf(text, sizeof text, "%ds", run->timeout_s);
    run->steps[run->n_steps++] = STEP_TIMEOUT;
    return PQsendQueryParams(c->pg, "SELECT set_config('statement_timeout', $1, false)", 1, NULL, values, NULL, NULL, 0) == 1;
}

static bool send_prepare(struct db_conn *c, struct run *run, const char *name, const struct db_params *p)
{
    run->steps[run->n_steps++] = STEP_PREPARE;
    return PQsendPrepare(c->pg, name, run->statement->sql, p->n, p->oids) == 1;
}

/* The unnamed statement is planned for its values, and forgotten. */
static bool send_anew(struct db_conn *c, struct run *run, const struct db_params *p, const int *binary)
{
    return PQsendQueryParams(c->pg, run->statement->sql, p->n, p->oids, p->values, p->lengths, binary, 1) == 1;
}

static bool send_statement(struct db_conn *c, struct run *run, const char *name, const struct db_params *p)
{
    static const int binary[DB_PARAMS_MAX] = {
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    };
    run->steps[run->n_steps++] = STEP_STATEMENT;
    if (run->is_anew)
        return send_anew(c, run, p, binary);
    return PQsendQueryPrepared(c->pg, name, p->n, p->values, p->lengths, binary, 1) == 1;
}

static enum err run_send(struct db_conn *c, struct run *run, const struct db_params *p, struct err_info *e)
{
    char name[NUMBER_TEXT_MAX];
    const unsigned known = prepared_number(c, run->statement);
    if (!run->is_anew && known == 0 && c->n_prepared == DB_STATEMENTS_MAX)
        return ERR_SET(e, ERR_INTERNAL, "there are more than %d different statements", DB_STATEMENTS_MAX);
    run->number = known != 0 || run->is_anew ? known : ++c->last_number;
    run->timeout_s = db_conn_timeout_to_set(c);
    (void)snprintf(name, sizeof name, "s%u", run->number);
    const bool is_sent = PQenterPipelineMode(c->pg) == 1 && (run->timeout_s == 0 || send_timeout(c, run)) &&
                         (run->is_anew || known != 0 || send_prepare(c, run, name, p)) && send_statement(c, run, name, p) &&
                         PQpipelineSync(c->pg) == 1;
    if (!is_sent)
        return db_conn_lost(c, e);
    run->steps[run->n_steps++] = STEP_SYNC;
    return db_conn_flush(c, e);
}

/* --- reading */

static void step_succeeded(struct db_conn *c, struct run *run, PGresult **result)
{
    switch (run->steps[run->n_done]) {
    case STEP_TIMEOUT:
        db_conn_timeout_was_set(c, run->timeout_s);
        break;
    case STEP_PREPARE:
        prepared_add(c, run->statement, run->number);
        break;
    case STEP_STATEMENT:
        run->rows = TAKE(*result);
        break;
    case STEP_SYNC:
        break;
    }
}

static bool result_is_error(const PGresult *result)
{
    const ExecStatusType status = PQresultStatus(result);
    return status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_PIPELINE_SYNC;
}

/* Copies rows as they come, up to the result that ends them or an error. */
static enum err run_rows(struct db_conn *c, struct run *run, PGresult **result, struct err_info *e)
{
    if (run->is_paid_for && run->steps[run->n_done] == STEP_STATEMENT)
        run->is_copied = PQsetSingleRowMode(c->pg) == 1;
    TRY(db_conn_next(c, result, e));
    while (PQresultStatus(*result) == PGRES_SINGLE_TUPLE) {
        db_rows_add(&run->copies, *result);
        PQclear(TAKE(*result));
        TRY(db_conn_next(c, result, e));
    }
    return OK;
}

/* Takes the result of the next step. After an error the rest, up to the sync, comes back as aborted. */
static enum err run_step(struct db_conn *c, struct run *run, struct err_info *e)
{
    AUTO(pg_result) PGresult *result = NULL;
    TRY(run_rows(c, run, &result, e));
    if (result == NULL && run->steps[run->n_done] != STEP_SYNC)
        return db_conn_lost(c, e);
    if (!result_is_error(result))
        step_succeeded(c, run, &result);
    else if (run->failed == NULL)
        run->failed = TAKE(result);
    return OK;
}

/* libpq ends the results of each command with a NULL, but not those of the sync. */
static enum err run_step_end(struct db_conn *c, const struct run *run, struct err_info *e)
{
    AUTO(pg_result) PGresult *end = NULL;
    if (run->steps[run->n_done] == STEP_SYNC)
        return OK;
    TRY(db_conn_next(c, &end, e));
    return end == NULL ? OK : db_conn_lost(c, e);
}

static enum err run_read(struct db_conn *c, struct run *run, struct err_info *e)
{
    for (run->n_done = 0; run->n_done < run->n_steps; run->n_done++) {
        TRY(run_step(c, run, e));
        if (run->failed != NULL && db_conn_is_last_word(run->failed))
            return db_conn_refused(c, run->failed, e);
        TRY(run_step_end(c, run, e));
    }
    return PQexitPipelineMode(c->pg) == 1 ? OK : db_conn_lost(c, e);
}

/* --- the whole */

static enum err run_take(struct run *run, struct db_result **out, struct err_info *e)
{
    if (run->copies.failed)
        return ERR_SET(e, ERR_NOMEM, "the answer is too large; ask for less, with a smaller limit or a narrower window");
    TRY(db_result_take(&run->rows, out, e));
    if (out == NULL || !run->is_copied)
        return OK;
    (*out)->is_copied = true;
    (*out)->rows = run->copies;
    db_rows_init(&run->copies, NULL);
    return OK;
}

static enum err run_whole(struct db_conn *c, const struct db_wait *wait, const struct db_statement *s, bool is_anew,
                          const struct db_params *p, struct db_result **out, struct err_info *e)
{
    AUTO(run) struct run run;
    run_init(&run, s, is_anew, p);
    TRY(db_conn_begin(c, wait, e));
    TRY(run_send(c, &run, p, e));
    TRY(run_read(c, &run, e));
    TRY(db_conn_end(c, run.failed, e));
    if (run.copies.largest_bytes > ROW_KEPT_MAX_BYTES && !c->in_transaction && !c->is_kept)
        db_conn_close(c);
    return run_take(&run, out, e);
}

static enum err run_once(struct db_conn *c, const struct db_wait *wait, const struct db_statement *s, bool is_anew,
                         const struct db_params *p, struct db_result **out, struct err_info *e)
{
    db_trail_before(c, wait, s, p);
    const int64_t started_ns = clock_mono_ns();
    const enum err code = run_whole(c, wait, s, is_anew, p, out, e);
    db_trail_after(c, s, p, clock_mono_ns() - started_ns, code == OK && out != NULL ? db_n_rows(*out) : 0);
    return code;
}

/* A statement that the server has forgotten, or whose plan a change of the schema made stale, is prepared anew; outside a
 * transaction nothing has happened yet, so it is also run again. */
enum err db_run(struct db_conn *c, const struct db_wait *wait, const struct db_statement *s, const struct db_params *p,
                struct db_result **out, struct err_info *e)
{
    static const struct db_params no_params = {.n = 0};
    struct err_info why = {.code = OK};
    if (p == NULL)
        p = &no_params;
    if (p->failed)
        return ERR_SET_NOMEM(e);
    enum err code = run_once(c, wait, s, false, p, out, &why);
    if (code != OK && db_conn_plan_is_stale(&why)) {
        prepared_forget(c, s);
        if (!c->in_transaction) {
            why = (struct err_info){.code = OK};
            code = run_once(c, wait, s, false, p, out, &why);
        }
    }
    db_conn_err_pass(e, &why);
    return code;
}

enum err db_run_anew(struct db_conn *c, const struct db_wait *wait, const struct db_statement *s, const struct db_params *p,
                     struct db_result **out, struct err_info *e)
{
    return p->failed ? ERR_SET_NOMEM(e) : run_once(c, wait, s, true, p, out, e);
}
