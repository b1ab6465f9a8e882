#include "db/write/writer_tx.h"

#include "core/clock.h"
#include "core/mem.h"
#include "db/write/copyrow.h"
#include "db/write/dead_letter.h"

/* The rows lo..hi of a batch. */
struct slice {
    const struct db_batch *batch;
    size_t lo, hi;
};

static const char no_partition[] = "23514";

enum err db_writer_session_init(struct db_writer_session *s, const char *url, struct db_partition_days *days,
                             struct db_writer_known *known, const atomic_bool *gives_commits_up, struct err_info *e)
{
    struct db_conn *const conn = db_conn_new(url, "tracekin writer");
    if (conn == NULL)
        return ERR_SET_NOMEM(e);
    *s = (struct db_writer_session){.conn = conn, .days = days, .known = known, .gives_commits_up = gives_commits_up};
    buf_init(&s->copy, DB_WRITER_ROW_MAX_BYTES);
    return OK;
}

void db_writer_session_close(struct db_writer_session *s)
{
    buf_close(&s->copy);
    db_conn_free(s->conn);
}

/* SQLSTATE classes: data exception, integrity constraint, program limit exceeded; and what jsonb says of \u0000. */
bool db_writer_is_refused(const struct err_info *e)
{
    return strncmp(e->sqlstate, "22", 2) == 0 || strncmp(e->sqlstate, "23", 2) == 0 || strncmp(e->sqlstate, "54", 2) == 0;
}

static enum err session_prepare(struct db_writer_session *s, const struct db_wait *wait, struct err_info *e)
{
    AUTO(buf) struct buf sql;
    buf_init(&sql, DB_WRITER_COPY_BYTES);
    BUF_LITERAL(&sql, "SET temp_buffers = '32MB';");
    for (size_t i = 0; i < DB_STORES; i++)
        buf_printf(&sql, "%s;", db_stores[i]->stage.create);
    for (size_t i = 0; i < DB_STORE_REFS; i++)
        buf_printf(&sql, "%s;", db_store_refs[i]->stage.create);
    buf_putc(&sql, '\0');
    if (!buf_is_ok(&sql))
        return ERR_SET_NOMEM(e);
    return db_exec(s->conn, wait, buf_str(&sql).ptr, NULL, e);
}

/* A lost session took its staging tables with it, and a server that took over may lack what the old one had committed. */
static enum err session_open(struct db_writer_session *s, const struct db_wait *wait, struct err_info *e)
{
    TRY(db_conn_open(s->conn, wait, e));
    if (db_conn_is_kept(s->conn))
        return OK;
    db_conn_keep(s->conn);
    db_writer_known_clear(s->known);
    const enum err code = session_prepare(s, wait, e);
    if (code != OK)
        db_conn_close(s->conn);
    return code;
}

static enum err ensure_partitions(struct db_writer_session *s, const struct db_wait *wait, const struct db_batch *batch,
                                  struct err_info *e)
{
    const struct db_store *const store = db_stores[batch->signal];
    int64_t last_day = INT64_MIN;
    for (size_t i = 0; i < store->n_rows(batch); i++) {
        const int64_t day = clock_day(store->time_ns(batch, i));
        if (day != last_day)
            TRY(db_partition_days_ensure(s->days, s->conn, wait, store->table, day, e));
        last_day = day;
    }
    return OK;
}

/* Sends what has been built, when there is enough of it or nothing follows. A buffer without memory for its first row is empty, too:
 * it must not pass for one without rows. */
static enum err copy_flush(struct db_writer_session *s, const struct db_wait *wait, const struct db_stage *stage, bool is_last,
                           struct err_info *e)
{
    const bool has_enough = s->copy.len > 0 && (is_last || s->copy.len >= DB_WRITER_COPY_BYTES);
    if (buf_is_ok(&s->copy) && !has_enough)
        return OK;
    db_copyrow_end(&s->copy);
    enum err code = OK;
    if (buf_is_ok(&s->copy))
        code = db_copy(s->conn, wait, stage->copy, buf_str(&s->copy), e);
    else
        code = ERR_SET_NOMEM(e);
    buf_clear(&s->copy);
    return code;
}

static struct buf *copy_row(struct db_writer_session *s)
{
    if (s->copy.len == 0)
        db_copyrow_begin(&s->copy);
    return &s->copy;
}

static enum err merge(struct db_writer_session *s, const struct db_wait *wait, const struct db_stage *stage, int64_t *n_stored,
                      struct err_info *e)
{
    struct db_params none;
    db_params_init(&none, NULL);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(s->conn, wait, &stage->merge, &none, &r, e));
    *n_stored += db_get_i64(r, 0, 0);
    return OK;
}

/* Marks the rows of a reference table that the slice points to. */
static void mark_used(const struct slice *slice, const struct db_store_ref *ref, bool *used)
{
    const struct db_store *const store = db_stores[slice->batch->signal];
    for (size_t i = slice->lo; i < slice->hi; i++) {
        const struct db_store_refs refs = store->refs(slice->batch, i);
        used[ref->pick(&refs)] = true;
    }
}

static enum err stage_refs(struct db_writer_session *s, const struct db_wait *wait, const struct slice *slice,
                           const struct db_store_ref *ref, size_t *n_staged, struct err_info *e)
{
    const size_t n = ref->n_rows(slice->batch);
    if (n == 0)
        return OK;
    AUTO(buf) struct buf used;
    buf_init(&used, n);
    char *const marks = buf_reserve(&used, n);
    if (marks == NULL)
        return ERR_SET_NOMEM(e);
    memset(marks, 0, n);
    mark_used(slice, ref, (bool *)marks);
    for (size_t i = 0; i < n; i++) {
        if (!marks[i] || db_writer_known_has(s->known, ref->id(slice->batch, i)))
            continue;
        ref->put_row(copy_row(s), slice->batch, i);
        ++*n_staged;
        TRY(copy_flush(s, wait, &ref->stage, false, e));
    }
    return OK;
}

static enum err store_refs(struct db_writer_session *s, const struct db_wait *wait, const struct slice *slices, size_t n_slices,
                           const struct db_store_ref *ref, struct err_info *e)
{
    size_t n_staged = 0;
    int64_t n_new = 0;
    for (size_t i = 0; i < n_slices; i++)
        TRY(stage_refs(s, wait, &slices[i], ref, &n_staged, e));
    TRY(copy_flush(s, wait, &ref->stage, true, e));
    return n_staged == 0 ? OK : merge(s, wait, &ref->stage, &n_new, e);
}

static enum err store_rows(struct db_writer_session *s, const struct db_wait *wait, const struct slice *slices, size_t n_slices,
                           const struct db_store *store, int64_t *n_stored, struct err_info *e)
{
    size_t n_staged = 0;
    for (size_t i = 0; i < n_slices; i++) {
        if (slices[i].batch->signal != store->signal)
            continue;
        for (size_t row = slices[i].lo; row < slices[i].hi; row++) {
            store->put_row(copy_row(s), slices[i].batch, row);
            n_staged++;
            TRY(copy_flush(s, wait, &store->stage, false, e));
        }
    }
    TRY(copy_flush(s, wait, &store->stage, true, e));
    return n_staged == 0 ? OK : merge(s, wait, &store->stage, n_stored, e);
}

/* Always in the same order of tables, and sorted within each, so that two writers cannot wait for each other in a ring. */
static enum err store_slices(struct db_writer_session *s, const struct db_wait *wait, const struct slice *slices,
                             size_t n_slices, int64_t *n_stored, struct err_info *e)
{
    buf_clear(&s->copy);
    for (size_t i = 0; i < DB_STORE_REFS; i++)
        TRY(store_refs(s, wait, slices, n_slices, db_store_refs[i], e));
    for (size_t i = 0; i < DB_STORES; i++)
        TRY(store_rows(s, wait, slices, n_slices, db_stores[i], n_stored, e));
    return OK;
}

static void know_refs(struct db_writer_session *s, const struct db_batch *batch)
{
    for (size_t kind = 0; kind < DB_STORE_REFS; kind++)
        for (size_t i = 0; i < db_store_refs[kind]->n_rows(batch); i++)
            db_writer_known_add(s->known, db_store_refs[kind]->id(batch, i));
}

static enum err begin(struct db_writer_session *s, const struct db_wait *wait, const struct db_batch *const *batches,
                      size_t n_batches, struct err_info *e)
{
    TRY(session_open(s, wait, e));
    for (size_t i = 0; i < n_batches; i++)
        TRY(ensure_partitions(s, wait, batches[i], e));
    return db_stage_begin(s->conn, wait, e);
}

/* What is cancelled before its COMMIT was not stored; after it, nobody can tell. */
static enum err commit(struct db_writer_session *s, const struct db_wait *wait, struct err_info *e)
{
    const struct db_wait patient = {
        .deadline_ns = wait->deadline_ns, .cancelled = s->gives_commits_up, .wake_fd = wait->wake_fd};
    return db_commit(s->conn, &patient, e);
}

static enum err try_together(struct db_writer_session *s, const struct db_wait *wait, const struct db_batch *const *batches,
                             size_t n_batches, int64_t *n_stored, struct err_info *e)
{
    struct slice slices[DB_WRITER_QUEUE_MAX];
    for (size_t i = 0; i < n_batches; i++)
        slices[i] = (struct slice){batches[i], 0, db_stores[batches[i]->signal]->n_rows(batches[i])};
    *n_stored = 0;
    TRY(begin(s, wait, batches, n_batches, e));
    TRY(store_slices(s, wait, slices, n_batches, n_stored, e));
    return commit(s, wait, e);
}

/* --- trying again */

/* The tries of a transaction. One that may have been committed leaves that open, unless a later one is. */
struct tries {
    int n;
    struct err_info last, open;
};

static bool may_be_undone(const struct db_writer_session *s, const struct err_info *e)
{
    return (e->code == ERR_UNAVAILABLE || e->code == ERR_OUTCOME_UNKNOWN) && !db_conn_is_open(s->conn);
}

/* Rows are keyed, so a transaction whose fate is unknown may always be tried again. */
static bool is_worth_another_try(struct db_writer_session *s, const struct err_info *e)
{
    if (strcmp(e->sqlstate, no_partition) == 0) {
        db_partition_days_forget(s->days);
        return true;
    }
    return strncmp(e->sqlstate, "40", 2) == 0 || may_be_undone(s, e);
}

/* After a try that failed: whether there is to be another. */
static bool tries_go_on(struct tries *t, struct db_writer_session *s, const struct db_wait *wait)
{
    if (t->last.code == ERR_OUTCOME_UNKNOWN)
        t->open = t->last;
    db_rollback(s->conn, wait);
    if (++t->n == DB_WRITER_TRIES_MAX || !is_worth_another_try(s, &t->last))
        return false;
    t->last = (struct err_info){.code = OK};
    return true;
}

static enum err tries_end(const struct tries *t, struct err_info *e)
{
    const struct err_info *const why = t->open.code != OK ? &t->open : &t->last;
    if (e != NULL)
        *e = *why;
    return why->code;
}

enum err db_writer_tx_together(struct db_writer_session *s, const struct db_wait *wait, const struct db_batch *const *batches,
                            size_t n_batches, int64_t *n_stored, struct err_info *e)
{
    struct tries tries = {.n = 0};
    do {
        if (try_together(s, wait, batches, n_batches, n_stored, &tries.last) == OK) {
            for (size_t i = 0; i < n_batches; i++)
                know_refs(s, batches[i]);
            return OK;
        }
    } while (tries_go_on(&tries, s, wait));
    return tries_end(&tries, e);
}

/* --- one batch, row by row */

/* Halves the slice until what is refused is one row. */
static enum err sift(struct db_writer_session *s, const struct db_wait *wait, const struct slice *slice, struct db_written *out,
                     struct err_info *e)
{
    struct err_info reason = {0};
    int64_t n_stored = 0;
    TRY(db_exec(s->conn, wait, "SAVEPOINT sift", NULL, e));
    if (store_slices(s, wait, slice, 1, &n_stored, &reason) == OK) {
        out->n_stored += n_stored;
        out->n_duplicate += (int64_t)(slice->hi - slice->lo) - n_stored;
        return db_exec(s->conn, wait, "RELEASE sift", NULL, e);
    }
    if (!db_writer_is_refused(&reason) || strcmp(reason.sqlstate, no_partition) == 0) {
        if (e != NULL)
            *e = reason;
        return reason.code;
    }
    TRY(db_exec(s->conn, wait, "ROLLBACK TO sift; RELEASE sift", NULL, e));
    if (slice->hi - slice->lo == 1) {
        out->n_dead++;
        return db_dead_letter_add(s->conn, wait, db_stores[slice->batch->signal], slice->batch, slice->lo, &reason, e);
    }
    const size_t middle = slice->lo + (slice->hi - slice->lo) / 2;
    TRY(sift(s, wait, &(struct slice){slice->batch, slice->lo, middle}, out, e));
    return sift(s, wait, &(struct slice){slice->batch, middle, slice->hi}, out, e);
}

static enum err try_sifted(struct db_writer_session *s, const struct db_wait *wait, const struct db_batch *batch,
                           struct db_written *out, struct err_info *e)
{
    const size_t n_rows = db_stores[batch->signal]->n_rows(batch);
    *out = (struct db_written){0};
    TRY(begin(s, wait, &batch, 1, e));
    if (n_rows > 0)
        TRY(sift(s, wait, &(struct slice){batch, 0, n_rows}, out, e));
    return commit(s, wait, e);
}

enum err db_writer_tx_sifted(struct db_writer_session *s, const struct db_wait *wait, const struct db_batch *batch,
                          struct db_written *out, struct err_info *e)
{
    struct tries tries = {.n = 0};
    do {
        if (try_sifted(s, wait, batch, out, &tries.last) == OK)
            return OK;
    } while (tries_go_on(&tries, s, wait));
    return tries_end(&tries, e);
}
