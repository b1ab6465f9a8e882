/* api/request/inflate.c, by the first byte: of gzip as sent; of deflate, to which a right header and trailer are put; of what was
 * compressed here. What comes out is what zlib makes of it, and never more than the bound. */
#include "api/request/inflate.h"

#include <stdlib.h>
#include <zlib.h>

#include "core/mem.h"
#include "tests/fuzz/fuzz.h"

enum { CONTENT_MAX_BYTES = 1 << 16, GZIP_BITS = 15 + 16, RAW_BITS = -15, SPARE_BYTES = 1 << 10 };

static unsigned char *bytes_of(struct str s)
{
    union {
        const char *text;
        unsigned char *bytes;
    } same = {s.ptr};
    return same.bytes;
}

/* One stream by one call of zlib: its content in out, and whether all of text is that stream. Content past CONTENT_MAX_BYTES and
 * what is no stream are false. */
static bool reference(struct str text, int bits, struct buf *out)
{
    z_stream z = {.next_in = bytes_of(text), .avail_in = (unsigned)text.len};
    char *const room = buf_reserve(out, CONTENT_MAX_BYTES);
    FUZZ_CHECK(room != NULL && inflateInit2(&z, bits) == Z_OK, "out of memory");
    z.next_out = (unsigned char *)room;
    z.avail_out = CONTENT_MAX_BYTES;
    const bool is_whole = inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in == 0;
    buf_advance(out, CONTENT_MAX_BYTES - z.avail_out);
    (void)inflateEnd(&z);
    return is_whole;
}

static void check(struct str gzip, size_t max_bytes)
{
    AUTO(buf) struct buf out;
    AUTO(buf) struct buf content;
    struct err_info e = {0};
    char *const exact = fuzz_exact(gzip);
    buf_init(&out, max_bytes);
    buf_init(&content, CONTENT_MAX_BYTES);
    const enum err code = api_inflate((struct str){exact, gzip.len}, &out, &e);
    const bool is_whole = reference((struct str){exact, gzip.len}, GZIP_BITS, &content);
    free(exact);
    FUZZ_CHECK(code == OK || code == ERR_INVALID || code == ERR_TOO_LARGE, "%s", e.message);
    FUZZ_CHECK(out.len <= max_bytes, "%zu bytes came out, of %zu", out.len, max_bytes);
    if (!is_whole)
        return;
    FUZZ_CHECK(code == (content.len <= max_bytes ? OK : ERR_TOO_LARGE), "%zu bytes, of %zu at most: %s", content.len, max_bytes, e.message);
    FUZZ_CHECK(code != OK || str_equal(buf_str(&out), buf_str(&content)), "what comes out is not what zlib makes of it");
}

static void put_le32(struct buf *b, uint32_t value)
{
    for (unsigned i = 0; i < sizeof value; i++)
        buf_putc(b, (char)(value >> 8 * i));
}

/* Puts what a fuzzer could not find by trying: the checksum. */
static void put_member(struct buf *out, struct str deflated, struct str content)
{
    buf_puts(out, STR("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"));
    buf_puts(out, deflated);
    put_le32(out, (uint32_t)crc32(0, bytes_of(content), (unsigned)content.len));
    put_le32(out, (uint32_t)content.len);
}

static void check_deflated(struct str deflated, size_t max_bytes)
{
    AUTO(buf) struct buf content;
    AUTO(buf) struct buf gzip;
    buf_init(&content, CONTENT_MAX_BYTES);
    buf_init(&gzip, SIZE_MAX);
    if (!reference(deflated, RAW_BITS, &content))
        return;
    put_member(&gzip, deflated, buf_str(&content));
    check(buf_str(&gzip), max_bytes);
    /* Two members are the content twice. */
    AUTO(buf) struct buf out;
    const size_t n_one = gzip.len;
    struct err_info e = {0};
    put_member(&gzip, deflated, buf_str(&content));
    buf_init(&out, 2 * content.len);
    FUZZ_CHECK(api_inflate(buf_str(&gzip), &out, &e) == OK && out.len == 2 * content.len, "two members of %zu: %s", n_one, e.message);
}

static void check_compressed(struct str content, size_t max_bytes)
{
    AUTO(buf) struct buf gzip;
    z_stream z = {.next_in = bytes_of(content), .avail_in = (unsigned)content.len};
    buf_init(&gzip, SIZE_MAX);
    const size_t most = content.len + SPARE_BYTES;
    char *const room = buf_reserve(&gzip, most);
    FUZZ_CHECK(room != NULL && deflateInit2(&z, 1, Z_DEFLATED, GZIP_BITS, 1, Z_DEFAULT_STRATEGY) == Z_OK, "out of memory");
    z.next_out = (unsigned char *)room;
    z.avail_out = (unsigned)most;
    FUZZ_CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END, "zlib cannot compress");
    buf_advance(&gzip, most - z.avail_out);
    (void)deflateEnd(&z);
    check(buf_str(&gzip), max_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_input_of(data, size);
    const uint8_t way = fuzz_byte(&in);
    const size_t max_bytes = (size_t)fuzz_byte(&in) << (way >> 2 & 7);
    if (way % 4 == 0)
        check_deflated(in.rest, max_bytes);
    else if (way % 4 == 1)
        check_compressed(in.rest, max_bytes);
    else
        check(in.rest, max_bytes);
    return 0;
}
