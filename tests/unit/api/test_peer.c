#include "api/embed/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "core/attr.h"
#include "tests/check_main.h"

static bool is_link_local(const char *text)
{
    struct sockaddr_storage storage = {.ss_family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET};
    struct sockaddr_in *const in = (void *)&storage;
    struct sockaddr_in6 *const in6 = (void *)&storage;
    void *const address = storage.ss_family == AF_INET6 ? (void *)&in6->sin6_addr : (void *)&in->sin_addr;
    ck_assert_msg(inet_pton(storage.ss_family, text, address) == 1, "%s is no address", text);
    return api_peer_is_link_local((const struct sockaddr *)&storage);
}

static const char *const denied[] = {
    "169.254.169.254", "169.254.0.0", "169.254.255.255", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192",
    "fe80::1", "febf:ffff::1", "fd00:ec2::254", "fd20:ce::254", "::ffff:169.254.169.254", "::169.254.169.254", "64:ff9b::169.254.169.254",
    "2002:a9fe:a9fe::1", "::ffff:100.100.100.200"};
static const char *const allowed[] = {
    "127.0.0.1", "10.0.0.1", "172.17.0.1", "192.168.1.1", "169.253.255.255", "169.255.0.0", "100.100.100.201", "1.1.1.1", "0.0.0.0",
    "::1", "::", "fec0::1", "fe7f::1", "fd00::1", "fd00:ec3::1", "2606:4700::1111", "::ffff:127.0.0.1", "2002:7f00:1::1", "a9fe:a9fe::1"};

START_TEST(where_clouds_keep_credentials)
{
    ck_assert_msg(is_link_local(denied[_i]), "%s", denied[_i]);
}
END_TEST

START_TEST(where_models_are_served)
{
    ck_assert_msg(!is_link_local(allowed[_i]), "%s", allowed[_i]);
}
END_TEST

START_TEST(other_families_are_none)
{
    ck_assert(!api_peer_is_link_local(&(struct sockaddr){.sa_family = AF_UNIX}));
}
END_TEST

static TCase *tcase_peer(void)
{
    TCase *tc = tcase_create("peer");
    tcase_add_loop_test(tc, where_clouds_keep_credentials, 0, ARRAY_LEN(denied));
    tcase_add_loop_test(tc, where_models_are_served, 0, ARRAY_LEN(allowed));
    tcase_add_test(tc, other_families_are_none);
    return tc;
}

CHECK_MAIN("peer", tcase_peer)
