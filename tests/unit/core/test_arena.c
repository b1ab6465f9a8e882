#include "core/arena.h"

#include <stdalign.h>

#include "tests/check_main.h"

enum { MIB = 1024 * 1024 };

START_TEST(allocations_are_aligned_and_apart)
{
    AUTO(arena) struct arena a;
    arena_init(&a, MIB);
    unsigned char *all[500];
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        all[i] = arena_alloc(&a, i);
        ck_assert_ptr_nonnull(all[i]);
        ck_assert_uint_eq((uintptr_t)all[i] % alignof(max_align_t), 0);
        memset(all[i], (int)(i % 251), i);
    }
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        for (size_t j = 0; j < i; j++)
            ck_assert_uint_eq(all[i][j], i % 251);
}
END_TEST

START_TEST(bound_holds)
{
    AUTO(arena) struct arena a;
    arena_init(&a, 64 * 1024);
    size_t n = 0;
    while (arena_alloc(&a, 1000) != NULL)
        n++;
    ck_assert_uint_gt(n, 55);
    ck_assert_uint_lt(n, 66);
    ck_assert_uint_le(a.used_bytes, a.max_bytes);
    arena_close(&a);
    ck_assert_uint_eq(a.used_bytes, 0);
    ck_assert_ptr_nonnull(arena_alloc(&a, 1000));
}
END_TEST

START_TEST(sizes_past_the_bound_fail)
{
    AUTO(arena) struct arena a;
    arena_init(&a, 8192);
    const size_t sizes[] = {8192, 8193, SIZE_MAX, SIZE_MAX - 8, SIZE_MAX / 2};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        ck_assert_ptr_null(arena_alloc(&a, sizes[i]));
    ck_assert_ptr_null(arena_calloc(&a, SIZE_MAX / 2, 3));
    ck_assert_ptr_nonnull(arena_alloc(&a, 8000));
}
END_TEST

START_TEST(no_bound_does_not_overflow)
{
    AUTO(arena) struct arena a;
    arena_init(&a, SIZE_MAX);
    ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX));
    ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX - 40));
}
END_TEST

START_TEST(large_block_leaves_the_small_one_in_use)
{
    AUTO(arena) struct arena a;
    arena_init(&a, MIB);
    ck_assert_ptr_nonnull(arena_alloc(&a, 16));
    ck_assert_ptr_nonnull(arena_alloc(&a, 100 * 1024));
    const size_t used_bytes = a.used_bytes;
    ck_assert_ptr_nonnull(arena_alloc(&a, 16));
    ck_assert_uint_eq(a.used_bytes, used_bytes);
}
END_TEST

START_TEST(what_grows_keeps_its_content)
{
    AUTO(arena) struct arena a;
    arena_init(&a, 4 * MIB);
    unsigned char *p = NULL;
    for (size_t size = 0; size < MIB; size = size * 3 / 2 + 100) {
        const size_t grown = size * 3 / 2 + 100;
        p = arena_grow(&a, p, size, grown);
        ck_assert_ptr_nonnull(p);
        for (size_t i = 0; i < size; i++)
            ck_assert_uint_eq(p[i], i % 251);
        for (size_t i = size; i < grown; i++)
            p[i] = (unsigned char)(i % 251);
        ck_assert_ptr_nonnull(arena_copy(&a, STR("between")).ptr);
    }
    ck_assert_uint_le(a.used_bytes, 4 * MIB);
    ck_assert_ptr_null(arena_grow(&a, p, 1, 4 * MIB));
    ck_assert_ptr_null(arena_grow(&a, p, 1, SIZE_MAX - 40));
}
END_TEST

START_TEST(calloc_zeroes)
{
    AUTO(arena) struct arena a;
    arena_init(&a, MIB);
    const unsigned char *p = arena_calloc(&a, 100, 3);
    ck_assert_ptr_nonnull(p);
    for (size_t i = 0; i < 300; i++)
        ck_assert_uint_eq(p[i], 0);
}
END_TEST

START_TEST(copies_and_prints_strings)
{
    AUTO(arena) struct arena a;
    arena_init(&a, 8192);
    const struct str copy = arena_copy(&a, (struct str){"abcdef", 3});
    ck_assert_str_eq(copy.ptr, "abc");
    ck_assert_uint_eq(copy.len, 3);
    ck_assert_str_eq(arena_copy(&a, (struct str){NULL, 0}).ptr, "");
    const struct str text = arena_printf(&a, "%d-%s", 42, "x");
    ck_assert_str_eq(text.ptr, "42-x");
    ck_assert_uint_eq(text.len, 4);
    ck_assert_ptr_null(arena_printf(&a, "%9000d", 1).ptr);
    ck_assert_uint_eq(arena_printf(&a, "%9000d", 1).len, 0);
    char large[8192] = {0};
    ck_assert_ptr_null(arena_copy(&a, (struct str){large, sizeof large}).ptr);
}
END_TEST

static TCase *all_tests(void)
{
    TCase *c = tcase_create("arena");
    tcase_add_test(c, allocations_are_aligned_and_apart);
    tcase_add_test(c, bound_holds);
    tcase_add_test(c, sizes_past_the_bound_fail);
    tcase_add_test(c, no_bound_does_not_overflow);
    tcase_add_test(c, large_block_leaves_the_small_one_in_use);
    tcase_add_test(c, what_grows_keeps_its_content);
    tcase_add_test(c, calloc_zeroes);
    tcase_add_test(c, copies_and_prints_strings);
    return c;
}

CHECK_MAIN("arena", all_tests)
