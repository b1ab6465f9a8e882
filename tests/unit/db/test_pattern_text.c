#include "db/pattern/pattern_text.h"

#include <stdio.h>

#include "core/utf8.h"
#include "tests/check_main.h"

enum { ARENA_MAX = 1 << 20, N_MANY = 500, NAME_MAX_LEN = 1200 };

static struct arena arena;

static void setup(void)
{
    arena_init(&arena, ARENA_MAX);
}

static void teardown(void)
{
    arena_close(&arena);
}

START_TEST(tells_the_most_telling_first)
{
    const struct str services[] = {STR("cart"), STR("gate")};
    const struct str operations[] = {STR("cart\x1fSELECT carts"), STR("gate\x1fGET /cart/<n>")};
    const struct db_pattern_words words = {STR("gate"), STR("GET /cart/17"), STR("timeout after 300 ms"), services, operations, 2, 2};
    ck_assert_str_eq(db_pattern_text(&arena, &words).ptr, "gate GET /cart/<n>\nerror: timeout after <n> ms\nservices: cart, gate\n"
                                                          "operations: cart SELECT carts; gate GET /cart/<n>");
}
END_TEST

START_TEST(without_error_or_operations)
{
    const struct str service = STR("gate");
    const struct db_pattern_words words = {.service = service, .name = STR("n"), .services = &service, .n_services = 1};
    ck_assert_str_eq(db_pattern_text(&arena, &words).ptr, "gate n\nservices: gate\noperations:");
}
END_TEST

START_TEST(is_cut_between_characters)
{
    static char name[NAME_MAX_LEN];
    struct str many[N_MANY];
    for (size_t i = 0; i + 1 < sizeof name; i += 2)
        memcpy(name + i, "\xc3\xa9", 2);
    for (size_t i = 0; i < N_MANY; i++)
        many[i] = (struct str){name, sizeof name};
    const struct db_pattern_words words = {many[0], many[0], many[0], many, many, N_MANY, N_MANY};
    const struct str text = db_pattern_text(&arena, &words);
    ck_assert_uint_le(text.len, DB_PATTERN_TEXT_MAX);
    ck_assert_uint_gt(text.len, DB_PATTERN_TEXT_MAX - 8);
    ck_assert(utf8_is_clean(text));
}
END_TEST

START_TEST(a_query_has_the_words_of_an_error)
{
    ck_assert_str_eq(db_pattern_text_of_query(&arena, STR("  timeout after 412 ms ")).ptr, "timeout after <n> ms");
    ck_assert_uint_eq(db_pattern_text_of_query(&arena, STR(" \t\n")).len, 0);
}
END_TEST

static TCase *tcase_pattern_text(void)
{
    TCase *tcase = tcase_create("pattern_text");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, tells_the_most_telling_first);
    tcase_add_test(tcase, without_error_or_operations);
    tcase_add_test(tcase, is_cut_between_characters);
    tcase_add_test(tcase, a_query_has_the_words_of_an_error);
    return tcase;
}

CHECK_MAIN("pattern_text", tcase_pattern_text)
