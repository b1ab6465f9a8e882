#include "service/http/connections.h"

#include "core/clock.h"
#include "tests/check_main.h"

static struct service_connections connections;
static int64_t now_ns;

static void setup(void)
{
    connections = (struct service_connections){0};
    now_ns = 100 * NS_PER_S;
}

static size_t count(void)
{
    return service_connections_count(&connections, now_ns);
}

static void pass_ms(int64_t ms)
{
    now_ns += ms * NS_PER_MS;
}

START_TEST(each_is_counted_from_its_coming_to_its_end)
{
    service_connections_added(&connections, now_ns);
    service_connections_added(&connections, now_ns);
    ck_assert_uint_eq(count(), 2);
    service_connections_opened(&connections);
    ck_assert_uint_eq(count(), 2);
    service_connections_refused(&connections);
    ck_assert_uint_eq(count(), 1);
    pass_ms(SERVICE_CONNECTIONS_SETTLE_MS);
    ck_assert_uint_eq(count(), 1);
    service_connections_closed(&connections);
    ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(what_was_dropped_is_forgotten_once_nobody_comes)
{
    for (int i = 0; i < 5; i++)
        service_connections_added(&connections, now_ns);
    service_connections_opened(&connections);
    pass_ms(SERVICE_CONNECTIONS_SETTLE_MS - 1);
    ck_assert_uint_eq(count(), 5);
    pass_ms(1);
    ck_assert_uint_eq(count(), 1);
}
END_TEST

/* A thread that was slow takes up what was thought dropped. */
START_TEST(who_comes_late_is_counted)
{
    service_connections_added(&connections, now_ns);
    pass_ms(SERVICE_CONNECTIONS_SETTLE_MS);
    ck_assert_uint_eq(count(), 0);
    service_connections_opened(&connections);
    ck_assert_uint_eq(count(), 1);
    service_connections_added(&connections, now_ns);
    ck_assert_uint_eq(count(), 2);
    service_connections_closed(&connections);
    ck_assert_uint_eq(count(), 1);
}
END_TEST

static TCase *tcase_connections(void)
{
    TCase *tcase = tcase_create("connections");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, each_is_counted_from_its_coming_to_its_end);
    tcase_add_test(tcase, what_was_dropped_is_forgotten_once_nobody_comes);
    tcase_add_test(tcase, who_comes_late_is_counted);
    return tcase;
}

CHECK_MAIN("connections", tcase_connections)
