#include "core/clock.h"
#include "db/write/copyrow.h"
#include "tests/check_main.h"

enum { STREAM_MAX = 64 * 1024 };

static struct buf out;

static void setup(void)
{
    buf_init(&out, STREAM_MAX);
}

static void teardown(void)
{
    buf_close(&out);
}

/* What was appended since the last time is these bytes. */
static void expect(const void *bytes, size_t len)
{
    ck_assert(buf_is_ok(&out));
    ck_assert_uint_eq(out.len, len);
    ck_assert_mem_eq(out.data, bytes, len);
    buf_clear(&out);
}
#define EXPECT(literal) expect(literal, sizeof literal - 1)

START_TEST(head_row_and_tail)
{
    db_copyrow_begin(&out);
    db_copyrow_start(&out, 1);
    db_copyrow_bool(&out, true);
    db_copyrow_end(&out);
    EXPECT("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
           "\0\1\0\0\0\1\1"
           "\377\377");
}
END_TEST

START_TEST(whole_numbers)
{
    db_copyrow_i16(&out, -2);
    EXPECT("\0\0\0\2\377\376");
    db_copyrow_i32(&out, 258);
    EXPECT("\0\0\0\4\0\0\1\2");
    db_copyrow_i64(&out, INT64_MIN);
    EXPECT("\0\0\0\10\200\0\0\0\0\0\0\0");
}
END_TEST

START_TEST(real_number)
{
    db_copyrow_f64(&out, 1.0);
    EXPECT("\0\0\0\10\77\360\0\0\0\0\0\0");
}
END_TEST

/* Digits of base 10,000: their count, the power of the first, sign and scale, then they. */
START_TEST(numerics)
{
    db_copyrow_numeric(&out, 0);
    EXPECT("\0\0\0\10\0\0\0\0\0\0\0\0");
    db_copyrow_numeric(&out, 10002);
    EXPECT("\0\0\0\14\0\2\0\1\0\0\0\0\0\1\0\2");
    db_copyrow_numeric(&out, UINT64_MAX); /* 1844 6744 0737 0955 1615 */
    EXPECT("\0\0\0\22\0\5\0\4\0\0\0\0\7\64\32\130\2\341\3\273\6\117");
}
END_TEST

START_TEST(texts_and_nulls)
{
    db_copyrow_str(&out, STR("ab"));
    EXPECT("\0\0\0\2ab");
    db_copyrow_str(&out, STR(""));
    EXPECT("\0\0\0\0");
    db_copyrow_str(&out, (struct str){NULL, 0});
    EXPECT("\377\377\377\377");
    db_copyrow_text(&out, (struct str){NULL, 0});
    EXPECT("\0\0\0\0");
    db_copyrow_json(&out, STR("{}"));
    EXPECT("\0\0\0\3\1{}");
    db_copyrow_json(&out, (struct str){NULL, 0});
    EXPECT("\377\377\377\377");
}
END_TEST

/* Microseconds since 2000, cut towards the past on both sides of both epochs. */
START_TEST(times)
{
    const struct {
        int64_t wall_ns;
        const char *bytes;
    } cases[] = {
        {INT64_C(946684800) * NS_PER_S, "\0\0\0\10\0\0\0\0\0\0\0\0"},
        {INT64_C(946684800) * NS_PER_S + 1999, "\0\0\0\10\0\0\0\0\0\0\0\1"},
        {INT64_C(946684800) * NS_PER_S - 1, "\0\0\0\10\377\377\377\377\377\377\377\377"},
        {-1, "\0\0\0\10\377\374\242\376\304\310\37\377"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        db_copyrow_time(&out, cases[i].wall_ns);
        expect(cases[i].bytes, 12);
    }
    db_copyrow_date(&out, 10958);
    EXPECT("\0\0\0\4\0\0\0\1");
}
END_TEST

START_TEST(arrays)
{
    const struct str items[] = {STR("a"), STR("")};
    db_copyrow_text_array(&out, items, 2);
    EXPECT("\0\0\0\35\0\0\0\1\0\0\0\0\0\0\0\31\0\0\0\2\0\0\0\1\0\0\0\1a\0\0\0\0");
    db_copyrow_bytes_array(&out, NULL, 0);
    EXPECT("\0\0\0\14\0\0\0\0\0\0\0\0\0\0\0\21");
}
END_TEST

START_TEST(vectors)
{
    const float values[] = {1.0F, -2.0F};
    db_copyrow_vector(&out, values, 2);
    EXPECT("\0\0\0\14\0\2\0\0\77\200\0\0\300\0\0\0");
    db_copyrow_vector(&out, NULL, 2);
    EXPECT("\377\377\377\377");
}
END_TEST

static TCase *tcase_fields(void)
{
    TCase *tcase = tcase_create("fields");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, head_row_and_tail);
    tcase_add_test(tcase, whole_numbers);
    tcase_add_test(tcase, real_number);
    tcase_add_test(tcase, numerics);
    tcase_add_test(tcase, texts_and_nulls);
    tcase_add_test(tcase, times);
    tcase_add_test(tcase, arrays);
    tcase_add_test(tcase, vectors);
    return tcase;
}

CHECK_MAIN("copyrow", tcase_fields)
