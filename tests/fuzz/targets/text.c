/* core/utf8.c, core/hex.c, core/str.c, by the first byte: UTF-8 as jansson sees it and repaired; bytes to hexadecimal and base64 and
 * back; numbers as strtod and strtoll read them. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "core/hex.h"
#include "core/utf8.h"
#include "tests/fuzz/fuzz.h"

enum { ARENA_BYTES = 16 << 20, NUMBER_MAX = 512, ID_BYTES = 16 };

static void check_utf8(struct str s)
{
    AUTO(arena) struct arena arena;
    AUTO(buf) struct buf repaired;
    arena_init(&arena, ARENA_BYTES);
    buf_init(&repaired, SIZE_MAX);
    const bool is_clean = utf8_is_clean(s);
    FUZZ_CHECK(is_clean == fuzz_is_clean(s), "clean is %d", is_clean);
    utf8_put_repaired(&repaired, s);
    FUZZ_CHECK(fuzz_is_clean(buf_str(&repaired)), "what is repaired is not clean");
    FUZZ_CHECK(str_equal(utf8_repair(&arena, s), buf_str(&repaired)), "two repairs differ");
    FUZZ_CHECK(!is_clean || str_equal(buf_str(&repaired), s), "what is clean is changed");
    for (size_t max = 0; is_clean && max <= s.len && max < 64; max++) {
        const struct str cut = utf8_cut(s, max);
        FUZZ_CHECK(cut.len <= max && max - cut.len < 4 && fuzz_is_clean(cut), "cut at %zu it has %zu bytes", max, cut.len);
    }
}

static void check_bytes(struct str s)
{
    AUTO(buf) struct buf text;
    AUTO(buf) struct buf back;
    buf_init(&text, SIZE_MAX);
    buf_init(&back, SIZE_MAX);
    base64_put(&text, (const uint8_t *)s.ptr, s.len);
    FUZZ_CHECK(base64_is_canonical(buf_str(&text)), "base64 is not as it is written");
    FUZZ_CHECK(base64_parse(buf_str(&text), &back) && str_equal(buf_str(&back), s), "base64 does not come back");
    buf_clear(&text);
    buf_clear(&back);
    base64_put_url(&text, (const uint8_t *)s.ptr, s.len);
    FUZZ_CHECK(base64_parse(buf_str(&text), &back) && str_equal(buf_str(&back), s), "base64 of URLs does not come back");
    buf_clear(&text);
    hex_put(&text, (const uint8_t *)s.ptr, s.len);
    char *const room = buf_reserve(&back, s.len);
    FUZZ_CHECK(room != NULL && hex_parse(buf_str(&text), (uint8_t *)room, s.len), "hex does not come back");
    FUZZ_CHECK(s.len == 0 || memcmp(room, s.ptr, s.len) == 0, "hex comes back as something else");
}

static void check_texts(struct str s)
{
    AUTO(buf) struct buf bytes;
    AUTO(buf) struct buf again;
    uint8_t id[ID_BYTES];
    buf_init(&bytes, SIZE_MAX);
    buf_init(&again, SIZE_MAX);
    const bool is_base64 = base64_parse(s, &bytes);
    base64_put(&again, (const uint8_t *)buf_str(&bytes).ptr, bytes.len);
    FUZZ_CHECK(base64_is_canonical(s) == (is_base64 && str_equal(buf_str(&again), s)), "base64 of '%.*s'", STR_ARG(s));
    const bool is_padded = hex_parse_padded(s, id, sizeof id);
    bool is_hex = s.len > 0 && s.len <= 2 * sizeof id;
    for (size_t i = 0; i < s.len && is_hex; i++)
        is_hex = s.ptr[i] != '\0' && strchr("0123456789abcdefABCDEF", s.ptr[i]) != NULL;
    FUZZ_CHECK(is_padded == is_hex, "'%.*s' is an id or not", STR_ARG(s));
}

static void check_integers(const char *text, struct str s)
{
    int64_t i = 0;
    uint64_t u = 0;
    char *end = NULL;
    errno = 0;
    const long long want = strtoll(text, &end, 10);
    const bool is_plain = s.len > 0 && *end == '\0' && strspn(text + (text[0] == '-'), "0123456789") == s.len - (text[0] == '-') &&
                          s.len > (text[0] == '-');
    FUZZ_CHECK(str_to_i64(s, &i) == (is_plain && errno == 0), "'%s' is an integer or not", text);
    FUZZ_CHECK(!is_plain || errno != 0 || i == want, "'%s' is %lld", text, (long long)i);
    errno = 0;
    const unsigned long long want_u = strtoull(text, &end, 10);
    FUZZ_CHECK(str_to_u64(s, &u) == (is_plain && text[0] != '-' && errno == 0), "'%s' is a count or not", text);
    FUZZ_CHECK(!is_plain || text[0] == '-' || errno != 0 || u == want_u, "'%s' is %llu", text, (unsigned long long)u);
}

static void check_numbers(struct str s)
{
    char text[NUMBER_MAX + 1] = "";
    double have = 0;
    if (s.len > NUMBER_MAX || (s.len > 0 && memchr(s.ptr, '\0', s.len) != NULL))
        return;
    memcpy(text, s.ptr, s.len);
    check_integers(text, s);
    char *end = NULL;
    const double want = strtod(text, &end);
    const bool is_one = s.len > 0 && *end == '\0' && end != text && isfinite(want) && strspn(text, "0123456789+-.eE") == s.len;
    const bool is_taken = str_to_double(s, &have);
    FUZZ_CHECK(!is_taken || is_one, "'%s' is no number", text);
    FUZZ_CHECK(is_taken || !is_one || text[0] == '+' || strpbrk(text, ".eE") != NULL, "'%s' is a number", text);
    FUZZ_CHECK(!is_taken || memcmp(&have, &want, sizeof have) == 0, "'%s' is %.17g, not %.17g", text, have, want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_input_of(data, size);
    switch (fuzz_byte(&in) % 4) {
    case 0: check_utf8(in.rest); break;
    case 1: check_bytes(in.rest); break;
    case 2: check_texts(in.rest); break;
    default: check_numbers(in.rest); break;
    }
    return 0;
}
