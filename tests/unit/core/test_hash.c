#include "core/hash.h"

#include "core/attr.h"
#include "tests/check_main.h"

/* The published values of XXH3 for no input; stored hashes depend on them. */
START_TEST(known_values)
{
    static const uint8_t of_nothing[HASH128_BYTES] = {0x99, 0xaa, 0x06, 0xd3, 0x01, 0x47, 0x98, 0xd8,
                                                      0x60, 0x01, 0xc3, 0x24, 0x46, 0x8d, 0x49, 0x7f};
    uint8_t out[HASH128_BYTES];
    hash128(STR(""), out);
    ck_assert_mem_eq(out, of_nothing, sizeof out);
    ck_assert_uint_eq(hash64(STR(""), 0), UINT64_C(0x2d06800538d394c2));
    ck_assert_uint_eq(hash64((struct str){NULL, 0}, 0), hash64(STR(""), 0));
}
END_TEST

START_TEST(content_and_seed_matter)
{
    ck_assert_uint_ne(hash64(STR("a"), 0), hash64(STR("b"), 0));
    ck_assert_uint_ne(hash64(STR("a"), 0), hash64(STR("a"), 1));
    ck_assert_uint_ne(hash64(STR("a"), 0), hash64(STR("a\0"), 0));
    uint8_t a[HASH128_BYTES], b[HASH128_BYTES];
    hash128(STR("a"), a);
    hash128(STR("b"), b);
    ck_assert_mem_ne(a, b, sizeof a);
    hash128(STR("a"), b);
    ck_assert_mem_eq(a, b, sizeof a);
}
END_TEST

static TCase *all_tests(void)
{
    TCase *c = tcase_create("hash");
    tcase_add_test(c, known_values);
    tcase_add_test(c, content_and_seed_matter);
    return c;
}

CHECK_MAIN("hash", all_tests)
