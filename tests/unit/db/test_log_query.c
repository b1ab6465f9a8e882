#include "core/buf.h"
#include "db/question/log_query.h"
#include "tests/check_main.h"

static struct arena arena;

static void setup(void) { arena_init(&arena, 1 << 20); }
static void teardown(void) { arena_close(&arena); }

/* Each condition on a line of its kind: + parts, ~ regular expressions, ! excluded ones. */
static void describe(struct buf *out, char kind, const struct str *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_putc(out, kind);
        buf_puts(out, items[i]);
        buf_putc(out, '\n');
    }
}

/* Beside what is beyond ASCII. */
#define EDGE "(?:(?<!\\w)|(?!\\w))"

static const struct {
    const char *q, *expected;
} queries[] = {
    {"timeout", "+%timeout%\n~\\mtimeout\\M\n"},
    {"  a\tb ", "+%a%\n+%b%\n~\\ma\\M\n~\\mb\\M\n"},
    {"conn*", "+%conn%\n~\\mconn\n"},
    {"\"a  b\"", "+%a  b%\n"},
    {"-x -\"y z\" w", "+%w%\n~\\mw\\M\n!\\mx\\M\n!y\\ z\n"},
    {"a.b(c)", "+%a.b(c)%\n~\\ma\\.b\\(c\\)\n"},
    {"(all)", "+%(all)%\n~\\(all\\)\n"},
    {"50%", "+%50\\%%\n~\\m50\\%\n"},
    {"a_b\\", "+%a\\_b\\\\%\n~\\ma_b\\\\\n"},
    {"\"say \\\"hi\\\" \\\\\"", "+%say \"hi\" \\\\%\n"},
    {"\"a\"b", "+%a%\n+%b%\n~\\mb\\M\n"},
    {"--", "!\\-\n"},
    {"a-b", "+%a-b%\n~\\ma\\-b\\M\n"},
    {"***", "+%**%\n~\\*\\*\n"},
    {"über", "+%über%\n~" EDGE "über\\M\n"},
    {"café*", "+%café%\n~\\mcafé\n"},
    {"-“a”", "!" EDGE "“a”" EDGE "\n"},
    {"\"→\"", "+%→%\n"},
};

START_TEST(conditions_of_a_query)
{
    struct db_log_query query;
    struct err_info e = {.code = OK};
    ck_assert_msg(db_log_query_parse(str_of(queries[_i].q), &arena, &query, &e) == OK, "%s", e.message);
    struct buf out;
    buf_init(&out, 4096);
    describe(&out, '+', query.parts, query.n_parts);
    describe(&out, '~', query.regexes, query.n_regexes);
    describe(&out, '!', query.excluded, query.n_excluded);
    buf_putc(&out, '\0');
    ck_assert_str_eq(buf_str(&out).ptr, queries[_i].expected);
    buf_close(&out);
}
END_TEST

static const char *const refused[] = {"", " ", "-", "*", "a -", "-*", "\"\"", "\"open", "-\"\"", "\"a\\\"", "a - b"};

START_TEST(refused_queries_name_q)
{
    struct db_log_query query;
    struct err_info e = {.code = OK};
    ck_assert_int_eq(db_log_query_parse(str_of(refused[_i]), &arena, &query, &e), ERR_INVALID);
    ck_assert_str_eq(e.parameter, "q");
}
END_TEST

START_TEST(terms_are_bounded)
{
    struct buf q;
    buf_init(&q, 4096);
    struct db_log_query query;
    struct err_info e = {.code = OK};
    for (int i = 0; i < DB_LOG_QUERY_TERMS_MAX; i++)
        buf_puts(&q, i % 2 == 0 ? STR("a ") : STR("-b "));
    ck_assert_int_eq(db_log_query_parse(buf_str(&q), &arena, &query, &e), OK);
    ck_assert_uint_eq(query.n_parts + query.n_excluded, DB_LOG_QUERY_TERMS_MAX);
    buf_putc(&q, 'c');
    ck_assert_int_eq(db_log_query_parse(buf_str(&q), &arena, &query, &e), ERR_INVALID);
    buf_close(&q);
}
END_TEST

START_TEST(a_full_arena_is_told)
{
    struct arena small;
    arena_init(&small, 0);
    struct db_log_query query;
    struct err_info e = {.code = OK};
    ck_assert_int_eq(db_log_query_parse(STR("word"), &small, &query, &e), ERR_NOMEM);
    arena_close(&small);
}
END_TEST

static TCase *tcase_log_query(void)
{
    TCase *t = tcase_create("log_query");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, conditions_of_a_query, 0, sizeof queries / sizeof *queries);
    tcase_add_loop_test(t, refused_queries_name_q, 0, sizeof refused / sizeof *refused);
    tcase_add_test(t, terms_are_bounded);
    tcase_add_test(t, a_full_arena_is_told);
    return t;
}

CHECK_MAIN("log_query", tcase_log_query)
