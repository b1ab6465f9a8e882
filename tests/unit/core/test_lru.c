#include "core/lru.h"

#include <pthread.h>
#include <stdio.h>

#include "tests/check_main.h"

enum { N_MAX = 3, N_THREADS = 4, N_ROUNDS = 20000, N_KEYS = 50, KEY_MAX = 16 };

static struct lru *l;

static void setup(void)
{
    ck_assert_int_eq(lru_new(N_MAX, sizeof(int), &l, NULL), OK);
}

static void teardown(void)
{
    lru_free(l);
}

static void put(const char *key, int value)
{
    lru_put(l, str_of(key), &value);
}

/* -1: it is not there. */
static int get(const char *key)
{
    int value = -1;
    ck_assert_int_eq(lru_get(l, str_of(key), &value), value != -1);
    return value;
}

START_TEST(what_was_used_longest_ago_leaves)
{
    ck_assert_int_eq(get("a"), -1);
    ck_assert_uint_eq(lru_count(l), 0);
    put("a", 1);
    put("b", 2);
    put("", 3);
    ck_assert_uint_eq(lru_count(l), 3);
    ck_assert_int_eq(get("a"), 1);
    put("d", 4);
    ck_assert_int_eq(get("b"), -1);
    ck_assert_int_eq(get("a"), 1);
    ck_assert_int_eq(get(""), 3);
    ck_assert_int_eq(get("d"), 4);
    ck_assert_uint_eq(lru_count(l), 3);
}
END_TEST

START_TEST(a_key_has_one_value)
{
    put("a", 1);
    put("b", 2);
    put("a", 10);
    put("c", 3);
    put("d", 4);
    ck_assert_int_eq(get("a"), 10);
    ck_assert_int_eq(get("b"), -1);
    ck_assert_int_eq(get("c"), 3);
}
END_TEST

START_TEST(of_size_none_or_one)
{
    struct lru *const three = l;
    ck_assert_int_eq(lru_new(0, sizeof(int), &l, NULL), OK);
    put("a", 1);
    ck_assert_int_eq(get("a"), -1);
    lru_free(l);
    ck_assert_int_eq(lru_new(1, sizeof(int), &l, NULL), OK);
    put("a", 1);
    put("b", 2);
    ck_assert_int_eq(get("a"), -1);
    ck_assert_int_eq(get("b"), 2);
    lru_free(l);
    l = three;
}
END_TEST

static void *use(void *arg)
{
    unsigned random = *(unsigned *)arg;
    for (int i = 0; i < N_ROUNDS; i++) {
        char key[KEY_MAX];
        random = random * 1103515245U + 12345U;
        const int n = (int)(random >> 16) % N_KEYS;
        (void)snprintf(key, sizeof key, "key %d", n);
        int value = n;
        if (i % 2 == 0)
            lru_put(l, str_of(key), &value);
        else if (lru_get(l, str_of(key), &value) && value != n)
            return arg;
    }
    return NULL;
}

START_TEST(threads_share_it)
{
    pthread_t threads[N_THREADS];
    unsigned seeds[N_THREADS];
    for (unsigned i = 0; i < N_THREADS; i++) {
        seeds[i] = i + 1;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, use, &seeds[i]), 0);
    }
    for (unsigned i = 0; i < N_THREADS; i++) {
        void *wrong = NULL;
        ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
        ck_assert_ptr_null(wrong);
    }
}
END_TEST

static TCase *tcase_lru(void)
{
    TCase *tcase = tcase_create("lru");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, what_was_used_longest_ago_leaves);
    tcase_add_test(tcase, a_key_has_one_value);
    tcase_add_test(tcase, of_size_none_or_one);
    tcase_add_test(tcase, threads_share_it);
    return tcase;
}

CHECK_MAIN("lru", tcase_lru)
