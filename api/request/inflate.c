#include "api/request/inflate.h"

#include <limits.h>
#include <zlib.h>

#include "core/mem.h"

enum {
    GZIP_WINDOW_BITS = 15 + 16, /* of zlib's inflateInit2: gzip, and nothing else */
    GZIP_RATIO_GUESS = 4,
    STEP_MAX_BYTES = 1 << 20,
    STEP_MIN_BYTES = 1 << 12,
};

static void *zlib_alloc(void *opaque, unsigned n_items, unsigned size)
{
    (void)opaque;
    return mem_calloc(n_items, size);
}

static void zlib_free(void *opaque, void *p)
{
    (void)opaque;
    mem_free(p);
}

static void stream_auto(z_stream *z)
{
    (void)inflateEnd(z);
}

static enum err inflate_err(const struct buf *out, int code, struct err_info *e)
{
    if (code == Z_MEM_ERROR)
        return ERR_SET_NOMEM(e);
    if (code == Z_BUF_ERROR)
        return ERR_SET(e, ERR_INVALID, "the gzip body is cut short after %zu bytes of content: send it whole", out->len);
    return ERR_SET(e, ERR_INVALID, "the body is not valid gzip: send gzip, or leave out Content-Encoding");
}

/* How much room the next step gets; 0 when out is full. */
static size_t step_bytes(const struct buf *out)
{
    const size_t left = out->max - out->len, spare = out->cap - out->len;
    const size_t step = spare >= STEP_MIN_BYTES ? spare : STEP_MAX_BYTES;
    return step < left ? step : left;
}

/* Whether the stream has more content when there is no more room. */
static bool has_more(z_stream *z)
{
    unsigned char byte;
    z->next_out = &byte;
    z->avail_out = 1;
    const int status = inflate(z, Z_NO_FLUSH);
    z->next_out = NULL;
    return status != Z_STREAM_END || z->avail_out == 0;
}

/* Runs one member to its end. */
static enum err inflate_member(z_stream *z, struct buf *out, struct err_info *e)
{
    int code = Z_OK;
    while (code != Z_STREAM_END) {
        const size_t step = step_bytes(out);
        if (step == 0)
            return has_more(z) ? ERR_SET(e, ERR_TOO_LARGE, "the decompressed body is larger than %zu bytes: send less at a "
                                                           "time, or raise TRACEKIN_BODY_MAX_BYTES", out->max)
                               : OK;
        char *const room = buf_reserve(out, step);
        if (room == NULL)
            return ERR_SET_NOMEM(e);
        z->next_out = (unsigned char *)room;
        z->avail_out = (unsigned)(step < UINT_MAX ? step : UINT_MAX);
        const unsigned n_given = z->avail_out;
        code = inflate(z, Z_NO_FLUSH);
        buf_advance(out, n_given - z->avail_out);
        if (code != Z_OK && code != Z_STREAM_END)
            return inflate_err(out, code, e);
    }
    return OK;
}

enum err api_inflate(struct str gzip, struct buf *out, struct err_info *e)
{
    if (gzip.len > UINT_MAX)
        return ERR_SET(e, ERR_TOO_LARGE, "the compressed body is larger than %u bytes", UINT_MAX);
    /* zlib's next_in is not const, though it only reads. */
    union {
        const char *in;
        unsigned char *next;
    } input = {gzip.ptr};
    __attribute__((cleanup(stream_auto))) z_stream z = {
        .zalloc = zlib_alloc, .zfree = zlib_free, .next_in = input.next, .avail_in = (unsigned)gzip.len};
    if (inflateInit2(&z, GZIP_WINDOW_BITS) != Z_OK)
        return ERR_SET_NOMEM(e);
    const size_t guess = gzip.len * GZIP_RATIO_GUESS;
    (void)buf_reserve(out, guess < out->max - out->len ? guess : 0);
    do {
        TRY(inflate_member(&z, out, e));
    } while (z.avail_in > 0 && inflateReset(&z) == Z_OK);
    return OK;
}
