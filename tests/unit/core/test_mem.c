#include "core/mem.h"

#include "tests/check_main.h"

START_TEST(nothing_is_still_a_pointer)
{
    void *a = mem_alloc(0), *b = mem_alloc(0), *c = mem_calloc(0, 8);
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_ptr_nonnull(c);
    ck_assert_ptr_ne(a, b);
    mem_free(a);
    mem_free(b);
    mem_free(c);
    mem_free(NULL);
}
END_TEST

START_TEST(calloc_zeroes)
{
    unsigned char *p = mem_calloc(16, 4);
    ck_assert_ptr_nonnull(p);
    for (size_t i = 0; i < 64; i++)
        ck_assert_uint_eq(p[i], 0);
    mem_free(p);
}
END_TEST

START_TEST(products_that_overflow_are_refused)
{
    ck_assert_ptr_null(mem_calloc(SIZE_MAX / 2, 3));
    char *p = mem_alloc(4);
    ck_assert_ptr_nonnull(p);
    memcpy(p, "abc", 4);
    ck_assert_ptr_null(mem_resize(p, SIZE_MAX / 2, 3));
    ck_assert_str_eq(p, "abc");
    mem_free(p);
}
END_TEST

START_TEST(resize_keeps_the_content)
{
    char *p = mem_strdup(STR("abc"));
    ck_assert_ptr_nonnull(p);
    p = mem_resize(p, 1000, 10);
    ck_assert_ptr_nonnull(p);
    ck_assert_str_eq(p, "abc");
    p = mem_resize(p, 0, 10);
    ck_assert_ptr_nonnull(p);
    mem_free(p);
}
END_TEST

START_TEST(strdup_ends_with_nul)
{
    char *p = mem_strdup((struct str){"abcdef", 3});
    ck_assert_str_eq(p, "abc");
    mem_free(p);
    p = mem_strdup((struct str){NULL, 0});
    ck_assert_str_eq(p, "");
    mem_free(p);
}
END_TEST

static TCase *all_tests(void)
{
    TCase *c = tcase_create("mem");
    tcase_add_test(c, nothing_is_still_a_pointer);
    tcase_add_test(c, calloc_zeroes);
    tcase_add_test(c, products_that_overflow_are_refused);
    tcase_add_test(c, resize_keeps_the_content);
    tcase_add_test(c, strdup_ends_with_nul);
    return c;
}

CHECK_MAIN("mem", all_tests)
