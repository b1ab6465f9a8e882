#include "service/setting/address.h"
#include "tests/check_main.h"

START_TEST(test_reads_what_it_prints)
{
    static const struct { const char *text, *printed; bool is_loopback; const char *reach; } cases[] = {
        {"127.0.0.1:4318", "127.0.0.1:4318", true, "127.0.0.1:4318"},
        {"127.8.9.1:1", "127.8.9.1:1", true, "127.8.9.1:1"},
        {"localhost:0", "127.0.0.1:0", true, "127.0.0.1:0"},
        {"0.0.0.0:65535", "0.0.0.0:65535", false, "127.0.0.1:65535"},
        {"10.1.2.3:80", "10.1.2.3:80", false, "10.1.2.3:80"},
        {"[::1]:4318", "[::1]:4318", true, "[::1]:4318"},
        {"[::]:4318", "[::]:4318", false, "[::1]:4318"},
        {"[2001:DB8::1]:4318", "[2001:db8::1]:4318", false, "[2001:db8::1]:4318"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct service_address a, reach;
        char text[SERVICE_ADDRESS_TEXT_MAX];
        ck_assert_int_eq(service_address_parse(str_of(cases[i].text), &a, NULL), OK);
        service_address_print(&a, text);
        ck_assert_str_eq(text, cases[i].printed);
        ck_assert_int_eq(service_address_is_loopback(&a), cases[i].is_loopback);
        reach = service_address_reach(&a);
        service_address_print(&reach, text);
        ck_assert_str_eq(text, cases[i].reach);
    }
}
END_TEST

START_TEST(test_refuses)
{
    static const char *const texts[] = {"",           "4318",          ":4318",           "127.0.0.1",     "127.0.0.1:",
                                        "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:x",  "127.0.0.1:80 ", "example.com:80",
                                        "::1:4318",   "[::1]",         "[::1:4318",       "[127.0.0.1]:80", "256.0.0.1:80",
                                        "[]:80",      "http://127.0.0.1:80"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct service_address a;
        struct err_info e = {0};
        ck_assert_msg(service_address_parse(str_of(texts[i]), &a, &e) == ERR_INVALID, "took '%s'", texts[i]);
        ck_assert_ptr_nonnull(strstr(e.message, "127.0.0.1:4318"));
    }
}
END_TEST

static TCase *tcase_address(void)
{
    TCase *tc = tcase_create("address");
    tcase_add_test(tc, test_reads_what_it_prints);
    tcase_add_test(tc, test_refuses);
    return tc;
}

CHECK_MAIN("address", tcase_address)
