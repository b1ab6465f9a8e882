#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "db/session/conn_internal.h"
#include "tests/check_main.h"

enum { SOON_MS = 50, ENOUGH_MS = 10000 };

static int fd;

static void setup(void) { fd = eventfd(0, EFD_NONBLOCK); }
static void teardown(void) { (void)close(fd); }

static struct db_wait after_ms(int ms)
{
    return (struct db_wait){.deadline_ns = clock_mono_ns() + ms * NS_PER_MS, .wake_fd = -1};
}

START_TEST(what_is_ready_ends_a_wait)
{
    const struct db_wait wait = after_ms(ENOUGH_MS);
    ck_assert_int_eq(db_wait_ready(&wait, fd, POLLOUT), OK);
}
END_TEST

START_TEST(a_deadline_ends_a_wait)
{
    const struct db_wait wait = after_ms(SOON_MS);
    ck_assert_int_eq(db_wait_ready(&wait, fd, POLLIN), ERR_TIMEOUT);
    ck_assert_int_ge(clock_mono_ns(), wait.deadline_ns);
}
END_TEST

START_TEST(a_deadline_ends_a_wait_for_what_is_always_ready)
{
    const struct db_wait wait = after_ms(SOON_MS);
    const int64_t enough_ns = clock_mono_ns() + ENOUGH_MS * NS_PER_MS;
    enum err code = OK;
    while (code == OK && clock_mono_ns() < enough_ns)
        code = db_wait_ready(&wait, fd, POLLOUT);
    ck_assert_int_eq(code, ERR_TIMEOUT);
}
END_TEST

START_TEST(a_cancelled_wait_ends_at_once)
{
    const atomic_bool is_cancelled = true;
    struct db_wait wait = after_ms(ENOUGH_MS);
    wait.cancelled = &is_cancelled;
    ck_assert_int_eq(db_wait_ready(&wait, fd, POLLOUT), ERR_CANCELLED);
}
END_TEST

static TCase *tcase_wait(void)
{
    TCase *t = tcase_create("wait");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, what_is_ready_ends_a_wait);
    tcase_add_test(t, a_deadline_ends_a_wait);
    tcase_add_test(t, a_deadline_ends_a_wait_for_what_is_always_ready);
    tcase_add_test(t, a_cancelled_wait_ends_at_once);
    return t;
}

CHECK_MAIN("wait", tcase_wait)
