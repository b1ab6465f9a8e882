/* The writer's queue at its bound. More threads wait for it here than the service has workers. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "tests/integration/support/batches.h"

enum { N_MORE = 8, N_CALLERS = 1 + DB_WRITER_QUEUE_MAX + N_MORE, PATIENCE_S = 60 };

static struct db_writer *writer;
static struct db_conn *locker;
static atomic_int n_busy, n_stored, n_others;

static void setup(void)
{
    struct err_info e = {0};
    const struct db_wait wait = database_wait(PATIENCE_S * 1000);
    batches_schema();
    ck_assert_int_eq(db_writer_new(database_url(), NULL, 1, &writer, &e), OK);
    locker = db_conn_new(database_url(), "test_writer_queue");
    ck_assert_int_eq(db_exec(locker, &wait, "BEGIN", NULL, NULL), OK);
    ck_assert_int_eq(db_exec(locker, &wait, "LOCK TABLE spans IN ACCESS EXCLUSIVE MODE", NULL, NULL), OK);
}

static void teardown(void)
{
    db_conn_free(locker);
    db_writer_free(writer);
}

static void *write_one(void *arg)
{
    struct made_batch b;
    struct db_written written;
    struct err_info e = {0};
    made_batch_init(&b, DB_SIGNAL_TRACES, DB_ENCODING_JSON, "shop");
    (void)made_batch_add_span(&b, *(const unsigned *)arg, 1, 0, 0, "GET /");
    const enum err code = db_writer_write(writer, &b.batch, clock_mono_ns() + PATIENCE_S * NS_PER_S, &written, &e);
    atomic_fetch_add(code == OK ? &n_stored : code == ERR_BUSY ? &n_busy : &n_others, 1);
    made_batch_close(&b);
    return NULL;
}

static void await(const atomic_int *n, int least)
{
    const int64_t until = clock_mono_ns() + PATIENCE_S * NS_PER_S;
    while (atomic_load(n) < least) {
        ck_assert_msg(clock_mono_ns() < until, "%d, not %d", atomic_load(n), least);
        (void)nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_MS}, NULL);
    }
}

/* What the writer has taken waits for the lock, the queue behind it fills, and the rest is turned away at once. */
START_TEST(past_the_bound_a_batch_is_turned_away)
{
    static pthread_t threads[N_CALLERS];
    static unsigned numbers[N_CALLERS];
    for (unsigned i = 0; i < N_CALLERS; i++) {
        numbers[i] = i + 1;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_one, &numbers[i]), 0);
        if (i == 0)
            while (batches_number("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'spans'::regclass") == 0)
                (void)nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_MS}, NULL);
    }
    await(&n_busy, N_MORE);
    ck_assert_int_eq(atomic_load(&n_stored), 0);
    db_conn_free(locker);
    locker = NULL;
    for (unsigned i = 0; i < N_CALLERS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_int_eq(atomic_load(&n_others), 0);
    ck_assert_int_eq(atomic_load(&n_busy), N_MORE);
    ck_assert_int_eq(atomic_load(&n_stored), N_CALLERS - N_MORE);
    ck_assert_int_eq(batches_number("SELECT count(*) FROM spans"), N_CALLERS - N_MORE);
}
END_TEST

static TCase *tcase_writer_queue(void)
{
    TCase *tc = tcase_create("writer_queue");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, past_the_bound_a_batch_is_turned_away);
    return tc;
}

DATABASE_MAIN("writer_queue", tcase_writer_queue)
