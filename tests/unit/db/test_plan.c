#include "db/session/plan.h"

#include "tests/check_main.h"

enum { LINES_MAX = 16 };

static uint64_t hash_of(const char *const *text)
{
    struct str lines[LINES_MAX];
    size_t n = 0;
    for (; text[n] != NULL; n++)
        lines[n] = str_of(text[n]);
    return db_plan_hash(lines, n);
}

static const char *const by_index[] = {
    "Limit",
    "  ->  Nested Loop",
    "        ->  Index Scan using logs_20230129_pkey on logs_20230129 l",
    "              Index Cond: (\"time\" >= '2023-01-29 00:00:00+00'::timestamp with time zone)",
    "              Filter: (body ~~* '%secret%'::text)",
    "        ->  Memoize",
    NULL};

START_TEST(costs_conditions_and_values_do_not_matter)
{
    static const char *const with_costs[] = {
        "Limit  (cost=0.43..12.10 rows=100 width=64) (actual time=0.1..0.2 rows=3 loops=1)",
        "  Buffers: shared hit=12",
        "  ->  Nested Loop  (cost=0.43..12.10 rows=1000 width=64)",
        "        ->  Index Scan using logs_20230130_pkey on logs_20230130 l  (cost=0.43..8.10 rows=9 width=64) (never executed)",
        "              Filter: (body ~~* '%other%'::text)",
        "        ->  Memoize  (cost=1.0..2.0 rows=1 width=8)",
        "Planning Time: 0.1 ms",
        NULL};
    ck_assert_uint_eq(hash_of(by_index), hash_of(with_costs));
}
END_TEST

START_TEST(the_number_of_days_does_not_matter)
{
    static const char *const of_days[] = {
        "Limit",
        "  ->  Nested Loop",
        "        ->  Append",
        "              ->  Index Scan using logs_20230130_pkey on logs_20230130 l_2",
        "              ->  Index Scan using logs_20230129_pkey on logs_20230129 l_1",
        "        ->  Memoize",
        NULL};
    ck_assert_uint_eq(hash_of(by_index), hash_of(of_days));
}
END_TEST

START_TEST(tables_indexes_and_nodes_matter)
{
    static const char *const others[][LINES_MAX] = {
        {"Limit", "  ->  Nested Loop", "        ->  Seq Scan on logs_20230129 l", "        ->  Memoize", NULL},
        {"Limit", "  ->  Nested Loop", "        ->  Index Scan using ix_logs_trace_id on logs_20230129 l", "        ->  Memoize", NULL},
        {"Limit", "  ->  Nested Loop", "        ->  Index Scan using logs_20230129_pkey on spans_20230129 l", "        ->  Memoize", NULL},
        {"Limit", "  ->  Hash Join", "        ->  Index Scan using logs_20230129_pkey on logs_20230129 l", "        ->  Memoize", NULL},
        {"Limit", "  ->  Nested Loop", "        ->  Memoize", "        ->  Index Scan using logs_20230129_pkey on logs_20230129 l", NULL},
        {"Limit", NULL},
        {NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        ck_assert_msg(hash_of(by_index) != hash_of(others[i]), "plan %zu", i);
}
END_TEST

static TCase *all_tests(void)
{
    TCase *c = tcase_create("plan");
    tcase_add_test(c, costs_conditions_and_values_do_not_matter);
    tcase_add_test(c, the_number_of_days_does_not_matter);
    tcase_add_test(c, tables_indexes_and_nodes_matter);
    return c;
}

CHECK_MAIN("plan", all_tests)
