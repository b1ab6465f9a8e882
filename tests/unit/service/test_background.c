/* A background job ends when it is freed, whatever its step is at. */
#include <poll.h>
#include <unistd.h>

#include "core/clock.h"
#include "service/job/background.h"
#include "tests/check_main.h"

enum { HOUR_MS = 3600 * 1000, SOON_MS = 20000 };

static atomic_bool is_at_work;

/* Waits for the stop as a wait for the database does, which reads what woke it, and then sleeps as if nothing had been. */
static int take_the_wake(void *arg, struct db_conn *conn, const struct db_wait *wait)
{
    (void)arg;
    (void)conn;
    struct pollfd wake = {.fd = wait->wake_fd, .events = POLLIN};
    uint64_t n_wakes = 0;
    atomic_store(&is_at_work, true);
    (void)poll(&wake, 1, SOON_MS);
    ck_assert(atomic_load(wait->cancelled));
    ck_assert_int_eq(read(wait->wake_fd, &n_wakes, sizeof n_wakes), (ssize_t)sizeof n_wakes);
    return HOUR_MS;
}

/* Is never told. */
static int sleep_at_once(void *arg, struct db_conn *conn, const struct db_wait *wait)
{
    (void)arg;
    (void)conn;
    (void)wait;
    atomic_store(&is_at_work, true);
    return HOUR_MS;
}

static const struct service_background_job jobs[] = {{"waits", 1, take_the_wake, NULL}, {"sleeps", 1, sleep_at_once, NULL}};

START_TEST(a_job_is_ended_in_its_step_and_in_its_sleep)
{
    struct service_background *b = NULL;
    struct err_info e = {.code = OK};
    atomic_store(&is_at_work, false);
    ck_assert_int_eq(service_background_new(&jobs[_i], "postgresql://nobody@/none?host=/nonexistent", &b, &e), OK);
    while (!atomic_load(&is_at_work))
        (void)poll(NULL, 0, 1);
    const int64_t start_ns = clock_mono_ns();
    service_background_free(b);
    ck_assert_int_lt(clock_mono_ns() - start_ns, SOON_MS * NS_PER_MS);
}
END_TEST

static TCase *background_case(void)
{
    TCase *c = tcase_create("background");
    tcase_add_loop_test(c, a_job_is_ended_in_its_step_and_in_its_sleep, 0, (int)ARRAY_LEN(jobs));
    return c;
}

CHECK_MAIN("service/background", background_case)
