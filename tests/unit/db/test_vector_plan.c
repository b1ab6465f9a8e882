#include "db/vector/vector_plan.h"

#include <stdio.h>

#include "core/clock.h"
#include "tests/check_main.h"

#define IVF DB_VECTOR_IVFFLAT_NAME
#define HNSW DB_VECTOR_HNSW_NAME
enum { HOUR_S = 3600 };
#define NOW_NS (INT64_C(1000) * HOUR_S * NS_PER_S)

static const struct db_vector_wish wish = {DB_VECTOR_IVFFLAT, 0, 0.95, INT64_C(2) << 30, 600 * NS_PER_S};
static struct db_vector_facts facts;

static void add_index(const char *name, enum db_vector_method method, bool is_valid, int64_t lists)
{
    struct db_vector_index *const index = &facts.indexes[facts.n_indexes++];
    *index = (struct db_vector_index){.method = method, .is_valid = is_valid, .lists = lists};
    (void)snprintf(index->name, sizeof index->name, "%s", name);
}

/* An index that was built over so many rows and measured a minute ago. */
static void built(int64_t n_rows, int64_t lists, double recall)
{
    add_index(IVF, DB_VECTOR_IVFFLAT, true, lists);
    facts.record = (struct db_vector_record){
        .is_there = true, .name = IVF, .method = DB_VECTOR_IVFFLAT, .generation = 1, .lists = lists, .n_rows_built = n_rows,
        .effort = 3, .is_measured = true, .recall = recall, .recall_error = 0.005, .recall_target = 0.95, .built_ns = NOW_NS - HOUR_S,
        .measured_ns = NOW_NS - 60 * NS_PER_S};
}

static void setup(void) { facts = (struct db_vector_facts){.n_rows = 50000, .now_ns = NOW_NS, .extension_version = 800}; }
static void teardown(void) {}

static void expect(const struct db_vector_wish *w, enum db_vector_action action, const char *name, int64_t lists)
{
    const struct db_vector_decision d = db_vector_plan(w, &facts);
    ck_assert_msg(d.action == action && strcmp(d.name, name) == 0 && d.lists == lists, "%d %s %lld (%s)", d.action, d.name,
                  (long long)d.lists, d.why);
}

START_TEST(lists_grow_with_rows)
{
    static const struct { int64_t n_rows, lists; } cases[] = {
        {0, 1}, {1000, 20}, {4999, 99}, {5000, 100}, {100000, 100}, {100001, 100}, {250000, 250}, {1000000, 1000}, {4000000, 2000},
        {INT64_C(1) << 40, 32768}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_int_eq(db_vector_lists_for(cases[i].n_rows), cases[i].lists);
}
END_TEST

/* What pgvector 0.8.0 said that it needs, in MiB, of stores of more rows than it samples. */
START_TEST(memory_is_what_pgvector_asks_for)
{
    static const struct { int64_t lists, mib; } cases[] = {{100, 20}, {1000, 273}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const int64_t needed = db_vector_build_bytes(DB_VECTOR_IVFFLAT, 1000000, cases[i].lists) >> 20;
        ck_assert_msg(needed >= cases[i].mib && needed <= cases[i].mib * 12 / 10, "%lld", (long long)needed);
    }
    const int64_t allowed = INT64_C(64) << 20;
    const int64_t lists = db_vector_lists_within(1000000, 1000, allowed);
    ck_assert_int_le(db_vector_build_bytes(DB_VECTOR_IVFFLAT, 1000000, lists), allowed);
    ck_assert_int_gt(lists, 200);
    ck_assert_int_eq(db_vector_lists_within(1000000, 1000, INT64_C(1) << 40), 1000);
    ck_assert_int_eq(db_vector_lists_within(1000000, 1000, 1), 1);
}
END_TEST

START_TEST(efforts_rise_to_half_of_the_lists)
{
    int64_t efforts[64];
    const size_t n = db_vector_efforts(DB_VECTOR_IVFFLAT, 1000, efforts, ARRAY_LEN(efforts));
    ck_assert_int_eq(efforts[0], 1);
    for (size_t i = 1; i < n; i++)
        ck_assert(efforts[i] > efforts[i - 1] && efforts[i] <= 500);
    ck_assert_int_gt(efforts[n - 1], 350);
    ck_assert_uint_eq(db_vector_efforts(DB_VECTOR_IVFFLAT, 1, efforts, ARRAY_LEN(efforts)), 1);
    ck_assert_uint_eq(db_vector_efforts(DB_VECTOR_IVFFLAT, 1000, efforts, 2), 2);
    ck_assert_uint_gt(db_vector_efforts(DB_VECTOR_HNSW, 0, efforts, ARRAY_LEN(efforts)), 5);
}
END_TEST

START_TEST(efforts_are_narrowed_to_a_sixteenth)
{
    for (int64_t least = 1; least <= 500; least++) {
        int64_t efforts[64], too_little = 0, enough = 0;
        const size_t n = db_vector_efforts(DB_VECTOR_IVFFLAT, 1000, efforts, ARRAY_LEN(efforts));
        for (size_t i = 0; i < n && efforts[i] < least; i++)
            too_little = efforts[i];
        enough = too_little + too_little / 3 + 1;
        for (int64_t between; (between = db_vector_effort_between(too_little, enough)) > 0;) {
            ck_assert(between > too_little && between < enough);
            *(between < least ? &too_little : &enough) = between;
        }
        ck_assert(enough >= least && enough <= least + 1 + least / 15);
    }
}
END_TEST

START_TEST(small_stores_have_no_index)
{
    facts.n_rows = DB_VECTOR_ROWS_MIN - 1;
    expect(&wish, DB_VECTOR_REST, "", 0);
    facts.n_rows = DB_VECTOR_ROWS_MIN;
    expect(&wish, DB_VECTOR_BUILD, IVF, 20);
    built(1000, 20, 0.99);
    expect(&wish, DB_VECTOR_REST, "", 0);
    facts.n_rows = DB_VECTOR_ROWS_MIN - 1;
    expect(&wish, DB_VECTOR_DROP, IVF, 0);
}
END_TEST

START_TEST(leftovers_go_first)
{
    static const struct { const char *name; bool is_valid; } cases[] = {
        {IVF "_next", false}, {IVF, false}, {IVF "_old", true}, {IVF "_ccnew", true}, {IVF "_ccold1", true}, {IVF "_next_ccnew", false},
        {HNSW "_next", true}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        setup();
        built(50000, 100, 0.99);
        if (strcmp(cases[i].name, IVF) == 0)
            facts.n_indexes = 0;
        add_index(cases[i].name, DB_VECTOR_IVFFLAT, cases[i].is_valid, 100);
        expect(&wish, DB_VECTOR_DROP, cases[i].name, 0);
    }
}
END_TEST

START_TEST(what_was_built_is_put_in_place)
{
    built(20000, 100, 0.99);
    add_index(IVF "_next", DB_VECTOR_IVFFLAT, true, 100);
    expect(&wish, DB_VECTOR_ADOPT, IVF "_next", 100);
    facts.n_rows = 10;
    expect(&wish, DB_VECTOR_DROP, IVF, 0);
}
END_TEST

START_TEST(growth_makes_a_new_generation)
{
    built(30000, 100, 0.99);
    facts.n_rows = 59999;
    expect(&wish, DB_VECTOR_REST, "", 0);
    facts.n_rows = 60000;
    expect(&wish, DB_VECTOR_BUILD, IVF, 100);
    setup();
    built(150000, 150, 0.99);
    facts.n_rows = 299999;
    expect(&wish, DB_VECTOR_REST, "", 0);
    facts.n_rows = 300000;
    expect(&wish, DB_VECTOR_BUILD, IVF, 300);
}
END_TEST

START_TEST(fallen_recall_makes_a_new_generation_where_rows_are_new)
{
    built(50000, 100, 0.80);
    expect(&wish, DB_VECTOR_REST, "", 0);
    facts.record.measured_ns = NOW_NS - HOUR_S * NS_PER_S;
    expect(&wish, DB_VECTOR_CALIBRATE, IVF, 0);
    facts.n_rows = 56000;
    expect(&wish, DB_VECTOR_BUILD, IVF, 100);
    setup();
    built(50000, 100, 0.945); /* by chance: within two standard errors */
    facts.n_rows = 56000;
    expect(&wish, DB_VECTOR_REST, "", 0);
}
END_TEST

START_TEST(recall_is_known_and_kept_known)
{
    add_index(IVF, DB_VECTOR_IVFFLAT, true, 100);
    expect(&wish, DB_VECTOR_CALIBRATE, IVF, 0); /* made by hand */
    setup();
    built(50000, 100, 0.99);
    facts.record.is_measured = false;
    expect(&wish, DB_VECTOR_CALIBRATE, IVF, 0);
    setup();
    built(50000, 100, 0.99);
    facts.record.measured_ns = NOW_NS - HOUR_S * NS_PER_S;
    expect(&wish, DB_VECTOR_MEASURE, IVF, 0);
    facts.record.measured_ns = NOW_NS + HOUR_S * NS_PER_S; /* the clock was set back */
    expect(&wish, DB_VECTOR_MEASURE, IVF, 0);
    struct db_vector_wish higher = wish;
    higher.recall_target = 0.98;
    expect(&higher, DB_VECTOR_CALIBRATE, IVF, 0);
}
END_TEST

START_TEST(settings_and_requests_count)
{
    struct db_vector_wish other = wish;
    built(50000, 100, 0.99);
    facts.is_rebuild_wanted = true;
    expect(&wish, DB_VECTOR_BUILD, IVF, 100);
    facts.is_rebuild_wanted = false;
    other.lists = 70;
    expect(&other, DB_VECTOR_BUILD, IVF, 70);
    other = wish;
    other.method = DB_VECTOR_NONE;
    expect(&other, DB_VECTOR_DROP, IVF, 0);
    other.method = DB_VECTOR_HNSW;
    expect(&other, DB_VECTOR_BUILD, HNSW, 0);   /* the other serves until this is there */
    add_index(HNSW, DB_VECTOR_HNSW, true, 0);
    expect(&other, DB_VECTOR_DROP, IVF, 0);
}
END_TEST

static TCase *case_plan(void)
{
    TCase *tcase = tcase_create("vector_plan");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, lists_grow_with_rows);
    tcase_add_test(tcase, memory_is_what_pgvector_asks_for);
    tcase_add_test(tcase, efforts_rise_to_half_of_the_lists);
    tcase_add_test(tcase, efforts_are_narrowed_to_a_sixteenth);
    tcase_add_test(tcase, small_stores_have_no_index);
    tcase_add_test(tcase, leftovers_go_first);
    tcase_add_test(tcase, what_was_built_is_put_in_place);
    tcase_add_test(tcase, growth_makes_a_new_generation);
    tcase_add_test(tcase, fallen_recall_makes_a_new_generation_where_rows_are_new);
    tcase_add_test(tcase, recall_is_known_and_kept_known);
    tcase_add_test(tcase, settings_and_requests_count);
    return tcase;
}

CHECK_MAIN("vector_plan", case_plan)
