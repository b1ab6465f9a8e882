#include "api/otlp/wire.h"

#include "tests/check_main.h"

static struct api_wire wire_of(struct str s)
{
    return api_wire_of(s);
}

START_TEST(each_wire_type_is_read)
{
    struct api_wire w = wire_of(STR("\x08\x96\x01"
                                    "\x11\x01\x02\x03\x04\x05\x06\x07\x08"
                                    "\x1a\x03"
                                    "abc"
                                    "\x25\x01\x02\x03\x04"));
    struct api_wire_field f;
    ck_assert(api_wire_next(&w, &f));
    ck_assert_uint_eq(f.number, 1);
    ck_assert_uint_eq(f.value, 150);
    ck_assert(api_wire_next(&w, &f));
    ck_assert_uint_eq(f.value, UINT64_C(0x0807060504030201));
    ck_assert(api_wire_next(&w, &f));
    ck_assert(str_equal(f.bytes, STR("abc")));
    ck_assert(api_wire_next(&w, &f));
    ck_assert_uint_eq(f.number, 4);
    ck_assert_uint_eq(f.value, 0x04030201);
    ck_assert(!api_wire_next(&w, &f));
    ck_assert_ptr_null(w.why);
}
END_TEST

static const struct str bad[] = {
    STR("\x08"),                                             /* no value */
    STR("\x08\x80"),                                         /* half a number */
    STR("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), /* eleven bytes */
    STR("\x09\x01\x02"),                                     /* half a fixed64 */
    STR("\x0d\x01\x02"),                                     /* half a fixed32 */
    STR("\x0a\x05"
        "ab"),                                               /* a length past the end */
    STR("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),     /* a length that would wrap */
    STR("\x0b\x0c"),                                         /* a group */
    STR("\x0c"),                                             /* the end of one */
    STR("\x0e\x01"),                                         /* wire type 6 */
    STR("\x0f\x01"),                                         /* wire type 7 */
    STR("\x00\x01"),                                         /* field 0 */
    STR("\x80\x80\x80\x80\x10\x01"),                         /* field 2^29 */
    STR("\x80"),                                             /* half a tag */
};

START_TEST(what_is_not_protobuf_fails)
{
    struct api_wire w = wire_of(bad[_i]);
    struct api_wire_field f;
    while (api_wire_next(&w, &f))
        continue;
    ck_assert_ptr_nonnull(w.why);
    ck_assert(!api_wire_next(&w, &f));
}
END_TEST

START_TEST(packed_numbers_are_read_one_by_one)
{
    struct api_wire w = wire_of(STR("\x01\x96\x01\x00"));
    uint64_t value;
    uint64_t sum = 0, n = 0;
    while (api_wire_packed(&w, API_WIRE_VARINT, &value)) {
        sum += value;
        n++;
    }
    ck_assert_ptr_null(w.why);
    ck_assert_uint_eq(n, 3);
    ck_assert_uint_eq(sum, 151);
    w = wire_of(STR("\x01\x02\x03"));
    ck_assert(!api_wire_packed(&w, API_WIRE_FIXED64, &value));
    ck_assert_ptr_nonnull(w.why);
}
END_TEST

START_TEST(zigzag_takes_both_signs)
{
    static const struct {
        uint64_t sent;
        int64_t meant;
    } cases[] = {{0, 0}, {1, -1}, {2, 1}, {3, -2}, {4294967295, -2147483648}, {UINT64_MAX, INT64_MIN}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_int_eq(api_wire_zigzag(cases[i].sent), cases[i].meant);
}
END_TEST

static TCase *wire_cases(void)
{
    TCase *c = tcase_create("wire");
    tcase_add_test(c, each_wire_type_is_read);
    tcase_add_loop_test(c, what_is_not_protobuf_fails, 0, (int)ARRAY_LEN(bad));
    tcase_add_test(c, packed_numbers_are_read_one_by_one);
    tcase_add_test(c, zigzag_takes_both_signs);
    return c;
}

CHECK_MAIN("api/wire", wire_cases)
