/* The queue of slow questions at its bound. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/log.h"
#include "db/session/slow_query.h"
#include "tests/check_main.h"

enum { N_MORE = 3, TEXT_MAX = 64 << 10 };

static int log_fd;

static void setup(void)
{
    log_fd = memfd_create("log", MFD_CLOEXEC);
    ck_assert_int_ge(log_fd, 0);
    log_set_fd(log_fd);
}

static void teardown(void)
{
    log_set_fd(STDERR_FILENO);
    ck_assert_int_eq(close(log_fd), 0);
}

static size_t n_lines(void)
{
    static char text[TEXT_MAX];
    const ssize_t len = pread(log_fd, text, sizeof text, 0);
    size_t n = 0;
    for (ssize_t i = 0; i < len; i++)
        n += text[i] == '\n';
    return n;
}

/* No question is lost: past the bound its line comes at once, and there is room again for those after it. */
START_TEST(past_the_bound_a_line_comes_at_once)
{
    for (int round = 0; round < 2; round++) {
        const size_t n_before = n_lines();
        for (int64_t i = 0; i < DB_SLOW_QUERIES_MAX + N_MORE; i++)
            db_slow_query_put(&(struct db_slow_query){.query = "q", .took_ns = i});
        ck_assert_uint_eq(n_lines() - n_before, N_MORE);
        struct db_slow_query q;
        for (int64_t i = 0; i < DB_SLOW_QUERIES_MAX; i++) {
            ck_assert(db_slow_query_take(&q));
            ck_assert_int_eq(q.took_ns, i);
        }
        ck_assert(!db_slow_query_take(&q));
    }
}
END_TEST

static TCase *tcase_slow_query(void)
{
    TCase *tc = tcase_create("slow_query");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, past_the_bound_a_line_comes_at_once);
    return tc;
}

CHECK_MAIN("db/slow_query", tcase_slow_query)
