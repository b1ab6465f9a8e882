#include "service/setting/network.h"

#include <netinet/in.h>
#include <stdio.h>

#include "tests/check_main.h"

static struct service_ip ip(const char *text)
{
    struct service_ip out;
    ck_assert_msg(service_ip_parse(str_of(text), &out), "%s", text);
    return out;
}

static struct service_networks networks(const char *text)
{
    struct service_networks out;
    struct err_info e = {0};
    const enum err code = service_networks_parse(str_of(text), &out, &e);
    ck_assert_msg(code == OK, "%s", e.message);
    return out;
}

START_TEST(addresses)
{
    static const struct { const char *text, *same; } same[] = {
        {"192.0.2.1", "::ffff:192.0.2.1"}, {"192.0.2.1:80", "192.0.2.1"}, {"2001:db8::1", "2001:0db8:0:0:0:0:0:1"},
        {"[2001:db8::1]:443", "2001:db8::1"}, {"[2001:db8::1]", "2001:db8::1"}};
    static const char *const wrong[] = {"", "unknown", "192.0.2", "192.0.2.256", "2001:db8::g", "[", "[]:1", "_hidden", "1.2.3.4, 5.6.7.8",
                                        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc"};
    struct service_ip out;
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        const struct service_ip a = ip(same[i].text), b = ip(same[i].same);
        ck_assert_mem_eq(a.bytes, b.bytes, sizeof a.bytes);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        ck_assert_msg(!service_ip_parse(str_of(wrong[i]), &out), "%s", wrong[i]);
    ck_assert(!service_ip_parse(STR("1.2.3.4\0"), &out));
    ck_assert(!service_ip_parse((struct str){0}, &out));
}
END_TEST

START_TEST(of_sockets)
{
    const struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201)};
    const struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const struct sockaddr un = {.sa_family = AF_UNIX};
    struct service_ip out;
    const struct service_ip four = ip("192.0.2.1"), six = ip("::1");
    ck_assert(service_ip_of((const struct sockaddr *)&in, &out));
    ck_assert_mem_eq(out.bytes, four.bytes, sizeof out.bytes);
    ck_assert(service_ip_is_ipv4(&out));
    ck_assert(service_ip_of((const struct sockaddr *)&in6, &out));
    ck_assert_mem_eq(out.bytes, six.bytes, sizeof out.bytes);
    ck_assert(!service_ip_is_ipv4(&out));
    ck_assert(!service_ip_of(&un, &out));
    ck_assert(!service_ip_of(NULL, &out));
}
END_TEST

START_TEST(membership)
{
    static const struct { const char *networks, *ip; bool is_in; } cases[] = {
        {"10.0.0.0/8", "10.255.0.1", true}, {"10.0.0.0/8", "11.0.0.1", false}, {"10.0.0.0/8", "::ffff:10.1.2.3", true},
        {"192.0.2.1", "192.0.2.1", true}, {"192.0.2.1", "192.0.2.2", false}, {"192.0.2.129/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false}, {"0.0.0.0/0", "1.2.3.4", true}, {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "1.2.3.4", true}, {"2001:db8::/33", "2001:db8:7fff::1", true}, {"2001:db8::/33", "2001:db8:8000::1", false},
        {"127.0.0.1, ::1,10.0.0.0/8", "::1", true}, {"127.0.0.1, ::1,10.0.0.0/8", "10.1.1.1", true}, {"", "127.0.0.1", false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct service_networks all = networks(cases[i].networks);
        const struct service_ip one = ip(cases[i].ip);
        ck_assert_msg(service_networks_have(&all, &one) == cases[i].is_in, "%s in %s", cases[i].ip, cases[i].networks);
    }
}
END_TEST

START_TEST(what_is_no_list)
{
    static const char *const wrong[] = {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "localhost", "10.0.0.0/8,", ",10.0.0.0/8",
                                        "10.0.0.1:80", " ", "*"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct service_networks out;
        struct err_info e = {0};
        ck_assert_msg(service_networks_parse(str_of(wrong[i]), &out, &e) == ERR_INVALID, "%s", wrong[i]);
        ck_assert_ptr_nonnull(strstr(e.message, "10.0.0.0/8"));
    }
    char many[16 * (SERVICE_NETWORKS_MAX + 1)] = "10.0.0.1";
    struct service_networks out;
    for (size_t i = 1; i < SERVICE_NETWORKS_MAX; i++)
        (void)strcat(many, ",10.0.0.1");
    ck_assert_int_eq(service_networks_parse(str_of(many), &out, NULL), OK);
    (void)strcat(many, ",10.0.0.1");
    ck_assert_int_eq(service_networks_parse(str_of(many), &out, NULL), ERR_INVALID);
}
END_TEST

/* Proxies are 10.0.0.0/8 and ::1. */
START_TEST(behind_proxies)
{
    static const struct { const char *peer; const char *values[3]; const char *client; } cases[] = {
        {"192.0.2.1", {NULL}, "192.0.2.1"},
        {"192.0.2.1", {"198.51.100.1"}, "192.0.2.1"}, /* anybody may write that */
        {"10.0.0.1", {NULL}, "10.0.0.1"},
        {"10.0.0.1", {"198.51.100.1"}, "198.51.100.1"},
        {"::1", {"198.51.100.1"}, "198.51.100.1"},
        {"10.0.0.1", {"1.1.1.1, 198.51.100.1"}, "198.51.100.1"}, /* the client wrote 1.1.1.1 */
        {"10.0.0.1", {"1.1.1.1", "198.51.100.1"}, "198.51.100.1"},
        {"10.0.0.1", {"1.1.1.1, 198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
        {"10.0.0.1", {"1.1.1.1, 198.51.100.1", "10.0.0.3 , 10.0.0.2"}, "198.51.100.1"},
        {"10.0.0.1", {"10.0.0.7", "10.0.0.2"}, "10.0.0.7"},
        {"10.0.0.1", {"198.51.100.1:4711"}, "198.51.100.1"},
        {"10.0.0.1", {"[2001:db8::1]:4711"}, "2001:db8::1"},
        {"10.0.0.1", {"198.51.100.1, unknown"}, "10.0.0.1"},
        {"10.0.0.1", {"198.51.100.1, "}, "10.0.0.1"},
        {"10.0.0.1", {""}, "10.0.0.1"},
    };
    const struct service_networks proxies = networks("10.0.0.0/8,::1");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str values[3];
        size_t n = 0;
        for (; n < 3 && cases[i].values[n] != NULL; n++)
            values[n] = str_of(cases[i].values[n]);
        const struct service_ip peer = ip(cases[i].peer), want = ip(cases[i].client);
        const struct service_ip client = service_network_client(&proxies, &peer, values, n);
        ck_assert_msg(memcmp(client.bytes, want.bytes, sizeof want.bytes) == 0, "case %zu", i);
    }
}
END_TEST

static TCase *network_case(void)
{
    TCase *tc = tcase_create("network");
    tcase_add_test(tc, addresses);
    tcase_add_test(tc, of_sockets);
    tcase_add_test(tc, membership);
    tcase_add_test(tc, what_is_no_list);
    tcase_add_test(tc, behind_proxies);
    return tc;
}

CHECK_MAIN("network", network_case)
