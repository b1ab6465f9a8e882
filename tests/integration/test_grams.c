#include "core/grams.h"

#include <stdio.h>

#include "db/question/log_query.h"
#include "tests/integration/support/question.h"

/* What PostgreSQL finds by ILIKE and ~* has the grams that are wanted, whatever the locale takes for a letter, for part of a
 * word and for the same in another case. */

enum { PAIRS = 2000, ROUNDS = 2, CHARACTERS = 8, TEXT_MAX = 64, GRAMS_MAX = 256, SQL_MAX = 512 };

static struct question q;
static unsigned seed;

struct pair {
    char text[TEXT_MAX];
    char part[TEXT_MAX];
    struct db_log_query query; /* of the part as a word */
};
static struct pair pairs[PAIRS];
static struct str texts[PAIRS], patterns[PAIRS], regexes[PAIRS];

static unsigned next(unsigned below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

/* By what somebody may take for the same letter. */
static const char *const alike[][8] = {
    {"i", "I", "\xc4\xb1", "\xc4\xb0", "i\xcc\x87", "\xc3\x8c", "\xc4\xa8", "I\xcc\x87"},
    {"k", "K", "\xe2\x84\xaa", "k", "K", "k", "K", "k"},
    {"s", "S", "\xc5\xbf", "\xc3\x9f", "s", "S", "s", "S"},
    {"a", "A", "\xc3\xa4", "\xc3\x84", "a", "A", "a", "A"},
    {"7", "7", "7", "7", "7", "7", "7", "7"},
    {"_", "_", "_", "_", "_", "_", "_", "_"},
    {"-", ".", "\xe6\x97\xa5", "-", "\xc3\xa9", "\xc3\x89", "-", "."},
};

/* Some characters, and some in a row of them again, each in any form. */
static void make_pair(struct pair *p)
{
    unsigned kinds[CHARACTERS];
    const unsigned n = 3 + next(CHARACTERS - 2);
    const unsigned from = next(n - 2);
    const unsigned to = from + 3 + next(n - from - 2);
    p->text[0] = p->part[0] = '\0';
    for (unsigned i = 0; i < n; i++) {
        kinds[i] = next(sizeof alike / sizeof *alike);
        (void)strcat(p->text, alike[kinds[i]][next(8)]);
    }
    for (unsigned i = from; i < to; i++)
        (void)strcat(p->part, alike[kinds[i]][next(8)]);
}

static bool is_within(const struct pair *p, bool is_word)
{
    int32_t of_text[GRAMS_MAX], of_part[GRAMS_MAX];
    AUTO(grams) struct grams *text = grams_new();
    AUTO(grams) struct grams *part = grams_new();
    grams_add_text(text, str_of(p->text));
    grams_add_part(part, str_of(p->part), is_word && p->query.texts[0].begins, is_word && p->query.texts[0].ends);
    const size_t n_text = grams_last(text, of_text, GRAMS_MAX);
    const size_t n_part = grams_last(part, of_part, GRAMS_MAX);
    size_t n_found = 0;
    for (size_t i = 0; i < n_part; i++)
        for (size_t k = 0; k < n_text; k++)
            n_found += of_part[i] == of_text[k];
    return n_found == n_part;
}

static size_t make_pairs(void)
{
    size_t n = 0;
    while (n < PAIRS) {
        make_pair(&pairs[n]);
        if (pairs[n].part[0] == '-')
            continue;
        ck_assert_int_eq(db_log_query_parse(str_of(pairs[n].part), &q.arena, &pairs[n].query, &q.e), OK);
        texts[n] = str_of(pairs[n].text);
        patterns[n] = pairs[n].query.parts[0];
        regexes[n] = pairs[n].query.regexes[0];
        n++;
    }
    return n;
}

/* How many of the pairs are found. */
static int64_t check_found(const char *collation)
{
    char sql[SQL_MAX];
    struct db_params p;
    AUTO(db_result) struct db_result *r = NULL;
    int64_t n_found = 0;
    (void)snprintf(sql, sizeof sql,
                   "SELECT text COLLATE \"%s\" ILIKE pattern, text COLLATE \"%s\" ~* regex"
                   " FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS t (text, pattern, regex, i) ORDER BY i",
                   collation, collation);
    const struct db_statement statement = {"test", sql};
    db_params_init(&p, &q.arena);
    db_put_text_array(&p, texts, PAIRS);
    db_put_text_array(&p, patterns, PAIRS);
    db_put_text_array(&p, regexes, PAIRS);
    ck_assert_msg(db_run_anew(q.conn, &q.wait, &statement, &p, &r, &q.e) == OK, "%s", q.e.detail);
    for (int row = 0; row < db_n_rows(r); row++) {
        if (!db_get_bool(r, row, 0))
            continue;
        n_found++;
        ck_assert_msg(is_within(&pairs[row], false), "%s finds '%s' in '%s'", collation, pairs[row].part, pairs[row].text);
        ck_assert_msg(!db_get_bool(r, row, 1) || is_within(&pairs[row], true), "%s finds the word '%s' in '%s'", collation,
                      pairs[row].part, pairs[row].text);
    }
    return n_found;
}

static const char *const collations[] = {"C", "pg_c_utf8", "und-x-icu", "tr-x-icu", "lt-x-icu", "de-x-icu"};

static bool is_there(const char *collation)
{
    char sql[SQL_MAX];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_collation WHERE collname = '%s'", collation);
    return database_number(database_url(), sql) > 0;
}

START_TEST(what_is_found_has_the_grams)
{
    question_open(&q);
    if (is_there(collations[_i])) {
        int64_t n_found = 0;
        seed = (unsigned)_i + 1;
        for (int i = 0; i < ROUNDS; i++) {
            (void)make_pairs();
            n_found += check_found(collations[_i]);
        }
        ck_assert_int_gt(n_found, 10);
    }
    question_close(&q);
}
END_TEST

static TCase *tcase_grams(void)
{
    TCase *t = tcase_create("grams");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, what_is_found_has_the_grams, 0, sizeof collations / sizeof *collations);
    return t;
}

DATABASE_MAIN("grams", tcase_grams)
