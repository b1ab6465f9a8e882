#include "db/write/writer.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "db/write/writer_metrics.h"
#include "db/write/writer_tx.h"

/* A transaction takes queued batches until it holds this much; it always takes one. */
enum { TX_ROWS_MAX = 32768, TX_BYTES_MAX = 64 << 20, THREADS_MAX = 64 };

/* A blocked caller's batch; on its stack. */
struct job {
    const struct db_batch *batch;
    int64_t deadline_ns;
    enum { JOB_QUEUED, JOB_TAKEN, JOB_DONE } state;
    struct db_written written;
    enum err code;
    struct err_info error;
    struct job *next;
};

struct db_writer {
    pthread_mutex_t lock; /* guards the queue and the state of every job */
    pthread_cond_t work, done;
    struct job *first, **last;
    size_t n_queued, n_taken;
    bool is_stopping;
    unsigned n_pings;
    atomic_bool is_cancelled, gives_commits_up;
    struct db_partition_days *days;
    struct db_writer_known *known;
    int n_threads;
    struct thread {
        struct db_writer *writer;
        bool is_idle; /* this and the next two under the lock */
        unsigned n_pongs; /* what n_pings was when it last woke */
        int64_t busy_until_ns; /* the last deadline of the jobs that it has */
        struct db_writer_session session;
        int wake_fd;
        pthread_t id;
    } threads[THREADS_MAX];
};

/* The jobs of one transaction. */
struct group {
    struct job *jobs[DB_WRITER_QUEUE_MAX];
    size_t n;
};

static size_t job_n_rows(const struct job *j)
{
    return db_stores[j->batch->signal]->n_rows(j->batch);
}

static void queue_push(struct db_writer *w, struct job *j)
{
    j->next = NULL;
    *w->last = j;
    w->last = &j->next;
    w->n_queued++;
    db_writer_metrics_queued(1);
}

static void queue_remove(struct db_writer *w, struct job *j)
{
    struct job **at = &w->first;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    if (w->last == &j->next)
        w->last = at;
    w->n_queued--;
    db_writer_metrics_queued(-1);
}

static void job_expire(struct job *j)
{
    j->code = ERR_SET(&j->error, ERR_TIMEOUT, "the batch was not stored in time; send it again");
}

static void job_cancel(struct job *j)
{
    j->code = ERR_SET(&j->error, ERR_CANCELLED, "the service is stopping; send the batch again");
}

/* Waits until some job is done; under the lock. */
static void wait_change(struct db_writer *w, int64_t deadline_ns)
{
    const struct timespec until = {.tv_sec = deadline_ns / NS_PER_S, .tv_nsec = deadline_ns % NS_PER_S};
    pthread_cond_timedwait(&w->done, &w->lock, &until);
}

/* Finishes jobs whose callers are late to see that their time is over: in a group they would end its transaction before it
 * has begun. */
static void expire_queued(struct db_writer *w)
{
    struct job *next = NULL;
    for (struct job *j = w->first; j != NULL; j = next) {
        next = j->next;
        if (clock_left_ms(j->deadline_ns) > 0)
            continue;
        queue_remove(w, j);
        job_expire(j);
        j->state = JOB_DONE;
        pthread_cond_broadcast(&w->done);
    }
}

static void answer_ping(struct thread *t)
{
    if (t->n_pongs == t->writer->n_pings)
        return;
    t->n_pongs = t->writer->n_pings;
    pthread_cond_broadcast(&t->writer->done);
}

/* Until there is work, or somebody wants to know whether the thread still wakes. */
static void wait_work(struct thread *t)
{
    struct db_writer *const w = t->writer;
    t->is_idle = true;
    answer_ping(t);
    pthread_cond_wait(&w->work, &w->lock);
    t->is_idle = w->first == NULL;
    answer_ping(t);
}

/* Blocks until there is work; leaves the group empty when there is none and there will be none. */
static void take_group(struct thread *t, struct group *g)
{
    struct db_writer *const w = t->writer;
    size_t n_rows = 0;
    size_t n_bytes = 0;
    g->n = 0;
    pthread_mutex_lock(&w->lock);
    expire_queued(w);
    while (w->first == NULL && !w->is_stopping) {
        wait_work(t);
        expire_queued(w);
    }
    t->is_idle = false;
    t->busy_until_ns = 0;
    while (w->first != NULL && g->n < DB_WRITER_QUEUE_MAX) {
        struct job *const j = w->first;
        n_rows += job_n_rows(j);
        n_bytes += j->batch->arena->used_bytes;
        if (g->n > 0 && (n_rows > TX_ROWS_MAX || n_bytes > TX_BYTES_MAX))
            break;
        queue_remove(w, j);
        j->state = JOB_TAKEN;
        g->jobs[g->n++] = j;
        if (j->deadline_ns > t->busy_until_ns)
            t->busy_until_ns = j->deadline_ns;
    }
    w->n_taken += g->n;
    pthread_mutex_unlock(&w->lock);
}

/* Gives jobs back to their callers, on whose stacks they are: they are gone after it. */
static void finish(struct db_writer *w, struct job *const *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (jobs[i]->code == OK)
            db_writer_metrics_written(jobs[i]->batch->signal, &jobs[i]->written);
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < n; i++)
        jobs[i]->state = JOB_DONE;
    w->n_taken -= n;
    pthread_cond_broadcast(&w->done);
    pthread_mutex_unlock(&w->lock);
}

/* PostgreSQL tells how many rows of the transaction were new, not whose: the first batches are charged with the
 * duplicates. The sum is exact, and so is a batch that had the transaction for itself. */
static void share_counts(struct group *g, int64_t n_stored)
{
    int64_t n_duplicate = -n_stored;
    for (size_t i = 0; i < g->n; i++)
        n_duplicate += (int64_t)job_n_rows(g->jobs[i]);
    for (size_t i = 0; i < g->n; i++) {
        const int64_t n_rows = (int64_t)job_n_rows(g->jobs[i]);
        const int64_t n_own = n_duplicate < n_rows ? n_duplicate : n_rows;
        g->jobs[i]->written = (struct db_written){.n_stored = n_rows - n_own, .n_duplicate = n_own};
        n_duplicate -= n_own;
    }
}

static struct db_wait thread_wait(const struct thread *t, int64_t deadline_ns)
{
    return (struct db_wait){.deadline_ns = deadline_ns, .cancelled = &t->writer->is_cancelled, .wake_fd = t->wake_fd};
}

static void store_alone(struct thread *t, struct job *j)
{
    const int64_t start_ns = clock_mono_ns();
    const struct db_wait wait = thread_wait(t, j->deadline_ns);
    j->error = (struct err_info){0};
    j->code = db_writer_tx_sifted(&t->session, &wait, j->batch, &j->written, &j->error);
    if (j->code == OK)
        db_writer_metrics_committed(1, (double)(clock_mono_ns() - start_ns) / (double)NS_PER_S);
}

/* The least deadline of the group ends its transaction. */
static enum err store_together(struct thread *t, struct group *g, struct err_info *e)
{
    const int64_t start_ns = clock_mono_ns();
    const struct db_batch *batches[DB_WRITER_QUEUE_MAX];
    struct db_wait wait = thread_wait(t, INT64_MAX);
    int64_t n_stored = 0;
    for (size_t i = 0; i < g->n; i++) {
        batches[i] = g->jobs[i]->batch;
        if (g->jobs[i]->deadline_ns < wait.deadline_ns)
            wait.deadline_ns = g->jobs[i]->deadline_ns;
    }
    TRY(db_writer_tx_together(&t->session, &wait, batches, g->n, &n_stored, e));
    share_counts(g, n_stored);
    db_writer_metrics_committed(g->n, (double)(clock_mono_ns() - start_ns) / (double)NS_PER_S);
    return OK;
}

static int compare_deadlines(const void *a, const void *b)
{
    const int64_t x = (*(struct job *const *)a)->deadline_ns;
    const int64_t y = (*(struct job *const *)b)->deadline_ns;
    return (x > y) - (x < y);
}

/* Whether a batch has better chances alone: it may have been another's row that was refused, or another's time that was over. */
static bool is_worth_going_alone(const struct job *j)
{
    const bool ran_out = j->code == ERR_TIMEOUT || j->code == ERR_OUTCOME_UNKNOWN;
    return db_writer_is_refused(&j->error) || (ran_out && clock_left_ms(j->deadline_ns) > 0);
}

/* Fails only as far as it did together: what may be stored since then still may be. */
static void store_alone_too(struct thread *t, struct job *j)
{
    const struct err_info together = j->error;
    store_alone(t, j);
    if (j->code == OK || together.code != ERR_OUTCOME_UNKNOWN)
        return;
    j->code = together.code;
    j->error = together;
}

/* When the transaction of all failed, those that have time left go alone if that may help, each given back before the next
 * begins. The one with the least time goes first, so none keeps another past its deadline. */
static void store_group(struct thread *t, struct group *g)
{
    struct err_info error = {0};
    const enum err code = store_together(t, g, &error);
    if (code == OK) {
        finish(t->writer, g->jobs, g->n);
        return;
    }
    qsort(g->jobs, g->n, sizeof *g->jobs, compare_deadlines);
    for (size_t i = 0; i < g->n; i++) {
        struct job *const j = g->jobs[i];
        j->code = code;
        j->error = error;
        if (is_worth_going_alone(j))
            store_alone_too(t, j);
        finish(t->writer, &j, 1);
    }
}

static void *run(void *arg)
{
    struct thread *const t = arg;
    struct group g = {.n = 0};
    (void)pthread_setname_np(pthread_self(), "tk-writer");
    for (;;) {
        take_group(t, &g);
        if (g.n == 0)
            return NULL;
        store_group(t, &g);
    }
}

static void thread_close(struct thread *t)
{
    db_writer_session_close(&t->session);
    if (t->wake_fd >= 0)
        (void)close(t->wake_fd);
}

static enum err start_threads(struct db_writer *w, const char *url, int n_threads, struct err_info *e)
{
    for (; w->n_threads < n_threads; w->n_threads++) {
        struct thread *const t = &w->threads[w->n_threads];
        t->writer = w;
        TRY(db_writer_session_init(&t->session, url, w->days, w->known, &w->gives_commits_up, e));
        t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (t->wake_fd < 0 || pthread_create(&t->id, NULL, run, t) != 0) {
            thread_close(t);
            return ERR_SET(e, ERR_INTERNAL, "a writer cannot be started: raise the limits of files and threads");
        }
    }
    return OK;
}

static void init_waits(struct db_writer *w)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, NULL);
    pthread_cond_init(&w->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

enum err db_writer_new(const char *url, const char *owner_url, int n_threads, struct db_writer **out, struct err_info *e)
{
    struct db_writer *const w = mem_calloc(1, sizeof *w);
    if (w == NULL)
        return ERR_SET_NOMEM(e);
    init_waits(w);
    db_writer_metrics_init();
    w->last = &w->first;
    w->days = db_partition_days_new(owner_url);
    w->known = db_writer_known_new();
    const bool has_all = w->days != NULL && w->known != NULL;
    const enum err code =
        has_all ? start_threads(w, url, n_threads < THREADS_MAX ? n_threads : THREADS_MAX, e) : ERR_SET_NOMEM(e);
    if (code != OK)
        db_writer_free(w);
    else
        *out = w;
    return code;
}

void db_writer_free(struct db_writer *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->is_stopping = true;
    pthread_cond_broadcast(&w->work);
    pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < w->n_threads; i++) {
        pthread_join(w->threads[i].id, NULL);
        thread_close(&w->threads[i]);
    }
    db_partition_days_free(w->days);
    db_writer_known_free(w->known);
    pthread_cond_destroy(&w->done);
    pthread_cond_destroy(&w->work);
    pthread_mutex_destroy(&w->lock);
    mem_free(w);
}

/* --- cancelling */

static void wake_threads(struct db_writer *w)
{
    for (int i = 0; i < w->n_threads; i++)
        (void)eventfd_write(w->threads[i].wake_fd, 1);
}

static void cancel_queued(struct db_writer *w)
{
    while (w->first != NULL) {
        struct job *const j = w->first;
        queue_remove(w, j);
        job_cancel(j);
        j->state = JOB_DONE;
    }
    pthread_cond_broadcast(&w->done);
}

static void wait_taken(struct db_writer *w, int64_t deadline_ns)
{
    while (w->n_taken > 0 && clock_left_ms(deadline_ns) > 0)
        wait_change(w, deadline_ns);
}

void db_writer_cancel(struct db_writer *w)
{
    pthread_mutex_lock(&w->lock);
    atomic_store(&w->is_cancelled, true);
    cancel_queued(w);
    wake_threads(w);
    wait_taken(w, clock_mono_ns() + DB_WRITER_COMMIT_GRACE_MS * NS_PER_MS);
    atomic_store(&w->gives_commits_up, true);
    wake_threads(w);
    pthread_mutex_unlock(&w->lock);
}

/* --- whether it lives */

static bool all_live(const struct db_writer *w, int64_t then_ns)
{
    for (int i = 0; i < w->n_threads; i++) {
        const struct thread *const t = &w->threads[i];
        if (t->is_idle ? t->n_pongs != w->n_pings : t->busy_until_ns < then_ns)
            return false;
    }
    return true;
}

bool db_writer_is_stuck(struct db_writer *w, int64_t then_ns, int64_t deadline_ns)
{
    pthread_mutex_lock(&w->lock);
    w->n_pings++;
    pthread_cond_broadcast(&w->work);
    while (!all_live(w, then_ns) && clock_left_ms(deadline_ns) > 0)
        wait_change(w, deadline_ns);
    const bool is_stuck = !all_live(w, then_ns);
    pthread_mutex_unlock(&w->lock);
    return is_stuck;
}

/* --- writing */

/* A batch that a transaction has taken is waited for past the deadline: the transaction reads it, and ends by then too. */
static void wait_done(struct db_writer *w, struct job *j)
{
    while (j->state == JOB_QUEUED && clock_left_ms(j->deadline_ns) > 0)
        wait_change(w, j->deadline_ns);
    if (j->state == JOB_QUEUED) {
        queue_remove(w, j);
        job_expire(j);
        return;
    }
    while (j->state != JOB_DONE)
        pthread_cond_wait(&w->done, &w->lock);
}

enum err db_writer_write(struct db_writer *w, const struct db_batch *batch, int64_t deadline_ns, struct db_written *out,
                         struct err_info *e)
{
    struct job j = {.batch = batch, .deadline_ns = deadline_ns};
    if (job_n_rows(&j) == 0) {
        *out = (struct db_written){0};
        return OK;
    }
    pthread_mutex_lock(&w->lock);
    if (atomic_load(&w->is_cancelled)) {
        job_cancel(&j);
    } else if (w->n_queued == DB_WRITER_QUEUE_MAX) {
        j.code = ERR_SET(&j.error, ERR_BUSY, "too many batches are waiting to be stored; send this one again in a moment");
    } else {
        queue_push(w, &j);
        pthread_cond_signal(&w->work);
        wait_done(w, &j);
    }
    pthread_mutex_unlock(&w->lock);
    if (j.code == OK)
        *out = j.written;
    else if (e != NULL)
        *e = j.error;
    return j.code;
}
